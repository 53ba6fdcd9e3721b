"""What is so now: how many cases stand where, how near the deadlines are, how much room is left. No personal data."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from robot.hours import is_open, within
from robot.settings import Settings
from workqueue import NOT_ENDED, Pause, State, WorkQueue

_FILE_LIMIT_BYTES = 1_000_000
_WRITE_AHEAD = "-wal"


@dataclass(frozen=True, slots=True)
class Figures:
    """One look. None = not known. `oldest_s` = age of the oldest case by state; `certificate_days` by neighbour and file name."""

    at: datetime
    database_up: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    oldest_s: Mapping[str, float] = field(default_factory=dict)
    deadline_margin_s: float | None = None
    head_age_s: float | None = None
    disk_free_bytes: int | None = None
    database_bytes: int | None = None
    certificate_days: Mapping[tuple[str, str], float] = field(default_factory=dict)
    pauses: Sequence[Pause] = ()
    at_rest: bool = False
    """Whether it is an hour in which no new cases are taken."""


def look(queue: WorkQueue, settings: Settings, now: datetime, *, head_kept_at: datetime | None) -> Figures:
    """Read the queue and the machine. `now` = the world's time. Raises QueueError when the database cannot be used."""
    waiting = queue.waiting()
    deadlines = [one.deadline for state, one in waiting.items() if state in NOT_ENDED]
    file = settings.storage.database if isinstance(settings.storage.database, Path) else None
    return Figures(
        at=datetime.now(UTC),
        database_up=True,
        counts={state.value: waiting[state].cases if state in waiting else 0 for state in (*sorted(NOT_ENDED), State.PARKED)},
        oldest_s={state.value: max(0.0, (now - one.oldest).total_seconds()) for state, one in waiting.items()},
        deadline_margin_s=(min(deadlines) - now).total_seconds() if deadlines else None,
        head_age_s=None if head_kept_at is None else (datetime.now(UTC) - head_kept_at).total_seconds(),
        disk_free_bytes=None if file is None else shutil.disk_usage(file.parent).free,
        database_bytes=None if file is None else _size(file) + _size(file.with_name(file.name + _WRITE_AHEAD)),
        certificate_days=certificate_days(settings, datetime.now(UTC)),
        pauses=queue.pauses(),
        at_rest=within(settings.schedule.quiet, now) or not is_open(settings.schedule.case_system_open, now),
    )


def nothing_known() -> Figures:
    """Return what can be said while the database cannot be used."""
    return Figures(at=datetime.now(UTC), database_up=False)


def certificate_days(settings: Settings, now: datetime) -> dict[tuple[str, str], float]:
    """Return how many days each certificate that the settings name has left, the first to end of each file."""
    days: dict[tuple[str, str], float] = {}
    for place, transport in settings.transports().items():
        for file in (transport.client_certificate_file, transport.ca_file):
            if file is not None and (ends := _first_end(file)) is not None:
                days[place[0], file.name] = round((ends - now).total_seconds() / 86_400, 2)
    return days


def _first_end(file: Path) -> datetime | None:
    try:
        with file.open("rb") as opened:
            found = x509.load_pem_x509_certificates(opened.read(_FILE_LIMIT_BYTES))
    except (OSError, ValueError):
        return None
    return min((one.not_valid_after_utc for one in found), default=None)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
