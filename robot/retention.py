"""Gallring: which rule holds, which cases are due by it, and carrying an approved list out in small batches.

What the robot keeps is working material; the file is the case system's. So the municipality's own decision goes before the law's five
years for a file, and these are used only while there is no decision.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile

from pydantic import ValidationError

from robot.clock import STOCKHOLM, Clock
from robot.settings import Settings
from rules.context import birth_date
from rules.facts import CaseFile
from rules.month import Month
from rules.retention import RetentionLaw, kept_until, read_retention_law
from workqueue import ENDED, Candidate, Carried, Proposed, RetentionList, RetentionRule, State, WorkQueue
from workqueue.limits import RETENTION_LIST_LIMIT

LOOK_LIMIT = 1_000_000
"""So many cases are looked at for one list at most."""
ROBOT = "bistandsrobot"
_SLACK = timedelta(days=4)
"""Months differ in length: so much later ended cases are looked at too, and then judged by their day."""


class NoRule(Exception):
    """No time is known for this day: neither the municipality's nor the law's."""


class RuleChanged(Exception):
    """Another rule holds now than when the list was made."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that holds on a day, and what is kept whatever the time."""

    told: RetentionRule
    day: date
    law: RetentionLaw
    keeps_research: bool
    keeps_all: bool

    def until(self, began_at: datetime) -> date:
        """Return the last day that something is kept which began then."""
        return kept_until(began_at.astimezone(STOCKHOLM).date(), self.told.keep_months)


@dataclass(slots=True)
class Found:
    """The cases that are due, and how many others were left alone and why. `more` = there was no room for all."""

    due: list[Proposed] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    more: bool = False


def rule_on(settings: Settings, day: date) -> Rule:
    """Return the rule that holds on a day: the municipality's newest decision by then, else the law's. Raises NoRule."""
    law = read_retention_law()
    decisions = sorted((one for one in settings.retention.decisions if one.since <= day), key=lambda one: one.since)
    if decisions:
        last = decisions[-1]
        told = RetentionRule("decision", last.keep_months, last.since, last.reference)
        keeps = last.research == "keep"
    else:
        months = law.keep_months.at(Month.of(day))
        if months is None:
            raise NoRule
        told = RetentionRule("law", months.value, months.since.first, months.source)
        keeps = True
    return Rule(told, day, law, keeps, keeps and law.keeps_area(settings.case_system.municipality_id, day))


def look(queue: WorkQueue, rule: Rule, *, go_on: Callable[[], bool] = lambda: True) -> Found:
    """Return the cases that are due, those first that ended first, and why others whose time is out are left alone.

    `go_on` is asked before each: what was not looked at then is not due.
    """
    found = Found()
    before = datetime.combine(kept_until(rule.day, -rule.told.keep_months) + _SLACK, datetime.min.time(), STOCKHOLM)
    for one in takewhile(lambda _: go_on(), _ended(queue, before)):
        why = why_kept(queue, rule, one)
        if why == "not_due":
            continue
        if why is not None:
            found.left[why] += 1
        elif len(found.due) == RETENTION_LIST_LIMIT:
            found.more = True
            return found
        else:
            found.due.append(proposed(rule, one))
    return found


def proposed(rule: Rule, one: Candidate) -> Proposed:
    """Return a case as a list has it."""
    return Proposed(one, one.began_at.astimezone(STOCKHOLM).date(), rule.until(one.began_at))


def why_kept(queue: WorkQueue, rule: Rule, one: Candidate) -> str | None:
    """Return why a case may not be deleted on the rule's day, None = it may."""
    if one.state not in ENDED:
        return "not_ended"
    if rule.until(one.began_at) >= rule.day:
        return "not_due"
    if one.state is State.PARKED:
        return "parked"
    if rule.keeps_all:
        return "research_area"
    if one.listed:
        return "listed"
    return _why_research(queue, rule, one) if rule.keeps_research else None


def carry_out(
    queue: WorkQueue, listed: RetentionList, settings: Settings, clock: Clock, *, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Carried]:
    """Delete what is on an approved list, a batch at a time, and yield what each batch did; `go_on` is asked before each.

    Stopped anywhere, killed too, it goes on where it was when it is called again. Raises RuleChanged, and NotAllowed when the list was
    not approved.
    """
    if rule_on(settings, clock.today()).told != listed.rule:
        raise RuleChanged
    limits = settings.retention
    for _ in range(listed.cases + 1):
        if not go_on():
            return
        done = queue.forget_some(listed.ref, limits.batch)
        yield done
        if not done.left:
            return
        time.sleep(limits.pause_ms / 1000)


def _ended(queue: WorkQueue, before: datetime) -> Iterator[Candidate]:
    after: Candidate | None = None
    looked = 0
    while looked < LOOK_LIMIT and (batch := queue.candidates(before, after=after)):
        yield from batch
        after, looked = batch[-1], looked + len(batch)


def _why_research(queue: WorkQueue, rule: Rule, one: Candidate) -> str | None:
    """Return why a case is kept for research: somebody in it is born on such a day, or the robot does not know of all who is in it."""
    births = [birth for ref in one.refs for birth in _births(draft.content for draft in queue.drafts(ref))]
    if rule.law.keeps_born_on([birth for birth in births if birth is not None], rule.day):
        return "research"
    return "research_unknown" if not births or None in births else None


def _births(drafts: Iterable[dict[str, object]]) -> Iterator[date | None]:
    """Yield when each member of the households was born, None = that is not known."""
    for draft in drafts:
        try:
            file = CaseFile.model_validate(draft.get("case_file"))
        except ValidationError:
            continue
        yield from map(birth_date, file.application.household.members)
