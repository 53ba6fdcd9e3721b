"""What CareManagement shows of Lifecare: earlier calculations and decisions, and eligibility."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from starlette.responses import Response

from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.problems import Refused, bad_request, violation
from connectors.simulators.caremanagement.store import Errand, Store
from connectors.simulators.caremanagement.wire import Rule, answer, checked, is_uuid

MONTHS_SHOWN = 24
WINDOW_DAYS = 90
ELIGIBILITY = {"applicant": Rule("uuid", required=True, blank=False), "coApplicant": Rule("uuid")}


def calculations(call: Call) -> Response:
    """Answer a person's calculations whose period touches the one asked for, newest first."""
    return answer(_history(call, [record for errand in _of_party(call) for record in errand.record.calculations]))


def decisions(call: Call) -> Response:
    """Answer a person's decisions whose period touches the one asked for, newest first."""
    return answer(_history(call, [record for errand in _of_party(call) for record in errand.record.decisions]))


def eligibility(call: Call) -> Response:
    """Answer what may be applied for. A protected person gets no suggestion and no reason."""
    wanted = checked(call.body, ELIGIBILITY)
    now = call.store.day.now()
    errands = [errand for errand in call.store.of_adult.get(wanted["applicant"], []) if errand.created <= now]
    both = "coApplicant" in wanted
    if not errands:
        return answer(_result([], "NO_EXISTING_CASE", "Inget tidigare ärende. Föreslår nyansökan.", existing=False, both=both))
    errand = max(errands, key=lambda found: (found.created, found.id))
    if errand.record.protected:
        return answer({"suggestions": [], "windowDays": WINDOW_DAYS, "hasCoApplicant": both})
    if errand.record.eligibility is not None:
        return answer(errand.record.eligibility)
    return answer(_usual(errand, both=both))


def last_months_types(store: Store, party_id: str, month: str) -> list[str]:
    """Return the income types of the person's final calculation for the month before `month` (yyyy-MM), each once."""
    year, number = int(month[:4]), int(month[5:])
    before = f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02}"
    for errand in store.of_adult.get(party_id, []):
        for calculation in errand.record.calculations:
            if str(calculation.get("fromDate", "")).startswith(before) and calculation.get("isFinal", True):
                names = [str(income["type"]).strip() for income in calculation.get("incomes", ()) if income.get("type")]
                return list(dict.fromkeys(name for name in names if name))
    return []


def _of_party(call: Call) -> list[Errand]:
    party_id = call.query.get("partyId")
    if party_id is None:
        raise bad_request("Required request parameter 'partyId' is not present")
    if not is_uuid(party_id):
        raise violation("partyId", "not a valid UUID")
    if party_id not in call.store.people:
        raise Refused(404, f"No citizen found for partyId {party_id}")
    return call.store.of_adult.get(party_id, [])


def _history(call: Call, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    today = call.store.day.today()
    until = _day(call, "to") or today
    since = _day(call, "from") or _months_before(until, MONTHS_SHOWN)
    by_id = {record.get("id"): record for record in records}
    found = [record for record in by_id.values() if _touches(record, since.isoformat(), until.isoformat())]
    return sorted(found, key=lambda record: (str(record.get("fromDate", "")), str(record.get("id", ""))), reverse=True)


def _touches(record: dict[str, Any], since: str, until: str) -> bool:
    """Say whether the record's period and the one asked for have a day in common; ISO dates sort as text."""
    start = str(record.get("fromDate") or record.get("date") or "")[:10]
    return start <= until and str(record.get("toDate") or start)[:10] >= since


def _day(call: Call, name: str) -> date | None:
    text = call.query.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_request(f"Failed to convert '{name}' to a date") from None


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def _usual(errand: Errand, *, both: bool) -> dict[str, Any]:
    year, month = errand.data.get("periodYear"), errand.data.get("periodMonth")
    suggestion = {
        "typeSlug": "financial-assistance-renewal",
        "applicationType": "RENEWAL",
        "recommended": True,
        "label": "Återansökan",
    }
    if type(year) is int and type(month) is int:
        suggestion |= {"periodYear": year, "periodMonth": month}
    result = _result([suggestion], "EXISTING_CASE", "Öppet ärende utan beslut för månaden. Föreslår återansökan.", existing=True, both=both)
    return result | {"hasPreviousCalculation": bool(errand.record.calculations)}


def _result(suggestions: list[dict[str, Any]], code: str, message: str, *, existing: bool, both: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "suggestions": suggestions,
        "reasonCode": code,
        "message": message,
        "existsInCm": existing,
        "existsInLc": existing,
        "windowDays": WINDOW_DAYS,
        "applicationExistsThisMonth": existing,
        "applicationExistsNextMonth": False,
        "currentMonthDecided": False,
        "lifecareChecked": True,
        "hasCoApplicant": both,
    }
    return result | ({"maritalStatusMatches": True} if existing else {})
