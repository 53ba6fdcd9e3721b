"""The population, built from a seed: `build` the world on a day, `arrivals` the new applications of a later day.

Application number k is the same however many are built, and nothing depends on the machine, the process or the day's clock.
"""

from __future__ import annotations

from datetime import date, datetime, time

from connectors.simulators.day import SWEDEN
from connectors.simulators.population.case import Case
from connectors.simulators.population.group import Group
from connectors.simulators.population.groups_case import CASE
from connectors.simulators.population.groups_money import COSTS, INCOMES, NORMS, SUMS
from connectors.simulators.population.groups_registers import REGISTERS
from connectors.simulators.population.groups_standard import STANDARD
from connectors.simulators.population.groups_urgent import STOP, TAKEN, URGENT, WAITING
from connectors.simulators.population.identity import MOST_APPLICATIONS
from connectors.simulators.population.many import again_in_a_new_case, applied_again
from connectors.simulators.world import ApplicationRecord, World

TODAY = date(2026, 11, 30)
STANDARD_OF_25 = 9
"""Nine of every twenty-five applications are standard renewals."""
_FIRST_DAY, _LAST_DAY = 10, 29
_HALFWAY = 150
"""So many applications arrive in the first half of the days for arrivals."""
_OPENS, _CLOSES = time(6, 0), time(17, 0)


def _interleaved(*themes: tuple[Group, ...]) -> tuple[Group, ...]:
    """Take from every theme in turn in proportion to its size, so that any stretch shows most of them."""
    placed = [((place + 0.5) / len(theme), number, group) for number, theme in enumerate(themes) for place, group in enumerate(theme)]
    return tuple(group for _, _, group in sorted(placed, key=lambda one: one[:2]))


_LEADING = (STOP[0], URGENT[0], SUMS[1], WAITING[0], TAKEN[0], SUMS[2], SUMS[3], SUMS[0])
OTHERS = _LEADING + tuple(
    group for group in _interleaved(CASE, COSTS, NORMS, INCOMES, REGISTERS, SUMS, URGENT, STOP, TAKEN) if group not in _LEADING
)
GROUPS = STANDARD + OTHERS


def group_of(index: int) -> Group:
    """Return the group of application number `index`: standard renewals and all others, each list in turn."""
    standard = index * STANDARD_OF_25 // 25
    if (index + 1) * STANDARD_OF_25 // 25 > standard:
        return STANDARD[standard % len(STANDARD)]
    return OTHERS[(index - standard) % len(OTHERS)]


def build(seed: int, cases: int, today: date = TODAY) -> World:
    """Return the municipality with its first `cases` applications, in order of arrival, on the morning of `today`.

    The month applied for is the one after `today`'s. `expected` is what a caseworker expects on `today` when that is the 28th or
    later, so that the month's incomes are complete, and the month has known norm amounts. A stop or urgent case is expected with its
    code alone; one that is taken by a person, or waits for income, with none. More than one seed has people for: they apply again.
    """
    first = tuple(_application(seed, index, today, _arrival(index, today)) for index in range(min(cases, MOST_APPLICATIONS)))
    return World(seed, today, first if cases <= MOST_APPLICATIONS else applied_again(first, cases))


def arrivals(seed: int, first_index: int, count: int, day: date) -> tuple[ApplicationRecord, ...]:
    """Return the new applications of a later day, numbered from `first_index` on, spread over the day.

    Their payments become visible as the month goes, so `expected` holds from the 28th on, as in `build`. When the seed has no more
    people, the first ones apply again, with the payments of their new month.
    """
    opens, closes = (datetime.combine(day, at, tzinfo=SWEDEN) for at in (_OPENS, _CLOSES))
    step = (closes - opens) / max(count, 1)
    return tuple(_arriving(seed, first_index + place, day, opens + step * place) for place in range(count))


def _arriving(seed: int, index: int, day: date, arrives: datetime) -> ApplicationRecord:
    again, index = divmod(index, MOST_APPLICATIONS)
    record = _application(seed, index, day, arrives)
    return again_in_a_new_case(record, again, again * MOST_APPLICATIONS + index + 1) if again else record


def _application(seed: int, index: int, day: date, arrives: datetime) -> ApplicationRecord:
    group = group_of(index)
    case = Case(seed=seed, index=index, day=day, months_ahead=group.months_ahead)
    group.write(case)
    return case.finish(group.slug, arrives)


def _arrival(index: int, today: date) -> datetime:
    """Return when an application came in: from the 10th to the 29th, before this morning, later for every next one and never too late.

    The days fill up ever more slowly, so that a number's time does not depend on how many there are.
    """
    opens = datetime.combine(today.replace(day=_FIRST_DAY if today.day > _FIRST_DAY else 1), time(0, 5), tzinfo=SWEDEN)
    closes = datetime.combine(today.replace(day=min(today.day, _LAST_DAY)), time(5, 30), tzinfo=SWEDEN)
    came = opens + (closes - opens) * (index + 1) / (index + 1 + _HALFWAY)
    return came.replace(microsecond=came.microsecond // 1000 * 1000)
