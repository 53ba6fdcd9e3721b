"""Amounts of the a-kassor and CSN, and what holds for all agencies. The expected kronor are written by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.connectors.ssbtek_answers import (
    OTHER_PERSON,
    PERSON,
    csn,
    csn_with,
    everything,
    fixture,
    kr,
    lefi,
    read,
    read_one,
    so,
    xml_agency,
)


async def test_all_sources_at_once_give_each_its_own_payments() -> None:
    answers = await read(everything())
    assert {source: len(found.payments) for source, found in answers.items()} == {
        "FK": 2, "PM": 1, "SO": 1, "CSN": 2, "AF": 0, "SKV": 0, "TNS": 0, "MIV": 0,
    }  # fmt: skip
    assert {found.status for found in answers.values()} == {"answered"}
    assert not any(found.unrecognised or found.deviations or found.error for found in answers.values())


async def test_so_net_is_after_tax_and_the_difference_to_what_was_paid_is_a_deduction() -> None:
    (payment,) = (await read(everything()))["SO"].payments
    assert (kr(payment.net), kr(payment.other_deductions), payment.gross) == ("6240.50", "240.50", None)
    assert (payment.benefit, payment.organisation) == ("Arbetslöshetsersättning", "Påhittade a-kassan")
    assert (payment.paid_on, payment.covers_from, payment.covers_to) == (date(2026, 11, 20), date(2026, 11, 2), date(2026, 11, 15))


SECOND_FUND = (
    "<Arbetsloshetsersattning><SvarandeOrganisation>Tysta a-kassan</SvarandeOrganisation>"
    "<StatusSvarandeOrganisation>{status}</StatusSvarandeOrganisation></Arbetsloshetsersattning></ArbetsloshetsersattningLista>"
)


@pytest.mark.parametrize("status", ["Fel", "Svarar ej", "", "OK?"])
async def test_one_silent_a_kassa_is_told_and_the_others_payments_stand(status: str) -> None:
    found = await so("</ArbetsloshetsersattningLista>", SECOND_FUND.replace("{status}", status))
    assert (found.status, found.deviations, len(found.payments)) == ("answered", ("a-kassa.Tysta a-kassan",), 1)


async def test_a_silent_a_kassa_is_never_nothing_held_and_never_says_that_nobody_is_suspended() -> None:
    text = fixture("so.xml")
    before, _, rest = text.partition("<ArbetsloshetsersattningLista>")
    _, _, after = rest.partition("</ArbetsloshetsersattningLista>")
    entries = "".join(SECOND_FUND.removesuffix("</ArbetsloshetsersattningLista>").replace("{status}", status) for status in ("OK", "Fel"))
    found = await read_one(
        "SO", xml_agency("so.xml", f"{before}<ArbetsloshetsersattningLista>{entries}</ArbetsloshetsersattningLista>{after}")
    )
    assert (found.status, found.deviations, found.facts.suspended) == ("answered", ("a-kassa.Tysta a-kassan",), None)


async def test_when_every_a_kassa_is_silent_the_source_could_not_be_checked() -> None:
    found = await so("<StatusSvarandeOrganisation>OK", "<StatusSvarandeOrganisation>Fel")
    assert (found.status, found.deviations, len(found.payments)) == ("unavailable", ("a-kassa.Påhittade a-kassan",), 1)
    assert found.error is not None
    assert found.error.code == "SSB-009"


async def test_which_words_of_an_a_kassa_mean_answered_is_configured() -> None:
    document = fixture("so.xml").replace("</ArbetsloshetsersattningLista>", SECOND_FUND.replace("{status}", " svar lämnat "))
    found = await read_one("SO", xml_agency("so.xml", document), so_answered_statuses=("ok", "Svar lämnat"))
    assert (found.status, found.deviations) == ("answered", ())


async def test_no_a_kassa_at_all_is_nothing_held() -> None:
    text = fixture("so.xml")
    before, _, rest = text.partition("<ArbetsloshetsersattningLista>")
    _, _, after = rest.partition("</ArbetsloshetsersattningLista>")
    found = await read_one("SO", xml_agency("so.xml", f"{before}<ArbetsloshetsersattningLista/>{after}"))
    assert (found.status, found.payments, found.facts.suspended) == ("nothing_held", (), None)


async def test_suspension_and_pending_application_are_read() -> None:
    facts = (await read(everything()))["SO"].facts
    assert (facts.suspended, facts.applied_not_decided) == (True, ("Arbetslöshetsersättning",))
    assert (await so("2026-12-20", "2026-09-01")).facts.suspended is False
    assert (await so("2026-12-20", "okänt")).facts.suspended is True
    decided = await so(
        '<BeslutOmRattTillErsattning xsi:nil="true"/>', "<BeslutOmRattTillErsattning>2026-11-01</BeslutOmRattTillErsattning>"
    )
    assert decided.facts.applied_not_decided == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<NettoEfterSkatt>6240.50", "<NettoEfterSkatt>6240,50"),
        ("<NettoEfterSkatt>6240.50", "<NettoEfterSkatt>6240.505"),
        ("<NettoEfterSkatt>6240.50</NettoEfterSkatt>", ""),
        ("<NettoEfterSkatt>6240.50</NettoEfterSkatt>", "<NettoEfterSkatt>1</NettoEfterSkatt><NettoEfterSkatt>2</NettoEfterSkatt>"),
        ("<NettoEfterSkatt>6240.50", '<NettoEfterSkatt xsi:nil="true">6240.50'),
        ("<NettoEfterSkatt>6240.50", "<NettoEfterSkatt><x/>6240.50"),
    ],
)
async def test_an_so_amount_that_cannot_be_read_leaves_the_payment_standing_without_it(old: str, new: str) -> None:
    (payment,) = (await so(old, new)).payments
    assert (payment.net, payment.other_deductions) == (None, None)


async def test_a_payment_under_a_name_nobody_knows_is_flagged() -> None:
    found = await so("Utbetalningar>", "NyaUtbetalningar>")
    assert found.payments == ()
    assert [odd.path for odd in found.unrecognised] == ["SO.Arbetsloshetsersattning.NyaUtbetalningar"]


async def test_csn_counts_the_whole_amount_and_tells_paid_from_planned() -> None:
    done, planned = (await read(everything()))["CSN"].payments
    assert (done.benefit, kr(done.net), done.paid_on, done.preliminary) == ("Studiemedel", "12400.00", date(2026, 11, 25), False)
    assert (done.covers_from, done.covers_to, done.mixed_rows) == (date(2026, 11, 2), date(2026, 11, 29), True)
    assert (planned.preliminary, planned.paid_on, kr(planned.net)) == (True, None, "12400.00")


async def test_csn_no_hit_is_nothing_held() -> None:
    text = fixture("csn.xml")
    case = text[text.index("<p:Arenden>") : text.index("</p:Arenden>") + len("</p:Arenden>")]
    found = await read_one("CSN", csn(text.replace(case, "").replace('Status="          "', 'Status="Ej träff"')))
    assert (found.status, found.payments, found.facts.protected, found.unrecognised) == ("nothing_held", (), None, ())


@pytest.mark.parametrize("code", ["1", "99", "FEL"])
async def test_a_csn_result_that_is_not_zero_could_not_be_checked(code: str) -> None:
    found = await csn_with("<csn:ResultatKod>0", f"<csn:ResultatKod>{code}")
    assert found.status == "unavailable"
    assert found.error is not None
    assert found.error.code == code


@pytest.mark.parametrize(("mark", "protected"), [("  ", False), ("J", True), ("N", False), ("X", True)])
async def test_csn_secrecy_protects_whatever_the_mark_is(mark: str, protected: bool) -> None:
    assert (await csn_with('sekretess="  "', f'sekretess="{mark}"')).facts.protected is protected


async def test_csn_without_a_secrecy_mark_says_nothing_about_it() -> None:
    assert (await csn_with('sekretess="  "', "")).facts.protected is None


async def test_a_csn_payment_status_nobody_knows_is_counted_as_paid_and_flagged() -> None:
    found = await csn_with("UTBETALAD", "Stoppad")
    assert not found.payments[0].preliminary
    assert [odd.value for odd in found.unrecognised] == ["Stoppad"]


@pytest.mark.parametrize(
    "old", ["20261125", "<g:totbelopp>12400</g:totbelopp>\n              </sm:Utbetalning>\n              <sm:Utbetalning>"]
)
async def test_a_csn_payment_that_cannot_be_read_stands_all_the_same(old: str) -> None:
    found = await csn_with(old, "0" if old == "20261125" else old.replace("12400", "12400.5.5"))
    assert len(found.payments) == 2
    assert found.payments[0].paid_on is None or found.payments[0].net is None


async def test_a_csn_student_is_one_with_support_granted_for_the_time() -> None:
    assert (await read(everything()))["CSN"].facts.student is True
    text = fixture("csn.xml").replace("202703", "202636").replace("<g:startvecka>202645", "<g:startvecka>202635")
    assert (await read_one("CSN", csn(text.replace("<g:slutvecka>202648", "<g:slutvecka>202636")))).facts.student is None


async def test_a_csn_application_not_decided_is_pending() -> None:
    assert (await csn_with("BESLUTAD", "INITIERAD")).facts.applied_not_decided == ("Studiemedel",)


@pytest.mark.parametrize("kind", ["p:Studiemedel>", "sm:Utbetalning>", "sm:UtbetalningsPlan>", "p:Arende>", "p:Arenden>"])
async def test_csn_parts_under_a_name_nobody_knows_are_flagged(kind: str) -> None:
    prefix, _, rest = kind.partition(":")
    text = fixture("csn.xml").replace("p:Arende lopnummer", "p:ArendeX lopnummer") if kind == "p:Arende>" else fixture("csn.xml")
    found = await read_one("CSN", csn(text.replace(kind, f"{prefix}:{rest[:-1]}X>")))
    assert found.payments == ()
    assert found.unrecognised


@pytest.mark.parametrize("document", ["", "x", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><CSNSvar/>', "<CSNSvar/>"])
async def test_a_csn_document_that_cannot_be_read_leaves_the_source_unchecked(document: str) -> None:
    assert (await read_one("CSN", csn(document))).status == "unavailable"


@pytest.mark.parametrize("source", ["FK", "SO", "CSN", "AF", "SKV", "MIV"])
async def test_an_answer_about_somebody_else_is_not_used_at_all(source: str) -> None:
    agencies = everything()
    if source == "FK":
        agencies["FK"] = lefi(fixture("lefi.json").replace(PERSON, OTHER_PERSON))
    elif source == "CSN":
        agencies["CSN"] = csn(fixture("csn.xml").replace(PERSON[2:], OTHER_PERSON[2:]))
    else:
        agencies[source] = agencies[source].replace(PERSON, OTHER_PERSON)
    found = (await read(agencies))[source]
    assert found.error is not None
    assert (found.status, found.error.code, found.payments) == ("unavailable", "SSB-006", ())
    assert found.facts.model_dump(exclude_defaults=True) == {}
