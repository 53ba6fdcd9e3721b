"""Amounts of Försäkringskassan and Pensionsmyndigheten, which share one document. The expected kronor are written by hand."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.connectors.ssbtek_answers import (
    everything,
    first,
    fixture,
    fk,
    kr,
    lefi,
    paid,
    read,
    read_one,
)


async def test_fk_net_is_gross_minus_tax_and_other_deductions_are_what_is_beyond_tax() -> None:
    (payment,) = paid(await fk(dict))
    assert (kr(payment.gross), kr(payment.tax), kr(payment.net), kr(payment.other_deductions)) == (
        "9000.50",
        "2700.25",
        "6300.25",
        "500.00",
    )
    assert (payment.benefit, payment.part, payment.amount_type, payment.mixed_rows) == ("Sjukpenning", "SJP", "SPV", False)
    assert (payment.paid_on, payment.covers_from, payment.covers_to) == (date(2026, 11, 25), date(2026, 11, 1), date(2026, 11, 30))
    assert payment.currency == "SEK"


async def test_fk_preliminary_and_presumptive_payments_are_not_paid() -> None:
    found = await fk(lambda document: first(document).update(typ={"id": 4, "beskrivning": "Presumtiv"}))
    assert [payment.preliminary for payment in found.payments] == [True, True]


@pytest.mark.parametrize("amount", [None, "abc", "1 850,00", 100.005, True, [], {"a": 1}, 10**15, "", "1e3", "NaN"])
async def test_an_amount_that_cannot_be_read_leaves_the_payment_standing_without_it(amount: Any) -> None:
    (payment,) = paid(await fk(lambda document: first(document)["bruttobelopp"].update(summa=amount)))
    assert payment.net is None
    assert payment.benefit == "Sjukpenning"


@pytest.mark.parametrize("day", [None, "", "2026-11", "2026-02-30", "25/11", 20261125, "20261125", "2026-W48-3"])
async def test_a_payment_date_that_cannot_be_read_leaves_the_payment_standing_without_it(day: Any) -> None:
    (payment,) = paid(await fk(lambda document: first(document).update(datum=day)))
    assert payment.paid_on is None
    assert kr(payment.net) == "6300.25"


async def test_fk_tax_left_out_is_not_taken_as_zero() -> None:
    (payment,) = paid(await fk(lambda document: first(document).pop("skattebelopp")))
    assert (payment.net, payment.tax) == (None, None)


async def test_fk_tax_and_deductions_left_out_are_zero_only_when_net_equals_gross() -> None:
    def change(document: Any) -> None:
        del first(document)["skattebelopp"], first(document)["avdragsbelopp"]
        first(document)["nettobelopp"]["summa"] = 9000.50

    (payment,) = paid(await fk(change))
    assert (kr(payment.net), kr(payment.tax), kr(payment.other_deductions)) == ("9000.50", "0.00", "0.00")


async def test_fk_sums_that_do_not_agree_are_flagged() -> None:
    found = await fk(lambda document: first(document)["nettobelopp"].update(summa=5000))
    assert [odd.path for odd in found.unrecognised] == ["FK.utbetalningsuppgift[0].nettobelopp"]


async def test_another_currency_is_kept_as_it_is() -> None:
    def change(document: Any) -> None:
        for key in ("bruttobelopp", "skattebelopp", "avdragsbelopp", "nettobelopp"):
            first(document)[key]["valuta"] = "EUR"

    (payment,) = paid(await fk(change))
    assert (payment.currency, kr(payment.net)) == ("EUR", "6300.25")


async def test_currencies_that_differ_inside_a_payment_make_it_unreadable() -> None:
    (payment,) = paid(await fk(lambda document: first(document)["skattebelopp"].update(valuta="EUR")))
    assert payment.net is None
    assert payment.currency not in ("SEK", "EUR")


async def test_a_missing_currency_is_flagged() -> None:
    def change(document: Any) -> None:
        for key in ("bruttobelopp", "skattebelopp", "avdragsbelopp", "nettobelopp"):
            del first(document)[key]["valuta"]

    found = await fk(change)
    assert paid(found)[0].currency is None
    assert [odd.path for odd in found.unrecognised] == ["FK.utbetalningsuppgift[0].valuta"]


async def test_fk_rows_of_several_kinds_are_mixed_and_rows_of_deductions_are_no_kind() -> None:
    more = {"forman": {"id": "SJP"}, "beloppstyp": {"id": "ANN"}, "bruttobelopp": {"summa": 1, "valuta": "SEK"}}
    (payment,) = paid(await fk(lambda document: first(document)["utbetalningsdetalj"].append(more)))
    assert (payment.mixed_rows, payment.part, payment.amount_type) == (True, None, None)


async def test_a_benefit_without_a_name_is_kept_as_unknown() -> None:
    found = await fk(lambda document: first(document).update(formansfamilj={"id": "XX"}))
    assert paid(found)[0].benefit == "unknown:XX"
    assert found.unrecognised


@pytest.mark.parametrize("state", ["FELANDE", "OTILLGANGLIG", "NYTT", None])
async def test_fk_and_pm_have_each_a_state_and_one_that_is_not_ok_could_not_be_checked(state: str | None) -> None:
    document = json.loads(fixture("lefi.json"))
    document["utlamnare"][1]["tillstand"]["kod"] = state
    answers = await read(everything() | {"FK": lefi(json.dumps(document))})
    assert (answers["FK"].status, answers["PM"].status) == ("answered", "unavailable")
    assert answers["PM"].error is not None
    assert answers["PM"].error.code == (state or "unreadable")


async def test_a_source_that_lefi_does_not_name_could_not_be_checked() -> None:
    found = await fk(lambda document: document["utlamnare"].pop(0))
    assert found.status == "unavailable"
    assert found.error is not None
    assert found.error.code == "SSB-008"


async def test_payments_that_one_group_could_not_give_are_told_and_the_others_stand() -> None:
    def change(document: Any) -> None:
        document["avvikelser"] = {
            "utbetalningar": [{"avvikelse": {"kod": "INTERNT_FEL"}, "formansgrupp": {"kod": "FK:BOB", "beskrivning": "Bostadsbidrag"}}]
        }

    found, pm = await fk(change), await fk(change, "PM")
    assert (found.status, found.deviations) == ("answered", ("utbetalningar.FK:BOB.INTERNT_FEL",))
    assert len(found.payments) == 2
    assert (pm.status, pm.deviations) == ("answered", ())


async def test_when_no_group_that_was_asked_for_could_give_payments_the_source_could_not_be_checked() -> None:
    def change(document: Any) -> None:
        missing = [{"avvikelse": {"kod": "OBEHORIG"}, "formansgrupp": {"kod": code, "beskrivning": code}} for code in ("FK:BOB", "FK:SJP")]
        document["avvikelser"] = {"utbetalningar": missing}

    found = await fk(change, fk_groups=("FK:BOB", "FK:SJP"))
    assert found.status == "unavailable"
    assert found.error is not None
    assert found.error.code == "SSB-011"
    assert (await fk(change, fk_groups=("FK:BOB", "FK:SJP", "FK:ABB"))).status == "answered"


async def test_a_deviation_alone_is_never_nothing_held() -> None:
    def change(document: Any) -> None:
        document["formansinformation"] = {}
        document["avvikelser"] = {
            "utbetalningar": [{"avvikelse": {"kod": "INTERNT_FEL"}, "formansgrupp": {"kod": "FK:BOB", "beskrivning": "Bostadsbidrag"}}]
        }

    assert (await fk(change)).status == "answered"


async def test_other_deviations_are_told_and_payments_are_whole() -> None:
    def change(document: Any) -> None:
        document["avvikelser"] = {
            "beslut": [{"avvikelse": {"kod": "OBEHORIG"}, "formansgrupp": {"kod": "PM:EF", "beskrivning": "Efterlevandeförmåner"}}],
            "ovrigInformation": [{"avvikelse": {"kod": "OBEHORIG"}, "ovrigInformationstyp": {"kod": "FK:GEPI", "beskrivning": "GEPI"}}],
        }
        document["formansinformation"]["generellPersoninformation"] = []

    found, pm = await fk(change), await fk(change, "PM")
    assert (found.status, found.deviations) == ("answered", ("ovrigInformation.FK:GEPI.OBEHORIG",))
    assert found.facts.protected is None
    assert (pm.status, pm.deviations) == ("answered", ("beslut.PM:EF.OBEHORIG",))


async def test_deviations_in_a_shape_nobody_knows_leave_both_sources_unchecked() -> None:
    def change(document: Any) -> None:
        document["avvikelser"] = [{"avvikelse": {"kod": "NY"}}]

    for source in ("FK", "PM"):
        found = await fk(change, source)
        assert found.status == "unavailable"
        assert found.unrecognised


async def test_fk_that_answers_and_holds_nothing_holds_nothing() -> None:
    found = await fk(lambda document: document.update(formansinformation={}))
    assert (found.status, found.payments) == ("nothing_held", ())


@pytest.mark.parametrize("odd", ["text", 5, [1]])
async def test_a_payment_that_is_no_object_is_a_payment_that_cannot_be_read(odd: Any) -> None:
    found = await fk(lambda document: document["formansinformation"]["utbetalningsuppgift"].append(odd))
    assert (len(paid(found)), paid(found)[1].net, paid(found)[1].paid_on) == (2, None, None)


async def test_a_list_that_holds_a_single_object_is_read() -> None:
    found = await fk(lambda document: document["formansinformation"].update(utbetalningsuppgift=first(document)))
    assert len(paid(found)) == 1


@pytest.mark.parametrize("odd", ["text", 5, True])
async def test_payments_in_a_shape_nobody_knows_leave_the_source_unchecked(odd: Any) -> None:
    found = await fk(lambda document: document["formansinformation"].update(utbetalningsuppgift=odd))
    assert found.status == "unavailable"


async def test_payments_under_a_name_nobody_knows_are_flagged() -> None:
    def change(document: Any) -> None:
        document["formansinformation"]["utbetalningar2"] = document["formansinformation"].pop("utbetalningsuppgift")

    assert [odd.path for odd in (await fk(change)).unrecognised] == ["FK.utbetalningar2"]


async def test_a_key_that_stands_twice_makes_the_document_unreadable() -> None:
    document = fixture("lefi.json").replace('"formansinformation": {', '"formansinformation": {}, "formansinformation": {', 1)
    assert (await read_one("FK", lefi(document))).status == "unavailable"


@pytest.mark.parametrize("document", ["[]", "null", "{", '{"a": NaN}', "[" * 100_000, '"x"'])
async def test_a_lefi_document_that_cannot_be_read_leaves_the_source_unchecked(document: str) -> None:
    for source in ("FK", "PM"):
        assert (await read_one(source, lefi(document))).status == "unavailable"


async def test_pm_net_is_what_was_paid_plus_every_deduction_that_is_not_tax() -> None:
    (payment,) = (await read(everything()))["PM"].payments
    assert (kr(payment.gross), kr(payment.tax), kr(payment.net), kr(payment.other_deductions)) == (
        "12000.00",
        "3000.00",
        "9000.00",
        "800.00",
    )
    assert (payment.benefit, payment.part, payment.amount_type) == ("Allmän pension", "PM:AP38", "PM:IP")
    assert payment.paid_on == date(2026, 11, 19)


async def test_which_deductions_are_tax_is_configured_and_an_unknown_one_is_not_tax_and_flagged() -> None:
    def change(document: Any) -> None:
        document["utbetalningar"][0]["avdrag"][0]["avdragstyp"]["kod"] = "PM:NY"

    found = await fk(change, "PM")
    assert kr(found.payments[0].net) == "12000.00"
    assert [odd.value for odd in found.unrecognised] == ["PM:NY"]
    assert kr((await fk(change, "PM", tax_deduction_types=("PM:NY",))).payments[0].net) == "9000.00"


async def test_pm_deductions_that_cannot_be_read_leave_the_net_unread() -> None:
    found = await fk(lambda document: document["utbetalningar"][0]["avdrag"][1].update(belopp="x"), "PM")
    assert (found.payments[0].net, found.payments[0].other_deductions) == (None, None)
    found = await fk(lambda document: document["utbetalningar"][0].pop("avdrag"), "PM")
    assert found.payments[0].net is None


async def test_pm_sums_that_do_not_agree_are_flagged() -> None:
    found = await fk(lambda document: document["utbetalningar"][0].update(nettobelopp=1), "PM")
    assert found.unrecognised


async def test_one_pm_payment_of_several_benefits_is_mixed() -> None:
    row = {"formansgrupp": {"kod": "PM:BTI", "beskrivning": "Bostadstillägg"}, "belopp": 1}
    found = await fk(lambda document: document["utbetalningar"][0]["utbetalningsrader"].append(row), "PM")
    assert (found.payments[0].benefit, found.payments[0].mixed_rows) == ("Allmän pension + Bostadstillägg", True)


async def test_a_claim_is_pending_until_a_later_decision_of_its_group() -> None:
    assert (await read(everything()))["PM"].facts.applied_not_decided == ("Bostadstillägg",)
    found = await fk(lambda document: document["beslut"][0].update(beslutsdatum="2026-11-20"), "PM")
    assert found.facts.applied_not_decided == ()
