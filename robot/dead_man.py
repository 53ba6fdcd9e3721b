"""The robot stops itself when what it prepares has suddenly become something else: a wrong parameter would else spoil case after case.

Compared are shares (proposals, blanks, hand-overs, each flag) and averages (norm, costs, incomes, need) of the latest cases with those of
the cases before them. What it measures against begins anew when a person lets it go on: then that person has looked.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from robot.controls import ORDERED, PAUSED
from robot.database import Database
from robot.settings import Band
from rules.assessment import Assessment, Outcome, Severity
from rules.facts import CaseFile
from workqueue import Figure, QueueError, Tally, WorkQueue

log = structlog.get_logger()

ROBOT = "bistandsrobot"
CODE = "BOT-023"
ALL, ASSESSED = "all", "assessed"
"""Cases counted, and those of them that have figures: what shares and averages are of."""
BUCKET = 25
"""So many cases are counted together before anything is stored of them."""
_TO_SPARE = 2
"""The latest cases and those before them each end within a bucket."""
_OF_ALL = frozenset({"handed_over"})
_SMALL_ORE = 10_000
"""An average below this is not compared: a small sum doubles easily."""
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_KNOWN = frozenset({"register.unavailable", "sum.month_open"})
"""A case with one of these is not counted: a register is silent, or the income month is not over, which goes by the day of the month."""


class Jump(NamedTuple):
    """A figure that is not what it was: a share in percent of the cases, or an average in kronor."""

    figure: str
    before: float
    now: float


class DeadMan:
    """One process's counting; the comparing goes by what all have counted."""

    def __init__(self, band: Band, database: Database) -> None:
        self._band = band
        self._database = database
        self._counts: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()

    async def count(self, result: Assessment, known: CaseFile, *, hidden: bool) -> None:
        """Count a case that has been assessed, and look when there are enough. A trouble in here is no case's trouble.

        Left out are cases that ops or a pause gave to people, and those with a silent register or an open month: that is known.
        """
        if not self._band.watch or not {ORDERED, PAUSED}.isdisjoint(known.application.unreadable):
            return
        if result.outcome is Outcome.URGENT or any(flag.code in _KNOWN for flag in result.flags):
            return
        self._add(result, hidden=hidden)
        if self._counts[ALL] < BUCKET:
            return
        figures = {name: Figure(number, None) for name, number in self._counts.items()}
        # Of a few cases, a stop among them perhaps, the sum might tell what one of them was.
        if self._counts[ASSESSED] >= BUCKET // 5 * 4:
            figures |= {name: Figure(self._counts[ASSESSED], ore) for name, ore in self._sums.items()}
        self._counts, self._sums = Counter(), Counter()
        try:
            jump = await self._database.call(lambda queue: self._compare(queue, figures))
        except QueueError:
            return
        except Exception:
            log.exception("job.failed", job="dead_man", code="BUG-003")
            return
        if jump is not None:
            log.error("robot.paused_itself", figure=jump.figure, before=round(jump.before), now=round(jump.now), code=CODE)

    def _add(self, result: Assessment, *, hidden: bool) -> None:
        self._counts[ALL] += 1
        if hidden or result.sums is None:
            self._counts["handed_over"] += 1
            return
        self._counts[ASSESSED] += 1
        self._counts[f"proposal.{result.proposal.value if result.proposal else 'none'}"] += 1
        self._counts["blank"] += any(line.blank for line in result.lines)
        for code in {flag.code for flag in result.flagged(Severity.REVIEW, Severity.RESULT)}:
            self._counts[f"flag.{code}"] += 1
        for name in ("norm", "costs", "incomes", "need"):
            self._sums[f"average.{name}"] += max(0, int(getattr(result.sums, name)))

    def _compare(self, queue: WorkQueue, figures: dict[str, Figure]) -> Jump | None:
        """Store what was counted, and pause when something has jumped; return what, None = nothing has, or all is paused already."""
        queue.add_tally(_new_name(), {name: one for name, one in figures.items() if one.cases})
        jump = jump_in(queue.tallies((self._band.cases + self._band.before) // BUCKET + _TO_SPARE), self._band)
        if jump is None or any(one.what == "all" for one in queue.pauses()):
            return None
        told = {"figure": jump.figure, "before": round(jump.before), "now": round(jump.now)}
        queue.pause(None, f"{jump.figure}: {jump.before:.0f} before, {jump.now:.0f} now", ROBOT, told)
        return jump


def _new_name() -> str:
    """Return a name for what was counted, in letters alone: what looks like a long number is never kept in clear."""
    return secrets.token_hex(8).translate(_LETTERS)


def jump_in(tallies: Sequence[Tally], band: Band) -> Jump | None:
    """Return the figure that has jumped most, measured in its band; None = none has, or too few cases have been counted to say."""
    now, rest = _together(tallies, band.cases)
    before, _ = _together(rest, band.before)
    if min(now[ALL].cases, before[ALL].cases) < band.cases:
        return None
    found = []
    for name in sorted((now.keys() | before.keys()) - {ALL, ASSESSED}):
        if name.startswith("average."):
            least, was, is_now = band.average / 100, _average(before, name), _average(now, name)
            if was is None or is_now is None or was < _SMALL_ORE:
                continue
            found.append((abs(is_now - was) / was / least, Jump(name, was / 100, is_now / 100)))
        else:
            was, is_now = _share(before, name), _share(now, name)
            found.append((abs(is_now - was) / band.share, Jump(name, was, is_now)))
    worst = max(found, default=(0.0, None), key=lambda one: one[0])
    return worst[1] if worst[0] > 1 else None


def _together(tallies: Sequence[Tally], cases: int) -> tuple[dict[str, Figure], Sequence[Tally]]:
    """Return the figures of the first of them together, of so many cases, and the others."""
    counts: Counter[str] = Counter({ALL: 0})
    ore: Counter[str] = Counter()
    taken = 0
    for tally in tallies:
        if counts[ALL] >= cases:
            break
        taken += 1
        for name, one in tally.figures.items():
            counts[name] += one.cases
            ore[name] += one.ore or 0
    return {name: Figure(number, ore.get(name)) for name, number in counts.items()}, tallies[taken:]


def _share(figures: dict[str, Figure], name: str) -> float:
    of = figures.get(ALL if name in _OF_ALL else ASSESSED)
    return 100 * figures[name].cases / of.cases if name in figures and of is not None and of.cases else 0.0


def _average(figures: dict[str, Figure], name: str) -> float | None:
    one = figures.get(name)
    return one.ore / one.cases if one is not None and one.ore is not None and one.cases else None
