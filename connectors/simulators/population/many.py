"""More applications than one seed has people for: the same households apply again, each time in a case of its own.

Only what names a case or a party is new in a copy; all else is shared with the first, so that a whole country fits in memory. The
registers know each person once, by an identity number that stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.simulators.world import ApplicationRecord

_NAMES_A_PARTY = ("persons", "children")
_APART = timedelta(seconds=1)


def applied_again(first: Sequence[ApplicationRecord], cases: int) -> tuple[ApplicationRecord, ...]:
    """Return so many applications: the first ones, then the same in new cases, all in order of arrival.

    A copy arrives a second after the one it is a copy of, so that the order of the kinds stays mixed.
    """
    found = [first[number % len(first)] for number in range(min(cases, len(first)))]
    found += [again_in_a_new_case(first[number % len(first)], number // len(first), number + 1) for number in range(len(first), cases)]
    return tuple(sorted(found, key=lambda record: record.arrives))


def again_in_a_new_case(record: ApplicationRecord, again: int, number: int) -> ApplicationRecord:
    """Return the same household's application in a case of its own, the `again`th after the first; `number` stands in its case number."""
    parties = {person.party_id: _new_id(person.party_id, again) for person in record.people}
    return replace(
        record,
        errand_id=_new_id(record.errand_id, again),
        errand_number=f"{record.errand_number[:-4]}{number:04d}",
        arrives=record.arrives + again * _APART,
        data=record.data | {name: _renamed(record.data[name], parties) for name in _NAMES_A_PARTY if name in record.data},
        people=tuple(replace(person, party_id=parties[person.party_id]) for person in record.people),
    )


def _renamed(rows: Any, parties: Mapping[str, str]) -> Any:
    """Return rows with the new party ids; what is no list of rows (the population has broken applications too) as it is."""
    if not isinstance(rows, list):
        return rows
    return [row | {"partyId": parties.get(row["partyId"], row["partyId"])} if _has_party(row) else row for row in rows]


def _has_party(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("partyId"), str)


def _new_id(old: str, again: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"{old}/{again}"))
