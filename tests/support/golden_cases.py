"""Thirty made-up case files of 2025-2027, and what became of them: the receipts that no change may alter by accident.

Made-up persons without identity numbers. Run this file to write the receipts anew; tests/unit/golden_receipts/README.md says when.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robot.replay import comparable
from rules import Rulebook, assess, digest, load_rulebook
from rules.assessment import Assessment
from rules.facts import CaseFile
from rules.month import Month

ROOT = Path(__file__).resolve().parents[2]
GUIDELINES = ROOT / "rules" / "guidelines" / "exempelkommun.yaml"
RECEIPTS = ROOT / "tests" / "unit" / "golden_receipts" / "receipts.json"
SOURCES = ("FK", "PM", "SO", "CSN", "AF", "SKV", "TNS", "MIV")
JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Golden:
    """One case file, and whether it had come to its deadline."""

    case_file: CaseFile
    hand_over: bool = False


def golden(
    month: str,
    *,
    adults: int = 1,
    ages: tuple[int, ...] = (),
    costs: Mapping[str, str] | None = None,
    approved: Mapping[str, str] | None = None,
    declared: tuple[tuple[str, str], ...] = (),
    paid: tuple[tuple[str, str, str, str], ...] = (),
    counted: tuple[tuple[str, str, str], ...] = (),
    windows: tuple[tuple[str, str], ...] | None = (),
    silent: tuple[str, ...] = (),
    need: str = "5000.00",
    today: str | None = None,
    received: str | None = None,
    hand_over: bool = False,
    child: JsonObject | None = None,
    application: JsonObject | None = None,
) -> Golden:
    """Build a renewal for a month. `paid` = (person, source, benefit, net), paid on the 20th of the month before.

    `approved` = last month's costs, the same as now when left out; `counted` = last month's incomes (type, person, amount);
    `child` and `application` = fields that stand in place of the usual ones, for every child and for the application.
    """
    applied_for = Month.parse(month)
    before = applied_for.plus(-1)
    now = costs if costs is not None else {"rent": "6000.00", "electricity": "380.00"}
    refs = ["applicant", "co_applicant"][:adults] + [f"child-{number}" for number in range(1, len(ages) + 1)]
    day = today or before.last.isoformat()
    document = {
        "today": day,
        "application": {
            "case_id": f"EB-{applied_for.year % 100}{applied_for.number:02d}0001",
            "type": "renewal",
            "channel": "e-service",
            "received_at": f"{received or before.day(18).isoformat()}T09:30:00+01:00",
            "month": month,
            "signed": {"applicant": True, "co_applicant": True if adults == 2 else None},
            "household": {
                "civil_status": "single" if adults == 1 else "cohabiting",
                "others_in_home": 0,
                "members": [_adult(ref) for ref in refs[:adults]]
                + [_child(ref, age, applied_for, child or {}) for ref, age in zip(refs[adults:], ages, strict=True)],
            },
            "housing": {"form": "rental", "changed": False, "rooms": 3},
            "costs": [{"type": kind, "applied": amount} for kind, amount in now.items()],
            "incomes": [
                {"type": kind, "recipient": "applicant", "net": net, "paid_on": before.day(25).isoformat()} for kind, net in declared
            ],
            "plans": [{"person": ref, "type": "job_seeking"} for ref in refs[:adults]],
            "interpreter": False,
            **(application or {}),
        },
        "registers": _answers(refs, adults, paid, silent, before, day),
        "history": {
            "known": True,
            "previous_calculation": {
                "month": str(before),
                "norm": "5220.00",
                "costs": [{"type": kind, "approved": amount} for kind, amount in (approved if approved is not None else now).items()],
                "incomes": [{"type": kind, "recipient": person, "amount": amount} for kind, person, amount in counted],
                "members": refs,
                "need": need,
            },
            "months_in_a_row": 2,
            "jobbstimulans": None if windows is None else [{"person": "applicant", "from": first, "to": last} for first, last in windows],
            "surplus": "0.00",
            "decided_by_person": False,
        },
    }
    return Golden(CaseFile.model_validate_json(json.dumps(document), strict=True), hand_over)


def _adult(ref: str) -> JsonObject:
    return {"ref": ref, "role": ref, "birth_date": "1988-05-14" if ref == "applicant" else "1990-09-02"}


def _child(ref: str, age: int, month: Month, changes: JsonObject) -> JsonObject:
    """A child who has been that old for half a year on the first of the month."""
    birthday = month.plus(-6)
    usual = {"ref": ref, "role": "child", "birth_date": f"{birthday.year - age}-{birthday.number:02d}-10", "days_in_home": month.days}
    return usual | {"residence": "full_time", "lunch_elsewhere": False} | changes


def _answers(
    refs: list[str], adults: int, paid: tuple[tuple[str, str, str, str], ...], silent: tuple[str, ...], before: Month, day: str
) -> list[JsonObject]:
    fetched = f"{day}T06:00:00+01:00"
    asked = [(ref, source) for ref in refs[:adults] for source in SOURCES]
    asked += sorted({(person, source) for person, source, _, _ in paid} - set(asked))
    found = []
    for person, source in asked:
        payments = [
            {"benefit": benefit, "net": net, "other_deductions": "0.00", "currency": "SEK", "paid_on": before.day(20).isoformat()}
            for who, where, benefit, net in paid
            if (who, where) == (person, source)
        ]
        answer: JsonObject = {"person": person, "source": source, "fetched_at": fetched, "status": "nothing_held"}
        if source in silent:
            answer |= {"status": "unavailable", "error": {"source": "SSBT", "code": "TIMEOUT"}}
        elif payments or source in ("FK", "AF"):
            facts: JsonObject = {"protected": False} | ({"job_seeker": True} if source == "AF" else {})
            answer |= {"status": "answered", "payments": payments, "facts": facts}
        found.append(answer)
    return found


def cases() -> dict[str, Golden]:
    """Return the thirty cases by name."""
    salary = (("salary", "8500.00"),)
    salary_before = (("salary", "applicant", "8500.00"),)
    benefit = ("applicant", "FK", "Bostadsbidrag", "1850.00")
    benefit_before = (("Bostadsbidrag", "applicant", "1850.00"),)
    two_children = (("co_applicant", "FK", "Barnbidrag", "2650.00"),)
    rent = {"rent": "6000.00"}
    return {
        "single, January 2025": golden("2025-01", need="11560.00"),
        "single, last month of the older law": golden("2025-06", need="11560.00"),
        "single, first month of the present law": golden("2025-07", need="11560.00"),
        "applied for June 2025 in July": golden("2025-06", received="2025-07-02", today="2025-07-03", need="11560.00"),
        "couple, March 2025": golden("2025-03", adults=2, need="14830.00"),
        "couple with two children, December 2025": golden(
            "2025-12", adults=2, ages=(8, 12), paid=two_children, counted=(("Barnbidrag", "co_applicant", "2650.00"),), need="20930.00"
        ),
        "single, January 2026": golden("2026-01", need="11600.00"),
        "couple, February 2026": golden("2026-02", adults=2, need="14890.00"),
        "single with four small children": golden("2026-03", ages=(0, 1, 3, 5), need="20000.00"),
        "lunch not known": golden("2026-03", ages=(6,), child={"lunch_elsewhere": None}, need="15000.00"),
        "single with three older children": golden("2026-04", ages=(7, 14, 17), need="24000.00"),
        "school youth of nineteen": golden("2026-05", ages=(19,), child={"school_youth": True}, need="16000.00"),
        "nineteen and not in school": golden("2026-05", ages=(19,), child={"school_youth": False}, need="16000.00"),
        "child for twelve days of February": golden("2026-02", ages=(9,), child={"days_in_home": 12, "residence": "half_time"}),
        "household of nine": golden("2026-06", adults=2, ages=(1, 4, 6, 8, 11, 13, 16), need="40000.00"),
        "jobbstimulans runs": golden("2026-08", declared=salary, counted=salary_before, windows=(("2025-03", "2027-02"),), need="5225.00"),
        "jobbstimulans not known": golden("2026-08", declared=salary, counted=salary_before, windows=None, need="5225.00"),
        "jobbstimulans is over": golden(
            "2026-08", declared=salary, counted=salary_before, windows=(("2023-01", "2024-12"),), need="3100.00"
        ),
        "housing benefit as last month": golden("2026-09", paid=(benefit,), counted=benefit_before, need="9750.00"),
        "benefit that nobody has on a list": golden("2026-09", paid=(("applicant", "FK", "Rymdbidrag", "900.00"),), need="11600.00"),
        "CSN silent": golden("2026-09", paid=(benefit,), counted=benefit_before, silent=("CSN",), need="9750.00"),
        "rent over the cap, approved last month": golden("2026-10", costs={"rent": "6900.00"}, need="12120.00"),
        "electricity changed by twelve per cent and by more": golden(
            "2026-10",
            costs={"electricity": "336.00", "home_insurance": "224.01"},
            approved={"electricity": "300.00", "home_insurance": "200.00"},
            need="5720.00",
        ),
        "medical travel is not granted": golden("2026-10", costs=rent | {"travel_medical": "240.00"}, need="11220.00"),
        "pension above norm and costs": golden(
            "2026-11",
            paid=(("applicant", "PM", "Ålderspension", "12000.50"),),
            counted=(("Ålderspension", "applicant", "12000.50"),),
            need="300.00",
        ),
        "incomes still to come": golden("2026-11", today="2026-10-20", need="11600.00"),
        "incomes still to come at the deadline": golden("2026-11", today="2026-10-20", hand_over=True, need="11600.00"),
        "eviction": golden("2026-12", application={"free_text": [{"field": "housing", "text": "Vi ska bli vräkta på fredag."}]}),
        "protected identity": golden("2026-12", application={"protected": True}),
        "January 2027 has no amounts": golden("2027-01", today="2026-12-31", need="11600.00"),
    }


def result_of(case: Golden, book: Rulebook) -> Assessment:
    """Assess one golden case."""
    return assess(case.case_file, book, hand_over=case.hand_over)


def receipt_of(result: Assessment) -> JsonObject:
    """Return what is kept: the figures that a person can check, and the hash of all that `replay` compares.

    What names the rulebook itself (program, hashes of the files) is left out: it changes with every edit, the results must not.
    """
    plain = result.model_dump(mode="json")
    return {
        "outcome": plain["outcome"],
        "proposal": plain["proposal"],
        "amount": plain["amount"],
        "sums": plain["sums"],
        "span": plain["span"],
        "flags": sorted({flag.code for flag in result.flags}),
        "law": sorted({line.trace.law for line in result.lines}),
        "facts": result.receipt.facts,
        "hash": digest(comparable(plain)),
    }


def receipts(book: Rulebook) -> dict[str, JsonObject]:
    """Return the receipts of all cases under a rulebook."""
    return {name: receipt_of(result_of(case, book)) for name, case in cases().items()}


def stored() -> dict[str, JsonObject]:
    """Return the receipts as they are kept."""
    found: dict[str, JsonObject] = json.loads(RECEIPTS.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Write the receipts anew, and say which have changed."""
    old = stored() if RECEIPTS.exists() else {}
    new = receipts(load_rulebook(GUIDELINES))
    RECEIPTS.write_text(json.dumps(new, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    changed = [name for name in new if new[name] != old.get(name)]
    told = [f"{name}: {', '.join(part for part in new[name] if new[name][part] != old.get(name, {}).get(part))}" for name in changed]
    print("\n".join([*told, f"{len(changed)} of {len(new)} receipts changed"]))  # noqa: T201 - a command of its own


if __name__ == "__main__":
    main()
