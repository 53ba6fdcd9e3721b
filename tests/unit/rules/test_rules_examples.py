"""The two example case files give exactly what was worked out by hand for them."""

from __future__ import annotations

from collections.abc import Callable

from rules.assessment import Assessment, Outcome, Proposal, Recommendation
from rules.money import Ore, kronor

NORM = [
    ("norm.adults", "Riksnorm, sambor", "7100.00"),
    ("norm.child-1", "Barn 1 (8 år)", "3820.00"),
    ("norm.common", "Gemensamma hushållskostnader, 3 personer", "1790.00"),
]
RENT = ("cost.rent", "Hyra", "6900.00")
FIRST_INCOMES = [
    ("income.salary.applicant", "Lön, sökande", "6375.00"),
    ("income.Bostadsbidrag.applicant", "Bostadsbidrag, sökande", "1850.00"),
]
BARNBIDRAG = ("income.Barnbidrag.co_applicant", "Barnbidrag, medsökande", "1250.00")


def amounts(result: Assessment) -> list[tuple[str, str, str | None]]:
    return [(line.key, line.label, None if line.amount is None else kronor(line.amount)) for line in result.lines]


def flags(result: Assessment) -> list[tuple[str, str]]:
    return [(flag.code, flag.key) for flag in result.flags]


def test_the_complete_example_is_granted_4345_kronor(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with()

    assert amounts(result) == [
        *NORM,
        RENT,
        ("cost.electricity", "El", "450.00"),
        *FIRST_INCOMES,
        BARNBIDRAG,
        ("income.Arbetslöshetsersättning.co_applicant", "Arbetslöshetsersättning, medsökande", "6240.00"),
    ]
    assert result.sums is not None
    assert [kronor(sum_) for sum_ in (result.sums.norm, result.sums.costs, result.sums.incomes)] == ["12710.00", "7350.00", "15715.00"]
    assert result.sums.need == result.amount == Ore(434500)
    assert result.previous_need == Ore(448500)
    assert result.span is not None
    assert result.span.lowest == result.span.highest == Ore(434500)
    assert (result.proposal, result.recommendation, result.outcome) == (Proposal.BIFALL, Recommendation.OK, Outcome.OK)
    assert flags(result) == [("info.aktivitetskrav", "applicant"), ("info.aktivitetskrav", "co_applicant")]


def test_the_example_with_blanks_is_left_to_the_caseworker_with_what_is_known(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(base="blanks")

    assert amounts(result) == [
        *NORM,
        RENT,
        ("cost.electricity", "El", None),
        *FIRST_INCOMES,
        BARNBIDRAG,
        ("income.CSN.applicant", "CSN, sökande: kunde inte kontrolleras", None),
    ]
    blanks = {line.key: (line.blank.reason, line.blank.low, line.blank.high) for line in result.lines if line.blank}
    assert blanks == {
        "cost.electricity": ("cost.changed", 0, 65000),
        "income.CSN.applicant": ("register.unavailable", 0, None),
    }
    assert result.sums is not None
    assert [kronor(sum_) for sum_ in (result.sums.norm, result.sums.costs, result.sums.incomes)] == ["12710.00", "6900.00", "9475.00"]
    assert result.sums.need == Ore(1013500)
    assert result.span is not None
    assert (result.span.lowest, result.span.highest) == (None, 1078500)
    assert (result.proposal, result.amount, result.recommendation) == (None, None, Recommendation.REVIEW_REQUIRED)
    assert sorted(flags(result)) == sorted(
        [
            ("cost.changed", "cost.electricity"),
            ("register.unavailable", "applicant.CSN"),
            ("income.vanished", "income.Arbetslöshetsersättning.co_applicant"),
            ("sum.need_differs", ""),
            ("sum.blank", ""),
            ("info.aktivitetskrav", "applicant"),
            ("info.aktivitetskrav", "co_applicant"),
        ]
    )


def test_each_flag_of_the_example_is_a_sentence_about_the_check(assess_with: Callable[..., Assessment]) -> None:
    texts = {flag.code: flag.text for flag in assess_with(base="blanks").flags}

    assert texts["cost.changed"] == "El: ändrad med mer än 12 % sedan förra månaden"
    assert texts["register.unavailable"] == "CSN för sökanden kunde inte kontrolleras"
    assert texts["sum.need_differs"] == "Behovet skiljer sig från förra månaden med mer än 2\u00a0000 kr"
    assert "15 månader i rad" in texts["info.aktivitetskrav"]


def test_every_line_can_be_explained_by_rule_law_fact_and_source(assess_with: Callable[..., Assessment]) -> None:
    for line in assess_with(base="blanks").lines:
        assert line.trace.rule
        assert "SoL 2025:400" in line.trace.law or "SFS 2025:468" in line.trace.law
        assert line.trace.because
        assert all(fact.source and fact.path for fact in line.trace.facts)
        assert line.trace.facts
        assert all(used.source and used.status and used.valid_from for used in line.trace.parameters)
    by_key = {line.key: line.trace for line in assess_with().lines}
    assert by_key["norm.adults"].parameters[0].source == "SFS 2025:468 12 kap. 2 § (2025:1046)"
    assert by_key["norm.adults"].parameters[0].value == "7100.00"
    assert by_key["income.Barnbidrag.co_applicant"].facts[0].source == "Försäkringskassan"
    assert by_key["income.Barnbidrag.co_applicant"].facts[0].at == "2026-11-30T06:00:00+01:00"
    assert by_key["income.salary.applicant"].law == "SoL 2025:400 12 kap. 8 §"


def test_the_case_system_gets_every_counted_payment_before_jobbstimulans(assess_with: Callable[..., Assessment]) -> None:
    counted = [(one.benefit, one.person, kronor(one.net), str(one.paid_on), one.declared) for one in assess_with().counted_incomes]

    assert counted == [
        ("salary", "applicant", "8500.00", "2026-11-25", True),
        ("Bostadsbidrag", "applicant", "1850.00", "2026-11-27", False),
        ("Barnbidrag", "co_applicant", "1250.00", "2026-11-20", False),
        ("Arbetslöshetsersättning", "co_applicant", "6240.00", "2026-11-20", False),
    ]


def test_the_checks_say_for_each_adult_and_source_whether_it_was_done(assess_with: Callable[..., Assessment]) -> None:
    checks = assess_with(base="blanks").checks

    assert len(checks) == 16
    assert all(check.asked for check in checks)
    assert [(check.person, check.source) for check in checks if not check.done] == [("applicant", "CSN")]
