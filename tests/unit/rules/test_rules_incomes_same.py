"""The same income declared and in a register counts once; what may be one or two is a person's to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from income_changes import LAST, codes, declared, find, from_pm, last_month, paid, payment, span

from rules.assessment import Assessment, Outcome
from rules.money import ore

SUPPORT = "income.Underhållsstöd.applicant"


# The same income, declared for another person


@pytest.mark.parametrize("recipient", ["child-1", "co_applicant"])
@pytest.mark.parametrize("amount", ["1673.00", "1672.00", "1674.00"])
def test_what_a_register_may_show_for_another_person_is_never_counted_twice(
    recipient: str, amount: str, assess_with: Callable[..., Assessment]
) -> None:
    both = last_month(("Underhållsstöd", "applicant", "1673.00"), ("maintenance", recipient, amount))
    result = assess_with(paid(payment("Underhållsstöd", "1673.00")) | declared("maintenance", amount, recipient) | both)

    assert find(result, SUPPORT).amount == ore(1673)
    assert span(result, f"income.maintenance.{recipient}") == ("income.perhaps_same", "0.00", amount)
    assert result.outcome is Outcome.REVIEW
    assert not [one for one in result.counted_incomes if one.benefit == "maintenance"]


@pytest.mark.parametrize("recipient", ["child-1", "co_applicant"])
@pytest.mark.parametrize("amount", ["1671.99", "1674.01", "500.00"])
def test_another_amount_for_another_person_is_another_income(recipient: str, amount: str, assess_with: Callable[..., Assessment]) -> None:
    both = last_month(("Underhållsstöd", "applicant", "1673.00"), ("maintenance", recipient, amount))
    result = assess_with(paid(payment("Underhållsstöd", "1673.00")) | declared("maintenance", amount, recipient) | both)

    assert find(result, SUPPORT).amount == ore(1673)
    assert find(result, f"income.maintenance.{recipient}").amount == ore(amount)
    assert not {"income.perhaps_same", "income.differs"} & codes(result)


@pytest.mark.parametrize("unclear", [{"net": None}, {"part": "unknown:QQ"}, {"net": "-10.00"}])
def test_what_is_not_sure_for_another_person_may_be_any_amount(unclear: dict[str, Any], assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(paid(payment("Underhållsstöd", "1673.00") | unclear) | declared("maintenance", "500.00", "child-1"))

    assert span(result, "income.maintenance.child-1") == ("income.perhaps_same", "0.00", "500.00")


def test_what_is_declared_for_another_person_counts_when_no_register_shows_it(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(declared("maintenance", "1673.00", "child-1") | last_month(("maintenance", "child-1", "1673.00")))

    assert find(result, "income.maintenance.child-1").amount == ore(1673)
    assert "income.perhaps_same" not in codes(result)


def test_ones_own_register_goes_before_anothers(assess_with: Callable[..., Assessment]) -> None:
    result = assess_with(
        paid(payment("Underhållsstöd", "1673.00"))
        | {"registers/co_applicant.FK/payments/+": payment("Underhållsstöd", "1000.00")}
        | declared("maintenance", "1673.00", "applicant")
    )

    assert find(result, SUPPORT).amount == ore(1673)
    assert "income.perhaps_same" not in codes(result)


# The same income or two, of one person

PENSION, OCCUPATIONAL = "income.Ålderspension.applicant", "income.occupational_pension.applicant"


def pensions(registered: str, in_application: str, *rows: tuple[str, str]) -> dict[str, Any]:
    """What Pensionsmyndigheten pays and the application says, and last month's rows."""
    before = last_month(*((kind, "applicant", amount) for kind, amount in rows))
    return from_pm(payment("Ålderspension", registered)) | declared("occupational_pension", in_application, "applicant") | before


@pytest.mark.parametrize(
    ("registered", "in_application"), [("5000.00", "900.00"), ("5600.00", "1008.00"), ("4400.00", "792.00"), ("900.00", "900.00")]
)
def test_two_incomes_of_last_month_are_two_now_when_each_is_about_the_same(
    registered: str, in_application: str, assess_with: Callable[..., Assessment]
) -> None:
    last = ("900.00", "900.00") if registered == in_application else ("5000.00", "900.00")
    result = assess_with(pensions(registered, in_application, ("Ålderspension", last[0]), ("occupational_pension", last[1])))

    found = [find(result, key).amount for key in (PENSION, OCCUPATIONAL)]
    assert found == [ore(registered), ore(in_application)]
    assert not {"income.differs", "income.new", "income.changed", "income.vanished"} & codes(result)


@pytest.mark.parametrize(
    "changes",
    [
        pensions("5000.00", "900.00"),
        pensions("5000.00", "900.00", ("Ålderspension", "5000.00")),
        pensions("5000.00", "900.00", ("occupational_pension", "900.00")),
        pensions("5000.00", "900.00", ("Ålderspension", "5000.00"), ("occupational_pension", "1100.00")),
        pensions("5000.00", "900.00", ("Ålderspension", "4000.00"), ("occupational_pension", "900.00")),
        pensions("5000.00", "900.00", ("Ålderspension", "5000.00"), ("occupational_pension", "900.00")) | {"history/known": False},
    ],
)
def test_what_may_be_one_income_or_two_is_open_from_the_smaller_to_both(
    changes: dict[str, Any], assess_with: Callable[..., Assessment]
) -> None:
    result = assess_with(changes)

    assert span(result, PENSION) == ("income.differs", "900.00", "5900.00")
    assert OCCUPATIONAL not in {line.key for line in result.lines}


def test_a_row_that_a_person_counted_nothing_of_is_not_a_second_income(assess_with: Callable[..., Assessment]) -> None:
    changes = pensions("5000.00", "900.00", ("Ålderspension", "5000.00"))
    changes[LAST].append({"type": "occupational_pension", "recipient": "applicant", "amount": "900.00", "counted": "0.00"})

    assert span(assess_with(changes), PENSION) == ("income.differs", "900.00", "5900.00")


def test_amounts_that_agree_may_be_two_incomes_while_last_month_cannot_be_read(assess_with: Callable[..., Assessment]) -> None:
    same = pensions("900.00", "900.00")

    assert find(assess_with(same), PENSION).amount == ore(900)
    assert span(assess_with(same | {"history/known": False}), PENSION) == ("income.differs", "900.00", "1800.00")


def test_a_benefit_declared_by_its_own_name_is_never_a_second_income(assess_with: Callable[..., Assessment]) -> None:
    same = paid(payment("Sjukpenning", "900.00")) | declared("Sjukpenning", "900.00", "applicant")
    for changes in (last_month(("Sjukpenning", "applicant", "900.00")), {"history/known": False}):
        assert find(assess_with(same | changes), "income.Sjukpenning.applicant").amount == ore(900)


def test_what_last_month_counted_for_a_child_is_not_counted_again_for_the_parent(assess_with: Callable[..., Assessment]) -> None:
    before = paid(payment("Underhållsstöd", "1673.00", "2026-10-18")) | last_month(("maintenance", "child-1", "1673.00"))
    again = assess_with(before | declared("maintenance", "1673.00", "child-1"))

    assert SUPPORT not in {line.key for line in again.lines}
    assert span(again, "income.maintenance.child-1") == ("income.differs", "0.00", "1673.00")
    assert "income.paid_late" not in codes(again)
