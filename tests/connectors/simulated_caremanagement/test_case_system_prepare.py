"""`prepare` in the simulated case system: what it fills, and every side effect it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from .conftest import ALONE, BASE, PERSON, RENEWAL, SINGLE

PREPARE = f"{BASE}/errands/financial-assistance/calculation/prepare"
VIEW = f"{BASE}/errands/financial-assistance/{RENEWAL}"
DRAFT = f"{VIEW}/calculation/draft"
ERRAND = f"{BASE}/errands/{RENEWAL}"
FULL = (("Bostadsbidrag", "1850.00", "APPLICANT"), ("Barnbidrag", "1250.00", "APPLICANT"))
Body = Callable[..., dict[str, Any]]


async def test_prepare_fills_process_amounts_from_the_classified_incomes(client: httpx.AsyncClient, prepare_body: Body) -> None:
    answer = await client.post(
        PREPARE, json=prepare_body(*FULL, ("A-kassa", "6240.55", "CO_APPLICANT"), ("A-kassa", "100", "CO_APPLICANT"))
    )

    assert answer.json() == {"unhandledIncomes": [], "changeWarnings": [], "informationComplete": True, "missingIncomeTypes": []}
    draft = (await client.get(DRAFT)).json()
    rows = {row["typeName"]: row for row in draft["incomes"]}
    assert rows["Bostadsbidrag"]["applicantProcessAmount"] == rows["Bostadsbidrag"]["applicantEffectiveAmount"] == 1850
    assert "coapplicantProcessAmount" not in rows["Bostadsbidrag"]
    assert rows["A-kassa"]["coapplicantProcessAmount"] == 6340.55
    assert rows["A-kassa"]["coapplicantAmountDate"] == "2026-11-27T00:00:00Z"
    assert {row["origin"] for row in draft["incomes"]} == {"SYSTEM"}
    assert draft["incomeSum"] == 9440.55
    assert (draft["applicationMonth"], draft["calculationToDate"]) == ("2026-12", "2026-12-31")
    assert [(row["role"], row["effectiveDays"]) for row in draft["persons"]] == [("APPLICANT", 30), ("CO_APPLICANT", 30), ("CHILD", 15)]


async def test_prepare_fills_expenses_with_the_full_amount_applied_for(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))

    draft = (await client.get(DRAFT)).json()
    assert [(row["costType"], row["processAmount"]) for row in draft["expenses"]] == [("RENT", 6900)]
    assert [(row["otherSubType"], row["processAmount"]) for row in draft["specialExpenses"]] == [("ACUTE_DENTAL", 900.5)]
    assert (draft["expenseSum"], draft["specialExpenseSum"]) == (6900, 900.5)


async def test_prepare_leaves_out_what_is_not_to_be_taken_along_or_has_no_type(client: httpx.AsyncClient, prepare_body: Body) -> None:
    body = prepare_body(*FULL, ("Lotterivinst", "50", "APPLICANT"))
    body["classifiedIncomes"] = body["classifiedIncomes"].replace(
        "[", '[{"income":{"netAmount":1,"role":"APPLICANT"},"atgard":"EJ","normberakning":"Lön"},', 1
    )

    await client.post(PREPARE, json=body)

    assert {row["typeName"] for row in (await client.get(DRAFT)).json()["incomes"]} == {"Bostadsbidrag", "Barnbidrag"}


@pytest.mark.parametrize("blank", [None, "", "   "])
async def test_prepare_refuses_blank_classified_incomes(client: httpx.AsyncClient, prepare_body: Body, blank: str | None) -> None:
    answer = await client.post(PREPARE, json=prepare_body(classifiedIncomes=blank))

    assert answer.status_code == 400
    assert (await client.get(ERRAND)).json()["status"] == "RECEIVED"
    assert (await client.get(DRAFT)).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"classifiedIncomes": "{}"}, 400),
        ({"classifiedIncomes": "[{}]"}, 400),
        ({"classifiedIncomes": '[{"income":{"netAmount":"mycket"}}]'}, 400),
        ({"classifiedIncomes": '[{"income":{"role":"NEIGHBOUR"}}]'}, 400),
        ({"classifiedIncomes": '[{"income":{"period":"november"}}]'}, 400),
        ({"applicationMonth": "2026-13"}, 400),
        ({"applicationMonth": None}, 400),
        ({"errandId": None}, 400),
        ({"errandId": "00000000-0000-4000-8000-0000000000ff"}, 404),
        ({"applicant": "00000000-0000-4000-8000-0000000000ff"}, 404),
    ],
)
async def test_prepare_refuses_what_it_cannot_use(
    client: httpx.AsyncClient, prepare_body: Body, wrong: dict[str, Any], status: int
) -> None:
    assert (await client.post(PREPARE, json=prepare_body(**wrong))).status_code == status


async def test_prepare_writes_its_own_recommendation_only_when_there_is_none(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))
    await client.post(PREPARE, json=prepare_body(*FULL))
    assert [(d["value"], d["createdBy"]) for d in (await client.get(f"{ERRAND}/decisions")).json()] == [("OK", "drakel")]

    other = f"{BASE}/errands/{SINGLE}/decisions"
    await client.post(other, json={"decisionType": "RECOMMENDATION", "value": "OK", "createdBy": "bistandsrobot"})
    await client.post(PREPARE, json=prepare_body(errandId=SINGLE, applicant=ALONE.party_id))
    assert [d["createdBy"] for d in (await client.get(other)).json()] == ["bistandsrobot"]


async def test_prepare_moves_the_status_as_our_own_change(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.patch(ERRAND, json={"status": "UNDER_REVIEW"})
    await client.post(PREPARE, json=prepare_body(*FULL))

    newest = (await client.get(f"{ERRAND}/status-history")).json()[0]
    assert (newest["toStatus"], newest["changedBy"]) == ("AWAITING_DECISION", "bistandsrobot")
    assert (await client.get(VIEW)).json()["lastDailyRunAt"] >= newest["changedAt"]


async def test_prepare_asks_for_a_supplement_when_a_type_of_last_month_is_missing(client: httpx.AsyncClient, prepare_body: Body) -> None:
    answer = await client.post(PREPARE, json=prepare_body(FULL[0]))

    assert answer.json()["missingIncomeTypes"] == ["Barnbidrag"]
    assert answer.json()["informationComplete"] is False
    assert (await client.get(ERRAND)).json()["status"] == "SUPPLEMENT_REQUESTED"
    assert (await client.get(f"{ERRAND}/decisions")).json()[0]["value"] == "REVIEW_REQUIRED"


async def test_prepare_sets_the_status_from_any_status_and_the_log_tells(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))

    (entry,) = [entry for entry in (await client.get("/admin/log")).json() if entry["what"] == "illegal_transition"]
    assert (entry["from"], entry["to"], entry["via"], entry["actor"]) == ("RECEIVED", "AWAITING_DECISION", "prepare", "bistandsrobot")


async def test_prepare_closes_warnings_that_it_did_not_compute_and_raises_its_own(client: httpx.AsyncClient, prepare_body: Body) -> None:
    ours = {"type": "NEW_EXPENSE", "message": "Ny utgift", "sourceKey": "robot:cost.new:rent"}
    await client.post(f"{VIEW}/warnings", json=ours)

    await client.post(PREPARE, json=prepare_body(*FULL, changeWarnings=["Bostadsbidrag: ändrad"]))

    warnings = {(w["type"], w["sourceKey"]): w for w in (await client.get(f"{VIEW}/warnings")).json()}
    assert (warnings["NEW_EXPENSE", ours["sourceKey"]]["status"], warnings["NEW_EXPENSE", ours["sourceKey"]]["autoResolved"]) == (
        "CLOSED",
        True,
    )
    assert warnings["INCOME_CHANGE", "Bostadsbidrag"]["status"] == "OPEN"
    assert warnings["NEW_INCOME", "Barnbidrag"]["status"] == "OPEN"

    await client.post(PREPARE, json=prepare_body(FULL[0]))

    warnings = {(w["type"], w["sourceKey"]): w for w in (await client.get(f"{VIEW}/warnings")).json()}
    assert warnings["NEW_INCOME", "Barnbidrag"]["status"] == "CLOSED"
    assert warnings["INCOME_CHANGE", "Bostadsbidrag"]["status"] == "CLOSED"
    assert warnings["INCOME_DROPPED", "Barnbidrag"]["status"] == "OPEN"
    assert warnings["MISSING_SSBTEK", "Barnbidrag"]["status"] == "OPEN"


async def test_a_warning_that_was_closed_is_not_opened_again(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(FULL[0]))
    (missing,) = [w for w in (await client.get(f"{VIEW}/warnings")).json() if w["type"] == "MISSING_SSBTEK"]
    await client.patch(f"{VIEW}/warnings/{missing['id']}", params={"status": "CLOSED"})

    await client.post(PREPARE, json=prepare_body(FULL[0]))

    assert [w["status"] for w in (await client.get(f"{VIEW}/warnings")).json() if w["type"] == "MISSING_SSBTEK"] == ["CLOSED"]


async def test_a_rerun_refreshes_process_values_and_leaves_what_a_person_did(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))
    housing, child = (await client.get(DRAFT)).json()["incomes"]
    await client.patch(f"{DRAFT}/incomes/{housing['id']}", json={"applicantCaseworkerAmount": 2000}, headers=PERSON)
    await client.delete(f"{DRAFT}/incomes/{child['id']}", headers=PERSON)

    await client.post(PREPARE, json=prepare_body(("Bostadsbidrag", "1900", "APPLICANT"), ("Barnbidrag", "1300", "APPLICANT")))

    draft = (await client.get(DRAFT)).json()
    assert [(row["applicantProcessAmount"], row["applicantEffectiveAmount"], row["deleted"]) for row in draft["incomes"]] == [
        (1900, 2000, False),
        (1300, 1300, True),
    ]
    assert draft["incomeSum"] == 2000


async def test_a_patch_of_a_row_clears_the_values_it_omits(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))
    row = f"{DRAFT}/incomes/{(await client.get(DRAFT)).json()['incomes'][0]['id']}"
    await client.patch(row, json={"applicantCaseworkerAmount": 2000, "note": "enligt underlag"}, headers=PERSON)

    answer = (await client.patch(row, json={"coapplicantCaseworkerAmount": 10}, headers=PERSON)).json()

    assert "applicantCaseworkerAmount" not in answer
    assert "note" not in answer
    assert (answer["applicantEffectiveAmount"], answer["coapplicantEffectiveAmount"]) == (1850, 10)


async def test_rows_can_be_added_and_restored_by_a_person_without_a_word_in_the_log(client: httpx.AsyncClient, prepare_body: Body) -> None:
    await client.post(PREPARE, json=prepare_body(*FULL))
    added = (await client.post(f"{DRAFT}/expenses", json={"costType": "Hyra", "caseworkerAmount": 100}, headers=PERSON)).json()
    await client.delete(f"{DRAFT}/expenses/{added['id']}", headers=PERSON)
    restored = await client.post(f"{DRAFT}/expenses/{added['id']}/restore", headers=PERSON)

    assert (added["origin"], added["effectiveAmount"]) == ("CASEWORKER", 100)
    assert restored.json()["deleted"] is False
    assert "FORBIDDEN_USE" not in {entry["what"] for entry in (await client.get("/admin/log")).json()}


async def test_what_only_a_person_may_use_is_answered_and_noted_when_the_robot_calls_it(
    client: httpx.AsyncClient, prepare_body: Body
) -> None:
    body = prepare_body(*FULL)
    await client.post(PREPARE, json=body)
    row = (await client.get(DRAFT)).json()["incomes"][0]["id"]
    folder = PREPARE.removesuffix("/prepare")

    answers = [
        await client.post(f"{folder}/commit", json=body),
        await client.post(f"{folder}/from-application", json=body),
        await client.patch(f"{DRAFT}/header", json={"householdSize": 3}),
        await client.post(f"{DRAFT}/persons", json={"role": "CHILD"}),
        await client.patch(f"{DRAFT}/incomes/{row}", json={"applicantCaseworkerAmount": 0}),
        await client.delete(f"{DRAFT}/incomes/{row}"),
    ]

    assert {answer.status_code for answer in answers} == {200}
    used = [entry for entry in (await client.get("/admin/log")).json() if entry["what"] == "FORBIDDEN_USE"]
    assert [(entry["endpoint"], entry["errand"], entry["actor"]) for entry in used] == [
        ("calculation/commit", RENEWAL, "bistandsrobot"),
        ("calculation/from-application", RENEWAL, "bistandsrobot"),
        ("calculation/draft/header", RENEWAL, "bistandsrobot"),
        ("calculation/draft/persons", RENEWAL, "bistandsrobot"),
        ("calculation/draft/incomes/{rowId}", RENEWAL, "bistandsrobot"),
        ("calculation/draft/incomes/{rowId}", RENEWAL, "bistandsrobot"),
    ]


async def test_nothing_but_prepare_makes_a_draft(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.post(f"{DRAFT}/incomes", json={"typeId": 1}, headers=PERSON),
        await client.patch(f"{DRAFT}/header", json={}, headers=PERSON),
        await client.post(f"{DRAFT}/something", json={}, headers=PERSON),
    ):
        assert answer.status_code == 404
