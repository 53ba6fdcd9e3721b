"""`POST .../calculation/prepare`: fills the draft from classified incomes, with all the side effects the real server has.

It fills expense rows with the full amount applied for (its own rules are not there), writes its own recommendation when there is none,
closes open warnings that it did not compute itself, and sets AWAITING_DECISION or SUPPLEMENT_REQUESTED from whatever status there is.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from connectors.simulators.caremanagement import case_warnings, lifecare
from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.case_warnings import Cause
from connectors.simulators.caremanagement.draft import SECTIONS, SPECIAL, new_row
from connectors.simulators.caremanagement.papers import record_decision
from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.store import Draft, Errand, Store
from connectors.simulators.caremanagement.wire import Rule, answer, checked, exact, loads, present

SYSTEM = "drakel"
NORM_ID = 5
FULL_MONTH_DAYS = 30
MAX_INCOMES = 200
REQUEST = {
    "applicant": Rule("uuid", required=True, blank=False),
    "coApplicant": Rule("uuid"),
    "applicationMonth": Rule(required=True, blank=False, pattern=re.compile(r"\d{4}-(0[1-9]|1[0-2])")),
    "errandId": Rule("uuid", required=True, blank=False),
    "classifiedIncomes": Rule(),
    "unhandledIncomes": Rule("texts"),
    "changeWarnings": Rule("texts"),
}
INCOME_TYPES = {
    "Lön": 1,
    "Swish och insättningar": 2,
    "Tjänstepension": 3,
    "Underhållsbidrag": 4,
    "Hyresdel från barn": 5,
    "Bistånd från annan kommun": 6,
    "Annan inkomst": 7,
    "A-kassa": 10,
    "Bostadsbidrag": 20,
    "Barnbidrag": 21,
    "Flerbarnstillägg": 22,
    "Underhållsstöd": 23,
    "Sjukpenning": 24,
    "Föräldrapenning": 25,
    "Sjukersättning": 26,
    "Aktivitetsersättning": 27,
    "Aktivitetsstöd": 28,
    "Etableringsersättning": 29,
    "Ålderspension": 30,
    "Bostadstillägg": 31,
    "Äldreförsörjningsstöd": 32,
    "Studiehjälp": 33,
    "Studiemedel": 34,
    "Omvårdnadsbidrag": 35,
    "Tillfällig föräldrapenning": 36,
    "Graviditetspenning": 37,
}
"""The income types of the simulated Lifecare, by name. An income of any other type finds no row."""
USUAL_COSTS = {
    "RENT": "Hyra",
    "ELECTRICITY": "Hushållsel",
    "HOME_INSURANCE": "Hemförsäkring",
    "UNEMPLOYMENT_FUND": "A-kasseavgift",
    "UNION_FEE": "Fackavgift",
    "TRAVEL_APPROVED": "Resor",
    "INTERNET": "Internet",
}
SPECIAL_COSTS = {
    "TRAVEL_MEDICAL_TRANSPORT": "Sjukresor",
    "MEDICAL_CARE": "Hälso- och sjukvård",
    "MEDICINE": "Medicin",
    "OTHER": "Övrigt bistånd",
}
_ROLES = {"APPLICANT": "applicant", "CO_APPLICANT": "coapplicant"}
_TYPE_BY_NAME = {name.casefold(): (number, name) for name, number in INCOME_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Income:
    """One income that was classified to be taken along."""

    type_id: int
    type_name: str
    side: str
    amount: Decimal | None
    period: date | None
    description: str


@dataclass(slots=True)
class Changes:
    """What a refresh has added to the draft, and what of the system's own is no longer given; by name."""

    new: dict[str, list[str]] = field(default_factory=lambda: {"persons": [], "incomes": [], "expenses": []})
    gone: list[str] = field(default_factory=list)


def prepare(call: Call) -> Response:
    """Do it, and answer whether the incomes cover every type of last month's calculation."""
    request = checked(call.body, REQUEST)
    store, errand = call.store, call.errand
    if request["applicant"] not in store.people:
        raise Refused(404, f"No citizen found for partyId {request['applicant']}")
    month: str = request["applicationMonth"]
    incomes = list(_classified(request.get("classifiedIncomes")))
    changes = _refresh(store, errand, month, incomes)
    given = {income.type_name.casefold() for income in incomes}
    missing = [name for name in lifecare.last_months_types(store, request["applicant"], month) if name.casefold() not in given]
    unhandled, changed = request.get("unhandledIncomes", []), request.get("changeWarnings", [])
    _recommend_once(store, errand, unhandled, changed, missing)
    case_warnings.reconcile(store, errand, _causes(unhandled, changed, missing, changes))
    store.set_status(errand, "SUPPLEMENT_REQUESTED" if missing else "AWAITING_DECISION", call.actor.name, via="prepare")
    errand.last_daily_run = store.stamp(errand)
    return answer(
        {"unhandledIncomes": unhandled, "changeWarnings": changed, "informationComplete": not missing, "missingIncomeTypes": missing}
    )


