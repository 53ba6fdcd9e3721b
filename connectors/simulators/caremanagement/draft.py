"""The draft calculation: its rows with process and caseworker values, how it is read, and how a person edits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.problems import Refused
from connectors.simulators.caremanagement.store import Draft, Errand, Store, room
from connectors.simulators.caremanagement.wire import Rule, answer, checked, present

SPECIAL = "SPECIAL_EXPENSE"
_ROLES = frozenset({"APPLICANT", "CO_APPLICANT", "CHILD"})
_SIDES = ("applicant", "coapplicant")


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of row: which fields a person may give, and which of them a PATCH clears when they are left out."""

    name: str
    rules: Mapping[str, Rule]
    cleared: tuple[str, ...]

    def rows(self, draft: Draft) -> list[dict[str, Any]]:
        """Return the draft's rows of this kind."""
        rows: list[dict[str, Any]] = getattr(draft, self.name)
        return rows


SECTIONS = {
    "persons": Section(
        "persons",
        {
            "partyId": Rule(max_length=36),
            "role": Rule(choices=_ROLES),
            "name": Rule(max_length=255),
            "caseworkerDays": Rule("whole"),
            "included": Rule("flag"),
            "deviationFromDate": Rule("date"),
            "deviationToDate": Rule("date"),
            "normInterval": Rule(max_length=64),
            "jobStimulusAmount": Rule("number"),
            "note": Rule(),
        },
        ("caseworkerDays", "deviationFromDate", "deviationToDate", "normInterval", "jobStimulusAmount", "note"),
    ),
    "incomes": Section(
        "incomes",
        {
            "typeId": Rule("whole"),
            "typeName": Rule(max_length=255),
            "applicantCaseworkerAmount": Rule("number"),
            "applicantAmountDate": Rule("datetime"),
            "coapplicantCaseworkerAmount": Rule("number"),
            "coapplicantAmountDate": Rule("datetime"),
            "note": Rule(),
        },
        ("applicantCaseworkerAmount", "coapplicantCaseworkerAmount", "note"),
    ),
    "expenses": Section(
        "expenses",
        {
            "costType": Rule(max_length=64),
            "bucket": Rule(choices=frozenset({"EXPENSE", SPECIAL})),
            "otherSubType": Rule(max_length=32),
            "specification": Rule(),
            "appliedAmount": Rule("number"),
            "caseworkerAmount": Rule("number"),
            "note": Rule(),
        },
        ("caseworkerAmount", "note"),
    ),
}
HEADER = {
    "normId": Rule("whole"),
    "normType": Rule("texts"),
    "calculationFromDate": Rule("date"),
    "calculationToDate": Rule("date"),
    "calculationDate": Rule("date"),
    "hasCustomHouseholdSize": Rule("flag"),
    "householdSize": Rule("whole"),
}
_PATCHABLE_IDENTITY = {"persons": ("included",), "incomes": (), "expenses": ("appliedAmount",)}


