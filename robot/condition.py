"""Is the robot running, what is ill, since when, and what to do: learnt from the log's own events, so that page and log never differ."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.transport.breaker import Position
from connectors.transport.failures import FAILURES
from robot.figures import CERTIFICATE_DAYS, Figures, nothing_known
from workqueue import ERRORS

LATE_S = 600
DISK_BYTES = 500_000_000
HEAD_S = 3600
SLOW_S = 10
FAILS_PERCENT = 20
FEW = 10
"""Of fewer questions in the last while nothing is said."""
PAUSE_SIGN = "paused since "
"""So an illness that is a pause begins."""
_WAITED_LIMIT = 100_000
_FADES = timedelta(minutes=15)
"""An illness without an event that ends it is over when it has not come again for so long."""


class _Sign(NamedTuple):
    """An event that tells of an illness. `ends` = the event that ends it; '' = it fades. `fades` = it does so even then."""

    what: str
    ends: str
    remedy: str
    fades: bool = False


_SIGNS = {
    "neighbour.lost": _Sign("{neighbour} does not answer and is left alone for a while", "neighbour.back", ""),
    "database.unavailable": _Sign("the database cannot be used", "database.back", ""),
    "audit.head_not_kept": _Sign(
        "the end of the audit cannot be kept in its file",
        "audit.head_kept_again",
        "mend the disk, the mount or the rights of audit.head_file",
    ),
    # It fades, too: another robot may pull from now on, and then this one hears of no end.
    "pull.failed": _Sign("the last pull of new applications failed", "pull.done", "", fades=True),
    "pull.case_not_stored": _Sign("the database refuses new applications, which nobody has until it takes them", "", ""),
    "job.failed": _Sign("a timed job failed: {job}", "", "report it with the log lines of that time; the job runs again at its next time"),
    "case.failed": _Sign("a case met a bug and went to a person", "", "report it with the log line `case.failed`"),
}
_REMEDIES = {
    "parked": "`bistandsrobot queue list --state parked`, then `queue show` and `queue requeue`",
    "paused": "`bistandsrobot audit export store` tells why; `bistandsrobot resume` ends it. A case at its deadline goes to a person",
    "late": "see what else is ill; a caseworker can take the case in the case system at once",
    "untaken": "see the log for the last minutes; restart the robot if nothing else is ill",
    "disk": "free disk space: at 0 the robot waits and nothing is lost, but nothing goes on either",
    "head": "mend the disk, the mount or the rights of `audit.head_file`",
    "certificate": "get the next one from whoever issues it, and put it in place: the robot reads it at its next start",
    "lists": "mend what fetches the authority's list, and put the newest one in place: the robot reads it within a minute",
    "slow": "call whoever runs it: cases only take longer",
    "failing": "`bistandsrobot check` asks it and tells the code; call whoever runs it",
}
_OF_ONE = frozenset({"neighbour.lost", "job.failed"})
_OF_THE_PROCESS = frozenset({"job.failed", "case.failed"})
_ENDS = {sign.ends: name for name, sign in _SIGNS.items() if sign.ends}


@dataclass(frozen=True, slots=True)
class Illness:
    """One thing that is wrong. `code` is listed in docs/errors.md; '' = it has none."""

    what: str
    code: str
    since: datetime
    last: datetime
    remedy: str


@dataclass
class Condition:
    """One process's health. Times are the machine's, UTC. Its methods may be called from any thread."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    figures: Figures = field(default_factory=nothing_known)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _running: bool = False
    _stopping: bool = False
    _ill: dict[tuple[str, str], Illness] = field(default_factory=dict)
    _shown: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _waited: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seen(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Learn from an event, and pass it on; one that a neighbour is back gets the number of cases that waited meanwhile."""
        name = str(event.get("event"))
        with self._lock:
            if name in _SIGNS and not _is_of_one_case(name, event):
                self._fell_ill(name, event)
            elif name in _ENDS:
                self._ill.pop(_key(_ENDS[name], event), None)
                if name == "neighbour.back":
                    event["cases_waited"] = len(self._waited)
                    self._waited.clear()
            elif name in {"case.tried_later", "case.resting"} and self._ill and len(self._waited) < _WAITED_LIMIT:
                self._waited.add(str(event.get("case_ref")))
            elif name == "daemon.started":
                self._running = True
            elif name == "daemon.stopping":
                self._stopping = True
        return event

    def take(self, figures: Figures) -> None:
        """Keep what was read from the queue."""
        with self._lock:
            self.figures = figures
            if figures.database_up:
                signs = signs_in(figures)
                self._shown = {sign: (what, self._shown[sign][1] if sign in self._shown else figures.at) for sign, what in signs.items()}

    def illnesses(self, *, of_its_own: bool = False) -> list[Illness]:
        """Return what is wrong now, oldest first. `of_its_own` = only what other processes of the robot do not see as well."""
        with self._lock:
            lasting = {key: one for key, one in self._ill.items() if not _fades(key[0]) or self.now() - one.last < _FADES}
            if of_its_own:
                return sorted((one for key, one in lasting.items() if key[0] in _OF_THE_PROCESS), key=lambda one: one.since)
            found = list(lasting.values())
            found += [
                Illness(what, "", since, self.figures.at, _REMEDIES[sign.partition(" ")[0]]) for sign, (what, since) in self._shown.items()
            ]
        return sorted(found, key=lambda one: one.since)

    def readiness(self) -> list[str]:
        """Return why it does not work now, a word each; empty = it does."""
        with self._lock:
            reasons = {"starting": not self._running, "stopping": self._stopping, "database": not self.figures.database_up}
        return [reason for reason, applies in reasons.items() if applies]

    def _fell_ill(self, name: str, event: MutableMapping[str, Any]) -> None:
        sign, key, now = _SIGNS[name], _key(name, event), self.now()
        code = str(event.get("code", ""))
        before = self._ill.get(key)
        what = sign.what.format_map({"neighbour": event.get("neighbour", ""), "job": event.get("job", "")})
        self._ill[key] = Illness(what, code, before.since if before else now, now, sign.remedy or remedy(code))


def signs_in(figures: Figures) -> dict[str, str]:
    """Return what the figures alone show to be wrong, by a name that stays the same while it lasts."""
    signs: dict[str, str] = {}
    if parked := figures.counts.get("parked", 0):
        signs["parked"] = "1 case is parked" if parked == 1 else f"{parked} cases are parked"
    if figures.deadline_margin_s is not None and figures.deadline_margin_s < -LATE_S:
        signs["late"] = "a case is past its deadline and still with the robot"
    in_hand = figures.counts.get("assessing") or figures.counts.get("delivering")
    if figures.oldest_s.get("ready", 0) > LATE_S and not in_hand and not figures.pauses and not figures.at_rest:
        signs["untaken"] = "cases are ready and nobody takes them"
    if figures.disk_free_bytes is not None and figures.disk_free_bytes < DISK_BYTES:
        signs["disk"] = "the disk of the database is nearly full"
    if figures.head_age_s is not None and figures.head_age_s > HEAD_S:
        signs["head"] = "the end of the audit has not been kept elsewhere for over an hour"
    for pause in figures.pauses:
        since = pause.since.astimezone(UTC)
        signs[f"paused {pause.what}"] = f"{PAUSE_SIGN}{since:%Y-%m-%d %H:%M} UTC by {pause.by}: {pause.what}; urgent cases go on"
    return signs | _signs_of_neighbours(figures)


def _signs_of_neighbours(figures: Figures) -> dict[str, str]:
    signs: dict[str, str] = {}
    for (neighbour, file), days in figures.certificate_days.items():
        if days < CERTIFICATE_DAYS:
            signs[f"certificate {neighbour} {file}"] = f"the certificate {file} for {neighbour} ends in {max(0, int(days))} days"
    for (neighbour, file), lists in figures.list_days.items():
        if lists.is_due:
            how = "cannot be read" if lists.left is None else f"ends in {max(0.0, lists.left):.1f} days"
            signs[f"lists {neighbour} {file}"] = f"the revocation list {file} for {neighbour} {how}"
    for one in figures.neighbours:
        if one.asked < FEW or one.position is not Position.CLOSED:
            continue
        if one.within_s is not None and one.within_s > SLOW_S:
            signs[f"slow {one.name}"] = f"{one.name} is slow: more than 5 of 100 questions take over {SLOW_S} s"
        if one.errors * 100 > one.asked * FAILS_PERCENT:
            signs[f"failing {one.name}"] = f"{one.name} fails often: in more than {FAILS_PERCENT} of 100 questions"
    return signs


def remedy(code: str) -> str:
    """Return what ops can do about a code."""
    if code in ERRORS:
        return ERRORS[code].remedy
    if code in FAILURES and FAILURES[code].retriable:
        return "nothing at once: it is asked again. If it goes on, see the code in docs/errors.md and ask who runs the neighbour"
    return "see the code in docs/errors.md"


def _fades(name: str) -> bool:
    return _SIGNS[name].fades or not _SIGNS[name].ends


def _is_of_one_case(name: str, event: MutableMapping[str, Any]) -> bool:
    """Say whether a case tells what the database has told by itself, perhaps after it was back: nothing would end that illness."""
    return name == "database.unavailable" and "case_ref" in event


def _key(name: str, event: MutableMapping[str, Any]) -> tuple[str, str]:
    """Return what an illness is known by. A neighbour or a job falls ill by itself; of pulls there is one."""
    if name not in _OF_ONE:
        return name, ""
    return name, str(event.get("neighbour", "")) + str(event.get("job", ""))
