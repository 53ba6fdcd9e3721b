"""Made-up case files for comparisons: the complete example for households of any kind. Nobody in them exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rules.facts import CaseFile

ROOT = Path(__file__).parents[2]
GUIDELINES = ROOT / "rules" / "guidelines" / "exempelkommun.yaml"
SKEWED = ROOT / "docs" / "examples" / "guidelines-skewed.yaml"
EXAMPLES = ROOT / "docs" / "examples"


def personnummer(born: str, serial: int, *, woman: bool) -> str:
    """Return a made-up personnummer for a birth date written YYYYMMDD; its next to last digit is even for a woman."""
    digits = f"{born}{serial % 100:02d}{serial % 5 * 2 + (0 if woman else 1)}"
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits[2:]))
    return f"{digits}{-total % 10}"


def case_data(
    number: int,
    *,
    couple: bool = False,
    children: int = 0,
    woman: bool = True,
    born: str = "19900101",
    channel: str | None = "e-service",
    rent: str = "5000.00",
    rent_before: str | None = None,
    internet: str | None = None,
) -> dict[str, Any]:
    """Return a standard renewal for December 2026 as plain data: rent, maybe internet, and 1 850 kr bostadsbidrag.

    `rent_before` = the rent approved last month, the same when left out. The children are eight and live here all month.
    """
    data: dict[str, Any] = json.loads((EXAMPLES / "case-complete.json").read_text("utf-8"))
    adults = ["applicant", "co_applicant"][: 2 if couple else 1]
    kids = [f"child-{place}" for place in range(1, children + 1)]
    application, history = data["application"], data["history"]
    application |= {"case_id": f"PAHITTAD-{number}", "channel": channel, "incomes": [], "plans": []}
    application["plans"] = [{"person": adult, "type": "work"} for adult in adults]
    application["household"] = {
        "civil_status": "cohabiting" if couple else "single",
        "others_in_home": 0,
        "members": [
            {"ref": "applicant", "role": "applicant", "personnummer": personnummer(born, number, woman=woman)},
            *(
                [{"ref": "co_applicant", "role": "co_applicant", "personnummer": personnummer("19910202", number, woman=not woman)}]
                if couple
                else []
            ),
            *({"ref": kid, "role": "child", "birth_date": "2018-03-02", "days_in_home": 31} for kid in kids),
        ],
    }
    costs = {"rent": (rent, rent_before or rent)} | ({"internet": (internet, internet)} if internet else {})
    application["costs"] = [{"type": kind, "applied": now} for kind, (now, _) in costs.items()]
    data["registers"] = [_answer(answer) for answer in data["registers"] if answer["person"] in adults]
    history["previous_calculation"] |= {
        "costs": [{"type": kind, "approved": before} for kind, (_, before) in costs.items()],
        "incomes": [{"type": "Bostadsbidrag", "recipient": "applicant", "amount": "1850.00", "counted": "1850.00"}],
        "members": [*adults, *kids],
    }
    history["previous_calculation"]["need"] = _need(couple=couple, children=children, costs=[before for _, before in costs.values()])
    history["jobbstimulans"] = []
    return data


def case(number: int, **described: Any) -> CaseFile:
    """Return such a case as the rules read it."""
    return CaseFile.model_validate_json(json.dumps(case_data(number, **described)))


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Keep the applicant's bostadsbidrag; every other payment goes."""
    payments = answer.get("payments", [])
    kept = [payment for payment in payments if payment["benefit"] == "Bostadsbidrag"]
    return answer if kept == payments else answer | {"status": "answered" if kept else "nothing_held", "payments": kept}


def _need(*, couple: bool, children: int, costs: list[str]) -> str:
    """Return about what last month's need was, near enough for nobody to be asked why it differs."""
    common = {1: 1280, 2: 1410, 3: 1790, 4: 2030, 5: 2330, 6: 2640, 7: 2830}[1 + couple + children]
    norm = (7100 if couple else 3940) + children * 3820 + common
    return f"{norm + sum(int(cost.partition('.')[0]) for cost in costs) - 1850}.00"


def town() -> list[dict[str, Any]]:
    """Return 24 cases, six of each kind of household: the made-up town of docs/examples/compare-cases.jsonl."""
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"children": 1, "internet": "250.00"},
        {"couple": True},
        {"couple": True, "children": 3, "rent": "9000.00", "rent_before": "8900.00"},
    )
    ages = ("20030101", "19850101", "19700101")
    return [
        case_data(
            number,
            woman=number % 2 == 0,
            born=ages[number // 2 % 3],
            channel="paper" if number % 12 in (3, 4, 8, 11) else "e-service",
            **kinds[number // 6],
        )
        for number in range(24)
    ]
