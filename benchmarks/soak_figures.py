"""What a soak says: when applications come, whether figures stay flat, and what became of each application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

TENTHS = 10
FLAT = ("rss_mb", "uss_mb", "files", "threads")
"""What one process may not have more and more of."""
STORE = ("database_mb", "used_mb", "wal_mb")
_BUSY_FROM, _BUSY_TO, _BUSY = 20, 28, 6
_BEFORE_FROM, _BEFORE = 15, 3
_KEY = "br-"
"""Begins the key of each write of the robot's own."""
_WRITTEN = frozenset({"AWAITING_DECISION", "NEEDS_MANUAL_REVIEW"})
Sample = Mapping[str, Any]


def weight(day: date) -> int:
    """Return how many applications come on a day against a day early in the month: most come from the 20th to the 28th."""
    if _BUSY_FROM <= day.day <= _BUSY_TO:
        return _BUSY
    return _BEFORE if _BEFORE_FROM <= day.day < _BUSY_FROM else 1


def calendar(first: date, last: date, cases: int) -> dict[date, int]:
    """Return how many applications come on each day, `cases` in all."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    whole = sum(map(weight, days))
    found, so_far, let_in = {}, 0, 0
    for day in days:
        so_far += weight(day)
        found[day] = cases * so_far // whole - let_in
        let_in += found[day]
    return found


def mean(samples: Sequence[Sample], name: str) -> float | None:
    """Return the mean of a figure, samples without it left out; None = none has it."""
    values = [float(one[name]) for one in samples if one.get(name) is not None]
    return round(sum(values) / len(values), 2) if values else None


def parts(samples: Sequence[Sample], count: int) -> list[Sequence[Sample]]:
    """Return the samples in so many parts of the same length, the empty ones left out."""
    found = [samples[len(samples) * part // count : len(samples) * (part + 1) // count] for part in range(count)]
    return [one for one in found if one]


def tenths(samples: Sequence[Sample], names: Iterable[str]) -> dict[str, list[float | None]]:
    """Return the mean of each figure in each tenth of the samples."""
    return {name: [mean(part, name) for part in parts(samples, TENTHS)] for name in names}


def drift_percent(samples: Sequence[Sample], names: Iterable[str]) -> dict[str, float | None]:
    """Return how much more there is at the end than at the beginning: the last fifth against the first, None = too few samples."""
    fifths = parts(samples, 5)
    if len(fifths) < 5:
        return dict.fromkeys(names)
    return {name: _percent(mean(fifths[0], name), mean(fifths[-1], name)) for name in names}


def _percent(first: float | None, last: float | None) -> float | None:
    return round(100 * (last / first - 1), 1) if first and last is not None else None


def longest_life(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples of the process that lived longest, its first tenth left out: then it warms up."""
    lives = Counter(one["life"] for one in samples)
    if not lives:
        return []
    longest = max(lives, key=lambda life: lives[life])
    found = [one for one in samples if one["life"] == longest]
    return found[len(found) // TENTHS :]


def of_store(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples since cases began to be deleted, the first tenth of them left out."""
    found = [one for one in samples if one["forgotten"]]
    return found[len(found) // TENTHS :]


def fates(errands: Iterable[Mapping[str, Any]], waiting: Mapping[str, str], *, early: bool = False) -> Counter[str]:
    """Return what became of the applications, by how the case system has them.

    `waiting` = the queue's state by case id, of what has not ended or is parked. `early` = stopped while applications still came: one
    may wait for the next pull.
    `lost` = nobody has it; `doubled` = something of the robot's stands twice; `against_rules` = a change that the case system never allows.
    """
    found = [(errand, _fate(errand, waiting.get(errand["errandId"]))) for errand in errands]
    return Counter("left:not_pulled" if early and fate == "lost" and errand["status"] == "RECEIVED" else fate for errand, fate in found)


def _fate(errand: Mapping[str, Any], state: str | None) -> str:
    recommended, documents = (_ours(errand[name]) for name in ("recommendations", "documents"))
    if any(count > 1 for count in (*recommended.values(), *documents.values())):
        return "doubled"
    if errand["illegalTransitions"] or errand["forbiddenUses"]:
        return "against_rules"
    if state is not None:
        return f"left:{state}" if state != "parked" else state
    if recommended and errand["status"] in _WRITTEN:
        return "draft" if documents else "handed_over"
    decided_in_lifecare = errand["expected"]["outcome"] == "taken_by_person"
    return "taken_by_person" if errand["assignedUserId"] or errand["decided"] or decided_in_lifecare else "lost"


def _ours(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: count for key, count in counts.items() if key.startswith(_KEY)}
