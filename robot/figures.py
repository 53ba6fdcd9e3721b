"""What is so now: how many cases stand where, how near the deadlines are, how much room is left. No personal data."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from robot.hours import Window, is_open, opened, within
from robot.neighbours import Lately
from robot.settings import Settings
from workqueue import NOT_ENDED, RESTING, Pause, State, Waiting, WorkQueue

_FILE_LIMIT_BYTES = 1_000_000
_LISTS_LIMIT_BYTES = 100_000_000
_LIST = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_DAY_S = 86_400
_WRITE_AHEAD = "-wal"
CERTIFICATE_DAYS = 30
"""With fewer left somebody is told: new ones take weeks from some issuers."""


class ListDays(NamedTuple):
    """Days that the revocation list that ends first has left, of so many that it was made for. None = the file cannot be read."""

    left: float | None
    of: float | None

    @property
    def is_due(self) -> bool:
        """Whether the next list ought to be there: a quarter of its time is left, or less than for a certificate."""
        return self.left is None or self.of is None or self.left < min(self.of / 4, CERTIFICATE_DAYS)


@dataclass(frozen=True, slots=True)
class Figures:
    """One look. None = not known. `oldest_s` = age of the oldest case by state; certificates and lists by neighbour and file name."""

    at: datetime
    database_up: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    oldest_s: Mapping[str, float] = field(default_factory=dict)
    deadline_margin_s: float | None = None
    head_age_s: float | None = None
    disk_free_bytes: int | None = None
    database_bytes: int | None = None
    certificate_days: Mapping[tuple[str, str], float] = field(default_factory=dict)
    list_days: Mapping[tuple[str, str], ListDays] = field(default_factory=dict)
    pauses: Sequence[Pause] = ()
    at_rest: bool = False
    """Whether it is an hour in which no new cases are taken."""
    neighbours: Sequence[Lately] = ()
    cases_in_flight_most: int | None = None


def look(queue: WorkQueue, settings: Settings, now: datetime, *, head_kept_at: datetime | None) -> Figures:
    """Read the queue and the machine. `now` = the world's time. Raises QueueError when the database cannot be used."""
    waiting = queue.waiting()
    file = settings.storage.database if isinstance(settings.storage.database, Path) else None
    return Figures(
        at=datetime.now(UTC),
        database_up=True,
        counts={state.value: waiting[state].cases if state in waiting else 0 for state in (*sorted(NOT_ENDED), State.PARKED)},
        oldest_s={state.value: max(0.0, (now - one.oldest).total_seconds()) for state, one in waiting.items()},
        deadline_margin_s=_margin(waiting, settings.schedule.case_system_open, now),
        head_age_s=None if head_kept_at is None else (datetime.now(UTC) - head_kept_at).total_seconds(),
        disk_free_bytes=None if file is None else shutil.disk_usage(file.parent).free,
        database_bytes=None if file is None else bytes_of(file),
        certificate_days=certificate_days(settings, datetime.now(UTC)),
        list_days=list_days(settings, datetime.now(UTC)),
        cases_in_flight_most=settings.work.cases_in_flight,
        pauses=queue.pauses(),
        at_rest=within(settings.schedule.quiet, now) or not is_open(settings.schedule.case_system_open, now),
    )


def _margin(waiting: Mapping[State, Waiting], hours: Sequence[Window], now: datetime) -> float | None:
    """Return the seconds left to the nearest deadline, below 0 when it is past; None = nothing hurries.

    A case that rests does not hurry before its deadline: then it is woken, and it is late when it was not. While the case system is closed
    nothing can be done for any case: no hour of that is a delay.
    """
    if not is_open(hours, now):
        return None
    deadlines = [one.deadline for state, one in waiting.items() if state in NOT_ENDED and (state not in RESTING or one.deadline <= now)]
    if not deadlines:
        return None
    nearest, opening = min(deadlines), opened(hours, now)
    if nearest < now and opening is not None and not is_open(hours, opening - timedelta(seconds=1)):
        nearest = max(nearest, opening)
    return (nearest - now).total_seconds()


def nothing_known() -> Figures:
    """Return what can be said while the database cannot be used."""
    return Figures(at=datetime.now(UTC), database_up=False)


def certificate_days(settings: Settings, now: datetime) -> dict[tuple[str, str], float]:
    """Return how many days each certificate that the settings name has left, the first to end of each file."""
    days: dict[tuple[str, str], float] = {}
    for place, transport in settings.transports().items():
        for file in (transport.client_certificate_file, transport.ca_file):
            if file is not None and (ends := _first_end(file)) is not None:
                days[place[0], file.name] = round((ends - now).total_seconds() / _DAY_S, 2)
    return days


def list_days(settings: Settings, now: datetime) -> dict[tuple[str, str], ListDays]:
    """Return how long the revocation lists that the settings name are in force, the first to end of each file."""
    return {
        (place[0], transport.crl_file.name): _days(transport.crl_file, now)
        for place, transport in settings.transports().items()
        if transport.crl_file is not None
    }


def _days(file: Path, now: datetime) -> ListDays:
    try:
        found = file.stat()
        first = _first_list(file, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError):
        return ListDays(None, None)
    if first is None:
        return ListDays(float("inf"), float("inf"))
    made, ends = first
    return ListDays(round((ends - now).total_seconds() / _DAY_S, 2), round((ends - made).total_seconds() / _DAY_S, 2))


@lru_cache(maxsize=16)
def _first_list(file: Path, _changed: int, _size: int) -> tuple[datetime, datetime] | None:
    """Return when the list that ends first was made and ends; None = none of them ends. Raises ValueError for a file without any.

    Kept until the file changes: lists may be large.
    """
    with file.open("rb") as opened:
        lists = [x509.load_pem_x509_crl(one) for one in _LIST.findall(opened.read(_LISTS_LIMIT_BYTES))]
    if not lists:
        raise ValueError("no revocation list in PEM form")
    times = [(one.last_update_utc, one.next_update_utc) for one in lists]
    return min(((made, ends) for made, ends in times if ends is not None), key=lambda one: one[1], default=None)


def _first_end(file: Path) -> datetime | None:
    try:
        with file.open("rb") as opened:
            found = x509.load_pem_x509_certificates(opened.read(_FILE_LIMIT_BYTES))
    except (OSError, ValueError):
        return None
    return min((one.not_valid_after_utc for one in found), default=None)


def bytes_of(database: Path) -> int:
    """Return how much a database takes on disk, its write-ahead log too: after a day of much work most of it may stand there."""
    return _size(database) + _size(database.with_name(database.name + _WRITE_AHEAD))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