def commit(call: Call) -> Response:
    """Answer as if a calculation was made in Lifecare. Never the robot's to call."""
    request = checked(call.body, REQUEST)
    call.forbidden_use("calculation/commit")
    draft = call.errand.draft
    if draft is None:
        raise Refused(404, "No draft calculation for errand")
    return _posted(request)


def from_application(call: Call) -> Response:
    """Answer as if a calculation was made in Lifecare from the application alone. Never the robot's to call."""
    request = checked(call.body, REQUEST)
    call.forbidden_use("calculation/from-application")
    return _posted(request)


def _posted(request: Mapping[str, Any]) -> Response:
    lists = {"unhandledIncomes": request.get("unhandledIncomes", []), "changeWarnings": request.get("changeWarnings", [])}
    return answer({"calculationId": 4711, **lists, "informationComplete": True, "missingIncomeTypes": []})


def _classified(text: str | None) -> Iterator[Income]:
    """Yield the incomes that get a row. Those with another action, no category or an unknown type fall away in silence."""
    if text is None or not text.strip():
        raise bad_request("classifiedIncomes is required: the incomes are classified by the caller, not by caremanagement")
    try:
        rows = loads(text)
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(rows, list) or len(rows) > MAX_INCOMES:
        raise _invalid()
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("income"), dict):
            raise _invalid()
        side, amount, period = _read_income(row["income"])
        action, category = row.get("atgard"), row.get("normberakning")
        known = _TYPE_BY_NAME.get(category.strip().casefold()) if isinstance(category, str) else None
        if isinstance(action, str) and action.startswith("TA_MED") and known is not None and side is not None:
            parts = (row["income"].get(name) for name in ("forman", "delforman", "beloppstyp"))
            description = " / ".join(part for part in parts if isinstance(part, str) and part.strip())
            yield Income(*known, side, amount, period, description)


def _read_income(income: Mapping[str, Any]) -> tuple[str | None, Decimal | None, date | None]:
    role, amount, period = income.get("role"), income.get("netAmount"), income.get("period")
    if role is not None and role not in _ROLES:
        raise _invalid()
    try:
        read_amount = None if amount is None else exact(amount)
        read_period = None if period is None else date.fromisoformat(period)
    except (TypeError, ValueError):
        raise _invalid() from None
    if isinstance(amount, bool):
        raise _invalid()
    return None if role is None else _ROLES[role], read_amount, read_period


def _invalid() -> Refused:
    return bad_request("Invalid classifiedIncomes JSON")


def _refresh(store: Store, errand: Errand, month: str, incomes: list[Income]) -> Changes:
    """Write the process values into the draft, which is made when it is not there; what people did to it stays."""
    at = store.stamp(errand)
    if errand.draft is None:
        errand.draft = Draft({}, at, at)
    year, number = int(month[:4]), int(month[5:])
    errand.draft.header.update(
        applicationMonth=month,
        normId=NORM_ID,
        normType=errand.data.get("normType") or ["NATIONAL_NORM"],
        calculationFromDate=f"{month}-01",
        calculationToDate=f"{month}-{calendar.monthrange(year, number)[1]:02}",
        calculationDate=store.day.today().isoformat(),
    )
    errand.draft.header.setdefault("hasCustomHouseholdSize", False)
    changes = Changes()
    _merge(store, errand, "persons", _persons(errand), changes)
    _merge(store, errand, "incomes", _incomes(incomes), changes)
    _merge(store, errand, "expenses", _expenses(errand), changes)
    errand.draft.updated = store.stamp(errand)
    return changes


_KEYS = {
    "persons": ("partyId", "role"),
    "incomes": ("typeId",),
    "expenses": ("costType", "otherSubType", "specification", "bucket"),
}
_PROCESS_FIELDS = {
    "persons": ("name", "processDays"),
    "incomes": ("typeName", "applicantProcessAmount", "applicantAmountDate", "coapplicantProcessAmount", "coapplicantAmountDate"),
    "expenses": ("processAmount", "bucket"),
}


def _merge(store: Store, errand: Errand, section: str, fresh: list[dict[str, Any]], changes: Changes) -> None:
    """Refresh the system's own rows; a row that is no longer given stays, a removed one stays removed."""
    assert errand.draft is not None
    held: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in SECTIONS[section].rows(errand.draft):
        if row["origin"] == "SYSTEM":
            held.setdefault(_key(section, row), row)
    given = set()
    for values in fresh:
        key = _key(section, values)
        given.add(key)
        if key not in held:
            new_row(store, errand, section, "SYSTEM", values)
            changes.new[section].append(_name(section, values))
            continue
        row = held[key]
        for name in _PROCESS_FIELDS[section]:
            row.pop(name, None)
        row.update({name: values[name] for name in _PROCESS_FIELDS[section] if name in values}, updated=store.stamp(errand))
    if section == "incomes":
        changes.gone = [_name(section, row) for key, row in held.items() if key not in given]


