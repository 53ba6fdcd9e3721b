"""Flags about the case, the household and the registers: each fires on its fact, and just not on the nearest other one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules import Rulebook, assess
from rules.assessment import Assessment, Severity
from rules.facts import CaseFile

APPLICATION, HISTORY, HOUSEHOLD = "application", "history", "application/household"
PREVIOUS = "history/previous_calculation"
SICK = {"application/plans/0/type": "sick_leave"}
UNKNOWN = {"path": "data.newField", "value": "?"}
PERMIT = {"kind": "UT", "permanent": False}
BABY = {"ref": "child-2", "role": "child", "birth_date": "2016-05-05", "days_in_home": 31}


def text(field: str, words: str) -> dict[str, Any]:
    return {f"{APPLICATION}/free_text/+": {"field": field, "text": words}}


def facts(person: str, source: str, **values: Any) -> dict[str, Any]:
    return {f"registers/{person}.{source}/status": "answered"} | {
        f"registers/{person}.{source}/facts/{name}": value for name, value in values.items()
    }


def members(*refs: str) -> dict[str, Any]:
    return {f"{PREVIOUS}/members": list(refs)}


ROWS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    # code, key, the fact that fires it, the nearest fact that does not
    ("case.first_application", "", {"application/type": "first"}, {"application/type": "renewal"}),
    ("case.supplementary_application", "", {"application/type": "supplementary"}, {}),
    ("case.type_unknown", "", {"application/type": "unknown:EXTENDED"}, {"application/type": "first"}),
    ("case.recently_closed", "", {"history/closed_on": "2026-10-21"}, {"history/closed_on": "2026-10-20"}),
    (
        "case.earlier_month",
        "",
        {"application/received_at": "2027-01-01T00:00:00+01:00"},
        {"application/received_at": "2026-12-31T23:59:59+01:00"},
    ),
    (
        "case.later_month",
        "",
        {"application/received_at": "2026-10-31T23:59:59+01:00"},
        {"application/received_at": "2026-11-01T00:00:00+01:00"},
    ),
    ("case.household_changed", "child-1", members("applicant", "co_applicant"), {}),
    ("case.household_changed", "former-1", members("applicant", "co_applicant", "child-1", "former-1"), {}),
    ("case.household_changed", "members", members(), {}),
    ("case.household_changed", "civil_status", {"history/civil_status_changed": True}, {"history/civil_status_changed": False}),
    (
        "case.household_changed",
        "child-1.days",
        {f"{PREVIOUS}/norms": [{"ref": "child-1", "amount": "1910.00"}]},
        {f"{PREVIOUS}/norms": [{"ref": "child-1", "amount": "3820.00"}]},
    ),
    (
        "case.household_changed",
        "child-1.days",
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 30},
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 31},
    ),
    (
        "case.household_changed",
        "child-1.days",
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 16, f"{PREVIOUS}/norms": [{"ref": "child-1", "amount": "1910.00"}]},
        {f"{HOUSEHOLD}/members/child-1/days_in_home": 15, f"{PREVIOUS}/norms": [{"ref": "child-1", "amount": "1910.00"}]},
    ),
    ("case.residence_changed", "", {f"{HOUSEHOLD}/children_residence_changed": True}, {f"{HOUSEHOLD}/children_residence_changed": None}),
    ("case.others_in_home", "others_in_home", {f"{HOUSEHOLD}/others_in_home": 1}, {f"{HOUSEHOLD}/others_in_home": 0}),
    ("case.others_in_home", "others_in_home", {f"{HOUSEHOLD}/others_in_home": None}, {}),
    ("case.civil_status_unknown", "norm.adults", {f"{HOUSEHOLD}/civil_status": None}, {f"{HOUSEHOLD}/civil_status": "married"}),
    ("case.civil_status_unknown", "norm.adults", {f"{HOUSEHOLD}/civil_status": "single"}, {}),
    ("case.housing_changed", "", {"application/housing/changed": True}, {"application/housing/changed": False}),
    ("case.housing_changed", "", {"application/housing/changed": None}, {}),
    ("case.no_housing", "", {"application/housing/form": "none_or_institution"}, {"application/housing/form": "sublet"}),
    ("case.no_housing", "", {"application/housing/form": "lodger"}, {"application/housing/form": "owned_house"}),
    ("case.no_housing", "", {"application/housing/form": "unknown:HOUSEBOAT"}, {"application/housing/form": "rented_house"}),
    ("case.debt", "", text("job_title", "Jag har en hyresskuld"), text("job_title", "Jag har en skuld till banken")),
    ("case.free_text", "livelihood", text("livelihood", "Jag söker arbete"), text("employer", "Påhittade bageriet")),
    ("case.free_text", "new_field", text("new_field", "Hej"), text("new_field", "  \n")),
    (
        "case.free_text",
        "cost_specification",
        {"application/costs/rent/specification": "Parkering ingår"},
        {"application/costs/rent/specification": " "},
    ),
    (
        "case.school_youth",
        "applicant",
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200512022385"},
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200512012386"},
    ),
    (
        "case.school_youth",
        "applicant",
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200612022384"},
        {f"{HOUSEHOLD}/members/applicant/personnummer": "200612022384", f"{HOUSEHOLD}/members/applicant/school_youth": False},
    ),
    ("case.student", "applicant.CSN", facts("applicant", "CSN", student=True), facts("applicant", "CSN", student=False)),
    ("case.student", "applicant", {"application/plans/0/type": "studies"}, {"application/plans/0/type": "sfi"}),
    ("case.self_employed", "", {"application/assets/+": {"type": "company"}}, {"application/assets/+": {"type": "vehicle"}}),
    ("case.assets", "asset.bank_savings", {"application/assets/+": {"type": "bank_savings", "value": "1.00"}}, {}),
    ("case.assets", "applicant.TNS", facts("applicant", "TNS", vehicles=["TST00A"]), facts("applicant", "TNS", vehicles=[])),
    ("case.assets", "applicant.SKV", facts("applicant", "SKV", capital_income="1.00"), facts("applicant", "SKV", capital_income="0.00")),
    ("case.assets", "applicant.SKV.tax_refund", facts("applicant", "SKV", tax_refund=True), facts("applicant", "SKV", tax_refund=False)),
    (
        "case.permit",
        "applicant.MIV",
        facts("applicant", "MIV", permits=[PERMIT]),
        facts("applicant", "MIV", permits=[PERMIT | {"permanent": True}]),
    ),
    ("case.permit", "applicant.MIV", facts("applicant", "MIV", permits=[PERMIT | {"permanent": None}]), {}),
    ("case.stays_elsewhere", "", {"application/stays_in_municipality": False}, {"application/stays_in_municipality": True}),
    ("case.surplus", "", {"history/surplus": "0.01"}, {"history/surplus": "0.00"}),
    ("case.surplus", "", {"history/surplus": None, f"{PREVIOUS}/need": "-1.00"}, {"history/surplus": None}),
    ("case.interpreter_or_meeting", "", {"application/interpreter": True}, {"application/interpreter": False}),
    ("case.interpreter_or_meeting", "", {"application/meeting": True}, {"application/meeting": False}),
    ("case.signature_missing", "", {"application/signed/co_applicant": False}, {"application/signed/co_applicant": None}),
    (
        "case.signature_missing",
        "",
        {"application/signed/applicant": None, "application/channel": "paper"},
        {"application/channel": "paper"},
    ),
    (
        "case.signature_missing",
        "",
        {"application/signed/applicant": False},
        {"application/signed/applicant": None, "application/channel": None},
    ),
    ("case.history_unknown", "", {"history/known": False}, {}),
    ("case.history_unknown", "", {f"{PREVIOUS}/month": "2026-10"}, {f"{PREVIOUS}/month": "2026-11"}),
    ("case.history_unrecognised", "Gåva", {f"{PREVIOUS}/unrecognised": ["Gåva"]}, {f"{PREVIOUS}/unrecognised": []}),
    ("case.already_decided", "", {"history/decided_by_person": True}, {"history/decided_by_person": False}),
    ("case.other_norm", "", {"application/other_norm": True}, {"application/other_norm": False}),
    ("case.plan_unknown", "applicant", {"application/plans/0/type": "unknown:CARE_LEAVE"}, {"application/plans/0/type": "sfi"}),
    ("case.plan_unknown", "co_applicant", {"application/plans/1/person": "applicant"}, {}),
    ("case.plan_unknown", "unknown_person", {"application/plans/+": {"person": "unknown:X", "type": "work"}}, {}),
    (
        "case.plan_unknown",
        "applicant",
        {"application/plans/0/type": "other"},
        {"application/plans/0/type": "other"} | text("plan_other", "Praktik"),
    ),
    ("case.unrecognised", "data.newField", {"application/unrecognised": [UNKNOWN]}, {}),
    ("case.missing_fact", "applicant.birth_date", {f"{HOUSEHOLD}/members/applicant/personnummer": None}, {}),
    (
        "case.missing_fact",
        "applicant.birth_date",
        {f"{HOUSEHOLD}/members/applicant/personnummer": "199013412385"},
        {f"{HOUSEHOLD}/members/applicant/personnummer": "199001612382"},
    ),
    (
        "register.unavailable",
        "applicant.CSN",
        {"registers/applicant.CSN/status": "unavailable"},
        {"registers/applicant.CSN/status": "nothing_held"},
    ),
    (
        "register.unavailable",
        "applicant.AF",
        {"registers/applicant.AF/status": "unavailable"},
        {"registers/applicant.AF/status": "answered"},
    ),
    ("register.unavailable", "applicant.MIV", {"registers/applicant.MIV/person": "co_applicant"}, {}),
    (
        "register.incomplete",
        "applicant.SO.a-kassa",
        {"registers/applicant.SO/deviations": ["a-kassa"]},
        {"registers/applicant.SO/deviations": []},
    ),
    ("register.unrecognised", "applicant.FK.x", {"registers/applicant.FK/unrecognised": [{"path": "x", "value": "y"}]}, {}),
    (
        "register.unrecognised",
        "former-1.AF",
        {"registers/+": {"person": "former-1", "source": "AF", "status": "answered", "fetched_at": "2026-11-30T06:00:00+01:00"}},
        {},
    ),
    (
        "register.unrecognised",
        "applicant.FK.civil_status",
        facts("applicant", "FK", civil_status="unknown:X"),
        facts("applicant", "FK", civil_status="married"),
    ),
    ("register.deceased", "applicant.FK", facts("applicant", "FK", deceased=True), facts("applicant", "FK", deceased=False)),
    ("register.emigrated", "applicant.FK", facts("applicant", "FK", emigrated=True), facts("applicant", "FK", emigrated=False)),
    ("register.other_address", "applicant.FK", facts("applicant", "FK", other_address=True), facts("applicant", "FK", other_address=None)),
    (
        "register.civil_status",
        "applicant.FK",
        {f"{HOUSEHOLD}/civil_status": "married"} | facts("applicant", "FK", civil_status="unmarried"),
        {f"{HOUSEHOLD}/civil_status": "cohabiting"} | facts("applicant", "FK", civil_status="married"),
    ),
    (
        "register.not_job_seeker",
        "co_applicant.AF",
        facts("co_applicant", "AF", job_seeker=False),
        facts("applicant", "AF", job_seeker=False),
    ),
    (
        "register.not_job_seeker",
        "co_applicant.AF",
        facts("co_applicant", "AF", job_seeker=None),
        facts("co_applicant", "AF", job_seeker=True),
    ),
    ("register.suspended", "co_applicant.SO", facts("co_applicant", "SO", suspended=True), facts("co_applicant", "SO", suspended=False)),
    ("register.benefit_pending", "applicant.FK.0", facts("applicant", "FK", applied_not_decided=["Sjukpenning"]), {}),
    ("register.benefit_pending", "application.0", {"application/pending_benefits/+": {"benefit": "Bostadsbidrag"}}, {}),
    ("info.medical_certificate", "applicant", SICK, {"application/plans/0/type": "work"}),
    ("info.aktivitetskrav", "applicant", {"history/months_in_a_row": 3}, {"history/months_in_a_row": 2}),
    ("info.aktivitetskrav", "applicant", {"history/months_in_a_row": None}, {"history/individual_plan": ["applicant"]}),
    ("info.aktivitetskrav_plan", "applicant", {"history/individual_plan": ["applicant"]}, {"history/individual_plan": ["co_applicant"]}),
]


@pytest.mark.parametrize(("code", "key", "fires", "does_not"), ROWS, ids=[f"{row[0]} {row[1]} {number}" for number, row in enumerate(ROWS)])
def test_the_flag_fires_on_its_fact_and_not_on_the_nearest_other(
    *, code: str, key: str, fires: dict[str, Any], does_not: dict[str, Any], assess_with: Callable[..., Assessment], rulebook: Rulebook
) -> None:
    raised = assess_with(fires)
    quiet = assess_with(does_not)

    assert (code, key) in {(flag.code, flag.key) for flag in raised.flags}
    assert (code, key) not in {(flag.code, flag.key) for flag in quiet.flags}
    if rulebook.flags.specs[code].severity is Severity.REVIEW:
        assert raised.proposal is None


def test_rules_of_2027_flag_many_children_and_sublets_only_from_then(assess_with: Callable[..., Assessment]) -> None:
    four = {f"{HOUSEHOLD}/members/+": BABY, "application/housing/form": "sublet"}
    four_children: dict[str, Any] = {f"{HOUSEHOLD}/members": None}
    people = [
        {"ref": "applicant", "role": "applicant", "personnummer": "199001012385"},
        {"ref": "co_applicant", "role": "co_applicant", "personnummer": "199102022390"},
        *({"ref": f"child-{number}", "role": "child", "birth_date": "2016-05-05", "days_in_home": 31} for number in range(1, 5)),
    ]
    four_children = {f"{HOUSEHOLD}/members": people, "application/housing/form": "sublet"}
    january = {"application/month": "2027-01", "application/received_at": "2026-12-20T09:00:00+01:00", "today": "2026-12-30"}

    def codes(changes: dict[str, Any]) -> set[str]:
        return {flag.code for flag in assess_with(changes).flags}

    assert not {"case.many_children", "info.sublet_consent"} & codes(four_children)
    assert {"case.many_children", "info.sublet_consent"} <= codes(four_children | january)
    assert "case.many_children" not in codes(four | january)


def test_aktivitetskrav_is_not_spoken_of_for_september_2026(assess_with: Callable[..., Assessment]) -> None:
    september = {"application/month": "2026-09", "application/received_at": "2026-08-20T09:00:00+02:00"}

    assert "info.aktivitetskrav" not in {flag.code for flag in assess_with(september).flags}
    october = {"application/month": "2026-10", "application/received_at": "2026-09-20T09:00:00+02:00"}
    assert "info.aktivitetskrav" in {flag.code for flag in assess_with(october).flags}


def test_aktivitetskrav_says_that_months_are_unknown_and_which_exemption_is_visible(assess_with: Callable[..., Assessment]) -> None:
    unknown = assess_with({"history/months_in_a_row": None} | facts("applicant", "FK", exemptions=["Sjukersättning"]))
    texts = {flag.key: flag.text for flag in unknown.flags if flag.code == "info.aktivitetskrav"}

    assert texts["applicant"] == (
        "Sökande: kontrollera aktivitetskrav och individuell plan (antalet månader i rad med bistånd är inte känt, "
        "ingen plan av nämnden i underlaget; undantag kan gälla: arbete, om det är på heltid, "
        "Sjukersättning, i den omfattning förmånen ges)"
    )
    assert "undantag" not in texts["co_applicant"]


def test_information_never_stands_in_the_way(assess_with: Callable[..., Assessment]) -> None:
    assert assess_with(SICK | {"history/months_in_a_row": None}).outcome.value == "ok"


def test_an_unknown_housing_person_count_leaves_the_common_costs_blank(assess_with: Callable[..., Assessment]) -> None:
    line = next(line for line in assess_with({f"{HOUSEHOLD}/others_in_home": None}).lines if line.key == "norm.common")

    assert line.blank is not None
    assert (line.blank.low, line.blank.high) == (0, 179000)


JANUARY_2027 = {"application/month": "2027-01", "application/received_at": "2026-12-20T09:00:00+01:00", "today": "2026-12-30"}
ALONE = {f"{HOUSEHOLD}/members": [{"ref": "applicant", "role": "applicant", "personnummer": "199001012385"}]}


@pytest.mark.parametrize("when", [{}, JANUARY_2027], ids=["with norm amounts", "without"])
@pytest.mark.parametrize(
    ("who", "status", "raised"),
    [
        (ALONE, None, ("case.civil_status_unknown", "norm.applicant")),
        (ALONE, "unknown:X", ("case.civil_status_unknown", "norm.applicant")),
        (ALONE, "cohabiting", ("case.no_co_applicant", "norm.applicant")),
        (ALONE, "married", ("case.no_co_applicant", "norm.applicant")),
        (ALONE, "single", None),
        ({}, None, ("case.civil_status_unknown", "norm.adults")),
        ({}, "single", ("case.civil_status_unknown", "norm.adults")),
        ({}, "married", None),
    ],
)
def test_a_civil_status_that_does_not_fit_is_said_once_in_every_month(
    when: dict[str, Any],
    who: dict[str, Any],
    status: str | None,
    raised: tuple[str, str] | None,
    assess_with: Callable[..., Assessment],
) -> None:
    flags = assess_with(who | when | {f"{HOUSEHOLD}/civil_status": status}).flags
    found = [(flag.code, flag.key) for flag in flags if flag.code in ("case.civil_status_unknown", "case.no_co_applicant")]

    assert found == ([] if raised is None else [raised])


TEXTS = [
    ("case.no_housing", {"application/housing/form": "none_or_institution"}, "hemlöshet från institution: någon bör se på den snart"),
    ("case.school_youth", {f"{HOUSEHOLD}/members/applicant/birth_date": "2006-06-01"}, "eller det framgår inte om skolgången pågår"),
    ("case.recently_closed", {"history/closed_on": "2026-11-10"}, "Ett ärende har avslutats de senaste 30 dagarna"),
    (
        "norm.own_household",
        {f"{HOUSEHOLD}/members/child-1/birth_date": "2005-06-01", f"{HOUSEHOLD}/members/child-1/school_youth": True},
        "Barn 1 (21 år): har fyllt 21 år, eller 18 år utan skolgång",
    ),
]


@pytest.mark.parametrize(("code", "changes", "words"), TEXTS, ids=[row[0] for row in TEXTS])
def test_a_flag_says_what_is_so(code: str, changes: dict[str, Any], words: str, assess_with: Callable[..., Assessment]) -> None:
    assert words in next(flag.text for flag in assess_with(changes).flags if flag.code == code)


def test_only_a_home_that_may_be_none_asks_for_somebody_soon(assess_with: Callable[..., Assessment]) -> None:
    lodger = next(flag for flag in assess_with({"application/housing/form": "lodger"}).flags if flag.code == "case.no_housing")

    assert lodger.text == "Bostad saknas, eller boendeformen ska bedömas av handläggaren"


def test_how_recently_a_case_was_closed_is_the_guidelines_to_say(
    case_with: Callable[..., CaseFile], load: Callable[[str, str], Rulebook]
) -> None:
    def text(days_ago: str, book: Rulebook) -> str | None:
        flags = assess(case_with({"history/closed_on": days_ago}), book).flags
        return next((flag.text for flag in flags if flag.code == "case.recently_closed"), None)

    ten = load('{value: 30, source: "Påhittade riktlinjer 2.6"}', '{value: 10, source: "Påhittade riktlinjer 2.6"}')

    assert text("2026-11-10", ten) == "Ett ärende har avslutats de senaste 10 dagarna"
    assert text("2026-11-09", ten) is None


def test_a_registers_name_of_a_benefit_is_cut_like_any_label(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(facts("applicant", "FK", applied_not_decided=["Förmån " * 40]))
    text = next(flag.text for flag in result.flags if flag.code == "register.benefit_pending")

    assert len(text) < 200
    assert "…, sökande" in text


def test_every_flag_of_the_catalogue_is_tested_somewhere(rulebook: Rulebook) -> None:
    written = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_rules_*.py"))

    untested = {code for code in rulebook.flags.specs if f'"{code}"' not in written}
    raised_by_the_robot_itself = {code for code in rulebook.flags.specs if code.startswith("case_system.")}
    assert untested == raised_by_the_robot_itself