def shown_row(section: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it is read: with the value that counts, the caseworker's before the process's."""
    shown = dict(row)
    match section:
        case "persons":
            shown["effectiveDays"] = row.get("caseworkerDays", row.get("processDays"))
        case "incomes":
            for side in _SIDES:
                shown[f"{side}EffectiveAmount"] = row.get(f"{side}CaseworkerAmount", row.get(f"{side}ProcessAmount"))
        case _:
            shown["effectiveAmount"] = row.get("caseworkerAmount", row.get("processAmount"))
    return present(**shown)


def shown(errand: Errand) -> dict[str, Any]:
    """Return the whole draft. Raises Refused (404) when `prepare` has not made one."""
    draft = drafted(errand)
    persons = [shown_row("persons", row) for row in draft.persons]
    incomes = [shown_row("incomes", row) for row in draft.incomes]
    expenses = [shown_row("expenses", row) for row in draft.expenses]
    usual = [row for row in expenses if row.get("bucket") != SPECIAL]
    special = [row for row in expenses if row.get("bucket") == SPECIAL]
    return {
        "errandId": errand.id,
        **draft.header,
        "persons": persons,
        "incomes": incomes,
        "expenses": usual,
        "specialExpenses": special,
        "incomeSum": _sum(incomes, *(f"{side}EffectiveAmount" for side in _SIDES)),
        "expenseSum": _sum(usual, "effectiveAmount"),
        "specialExpenseSum": _sum(special, "effectiveAmount"),
        "created": draft.created,
        "updated": draft.updated,
    }


def drafted(errand: Errand) -> Draft:
    """Return the draft. Raises Refused (404) when there is none: no call but `prepare` makes one."""
    if errand.draft is None:
        raise Refused(404, "No draft calculation for errand")
    return errand.draft


def read(call: Call) -> Response:
    """Answer the draft."""
    return answer(shown(call.errand))


def patch_header(call: Call) -> Response:
    """Change the header, as a person does."""
    call.forbidden_use("calculation/draft/header")
    draft = drafted(call.errand)
    draft.header.update(checked(call.body, HEADER))
    draft.updated = call.store.stamp(call.errand)
    return answer(shown(call.errand))


def add_row(call: Call) -> Response:
    """Add a person's own row."""
    section = _section(call, "")
    draft = drafted(call.errand)
    wanted = checked(call.body, section.rules)
    row = new_row(call.store, call.errand, section.name, "CASEWORKER", wanted)
    if section.name == "persons":
        row.setdefault("included", True)
    if section.name == "expenses":
        row.setdefault("bucket", "EXPENSE")
    draft.updated = row["created"]
    return answer(shown_row(section.name, row))


def patch_row(call: Call) -> Response:
    """Set a row's caseworker values; those left out are cleared."""
    section = _section(call, "/{rowId}")
    row = _row(call, section)
    edit_row(call.store, call.errand, section, row, checked(call.body, section.rules))
    return answer(shown_row(section.name, row))


def delete_row(call: Call) -> Response:
    """Mark a row as removed. `prepare` never brings it back."""
    return _removed(call, "/{rowId}", removed=True)


def restore_row(call: Call) -> Response:
    """Bring a removed row back."""
    return _removed(call, "/{rowId}/restore", removed=False)


def edit_row(store: Store, errand: Errand, section: Section, row: dict[str, Any], wanted: Mapping[str, Any]) -> None:
    """Write a person's values into a row."""
    for name in section.cleared:
        row.pop(name, None)
    allowed = {*section.cleared, *_PATCHABLE_IDENTITY[section.name]}
    row.update({name: value for name, value in wanted.items() if name in allowed}, updated=store.stamp(errand))


def new_row(store: Store, errand: Errand, section: str, origin: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Append a row after those that are there."""
    rows = SECTIONS[section].rows(drafted(errand))
    room(rows)
    at = store.stamp(errand)
    row = {"id": errand.next_id("row"), "origin": origin, "position": len(rows), **values, "deleted": False, "created": at, "updated": at}
    rows.append(row)
    return row


def _removed(call: Call, ending: str, *, removed: bool) -> Response:
    section = _section(call, ending)
    row = _row(call, section)
    row.update(deleted=removed, updated=call.store.stamp(call.errand))
    return answer(shown_row(section.name, row))


def _section(call: Call, ending: str) -> Section:
    section = SECTIONS.get(call.path["section"])
    if section is None:
        raise Refused(404, "Not Found")
    call.forbidden_use(f"calculation/draft/{section.name}{ending}")
    return section


def _row(call: Call, section: Section) -> dict[str, Any]:
    for row in section.rows(drafted(call.errand)):
        if row["id"] == call.path["rowId"]:
            return row
    raise Refused(404, "Row not found in the draft calculation")


def _sum(rows: list[dict[str, Any]], *names: str) -> Decimal:
    amounts = (Decimal(row[name]) for row in rows if not row["deleted"] for name in names if name in row)
    return sum(amounts, Decimal(0))