def _key(section: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _KEYS[section])


def _name(section: str, row: Mapping[str, Any]) -> str:
    match section:
        case "persons":
            return str(row.get("name") or {"APPLICANT": "Sökande", "CO_APPLICANT": "Medsökande"}.get(row["role"], "Hushållsmedlem"))
        case "incomes":
            return str(row["typeName"])
        case _:
            label = (USUAL_COSTS | SPECIAL_COSTS).get(row["costType"], "Utgift")
            return f"{label} – {row['specification']}" if row.get("specification") else label


def _persons(errand: Errand) -> list[dict[str, Any]]:
    adults = [
        present(partyId=person.get("partyId"), role=person.get("role"), processDays=FULL_MONTH_DAYS, included=True)
        for person in errand.listed("persons")
    ]
    children = [
        present(
            partyId=child.get("partyId"),
            role="CHILD",
            name=" ".join(str(child[name]) for name in ("firstName", "lastName") if child.get(name)) or None,
            processDays=child.get("daysInHome") or FULL_MONTH_DAYS,
            included=True,
        )
        for child in errand.listed("children")
    ]
    return adults + children


def _incomes(incomes: list[Income]) -> list[dict[str, Any]]:
    """Return one row per income type, each adult's amounts added up in a column of their own."""
    rows: dict[int, dict[str, Any]] = {}
    for income in incomes:
        note = f"SSBTEK: {income.description}"
        row = rows.setdefault(income.type_id, {"typeId": income.type_id, "typeName": income.type_name, "note": note})
        amount = f"{income.side}ProcessAmount"
        row[amount] = row.get(amount, Decimal(0)) + (income.amount or 0)
        if income.period is not None:
            dated = f"{income.side}AmountDate"
            row[dated] = max(row.get(dated, ""), f"{income.period.isoformat()}T00:00:00Z")
    return list(rows.values())


def _expenses(errand: Errand) -> list[dict[str, Any]]:
    """Return one row per cost, approved in full."""
    return [
        present(
            costType=cost.get("costType"),
            otherSubType=cost.get("otherSubType"),
            specification=cost.get("specification"),
            bucket="EXPENSE" if cost.get("costType") in USUAL_COSTS else SPECIAL,
            appliedAmount=_amount(cost.get("appliedAmount")),
            processAmount=_amount(cost.get("appliedAmount")),
        )
        for cost in errand.listed("costs")
    ]


def _amount(value: Any) -> Decimal | None:
    try:
        return None if value is None else exact(str(value))
    except ValueError:
        return None


def _recommend_once(store: Store, errand: Errand, unhandled: list[str], changed: list[str], missing: list[str]) -> None:
    """Write the system's own recommendation, unless there is one by anybody."""
    if any(decision.get("decisionType") == "RECOMMENDATION" for decision in errand.decisions):
        return
    reasons = [f"Ej överförd inkomst: {text}" for text in unhandled]
    reasons += [f"Ändrad inkomst: {text}" for text in changed]
    reasons += [f"Saknas fortfarande i SSBTEK: {text}" for text in missing]
    value = "REVIEW_REQUIRED" if reasons else "OK"
    text = "\n".join([f"{len(reasons)} varning(ar) att granska:", *reasons]) if reasons else "Inga varningar."
    record_decision(store, errand, {"decisionType": "RECOMMENDATION", "value": value, "description": text, "createdBy": SYSTEM})


def _causes(unhandled: list[str], changed: list[str], missing: list[str], changes: Changes) -> Iterator[Cause]:
    """Yield the warnings that stand after this run."""
    key = case_warnings.source_key
    yield from (Cause("UNHANDLED_INCOME", key(text), text) for text in unhandled)
    yield from (Cause("INCOME_CHANGE", key(text), text) for text in changed)
    yield from (Cause("MISSING_SSBTEK", text, f"Saknas fortfarande i SSBTEK: {text}") for text in missing)
    for section, type_, start in (
        ("incomes", "NEW_INCOME", "Ny inkomst"),
        ("expenses", "NEW_EXPENSE", "Ny utgift i ansökan"),
        ("persons", "NEW_PERSON", "Ny hushållsmedlem"),
    ):
        yield from (Cause(type_, key(text), f"{start}: {text}") for text in changes.new[section])
    yield from (Cause("INCOME_DROPPED", key(text), f"Inkomst inte längre i SSBTEK: {text}") for text in changes.gone)
