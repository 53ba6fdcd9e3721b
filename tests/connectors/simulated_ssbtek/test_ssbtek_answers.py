"""What the simulated registers answer: each agency's facts in its own form, and nothing that the world's day hides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from lxml import etree

from connectors.simulators.population import arrivals
from connectors.simulators.world import AKassaRecord, PaymentRecord, PersonRecord

RICH, EMPTY, PROTECTED, MOVED, COORDINATION = "199001012385", "198505052387", "197001012391", "196001012393", "199001612384"
UNKNOWN = "191212121212"


def paid_on(payments: list[dict[str, Any]]) -> list[str]:
    """The days of FK's payments."""
    return [payment["datum"] for payment in payments]


async def test_fk_gives_payments_with_gross_tax_all_deductions_and_what_was_paid_out(ssbtek: Any) -> None:
    (payment,) = (p for p in (await ssbtek.fetch()).lefi["formansinformation"]["utbetalningsuppgift"] if p["formansfamilj"]["id"] == "SJP")

    assert payment["formansfamilj"] == {"id": "SJP", "beskrivning": "Sjukpenning"}
    assert (payment["datum"], payment["period"]) == ("2026-11-25", {"fran": "2026-11-01", "till": "2026-11-28"})
    amounts = {name: payment[name]["summa"] for name in ("bruttobelopp", "skattebelopp", "avdragsbelopp", "nettobelopp")}
    assert amounts == {"bruttobelopp": 7000, "skattebelopp": 1500, "avdragsbelopp": 2000, "nettobelopp": 5000}
    benefit, tax, other = payment["utbetalningsdetalj"]
    assert (benefit["forman"]["id"], benefit["beloppstyp"]["id"], benefit["bruttobelopp"]["summa"]) == ("SJPDEL", "SJ", 7000)
    assert (tax["beloppstyp"]["id"], tax["skattebelopp"]["summa"]) == ("PS", 1500)
    assert (other["beloppstyp"]["id"], other["avdragsbelopp"]["summa"]) == ("KVI", 500)


async def test_a_part_that_the_record_does_not_give_is_left_out_and_not_invented(ssbtek: Any) -> None:
    payments = (await ssbtek.fetch()).lefi["formansinformation"]["utbetalningsuppgift"]

    (row,) = payments[0]["utbetalningsdetalj"]
    assert payments[0]["formansfamilj"]["beskrivning"] == "Bostadsbidrag"
    assert set(row) == {"period", "bruttobelopp"}


async def test_a_planned_payment_is_preliminary_until_the_world_reaches_its_day(ssbtek: Any) -> None:
    before = (await ssbtek.fetch()).lefi["formansinformation"]
    ssbtek.day.set(date(2026, 12, 28))
    after = (await ssbtek.fetch()).lefi["formansinformation"]

    assert paid_on(before["preliminarautbetalningar"]) == ["2026-12-28"]
    assert "2026-12-28" not in paid_on(before["utbetalningsuppgift"])
    assert after["preliminarautbetalningar"] == []
    assert "2026-12-28" in paid_on(after["utbetalningsuppgift"])


async def test_a_payment_that_is_not_planned_is_not_shown_before_it_is_visible(
    simulate: Any, person_with: Callable[..., PersonRecord], pay: Callable[..., PaymentRecord]
) -> None:
    late = pay("BOB", "Bostadsbidrag", date(2026, 11, 27), "1850.00", visible_from=date(2026, 12, 1))
    ssbtek = await simulate(person_with(fk=(late,), csn=(late,), a_kassor=(AKassaRecord("A", payments=(late,)),), pm=(late,)))
    groups = {"utbetalningar": ["FK:BOB", "PM:BTI"], "preliminaraUtbetalningar": ["FK:BOB", "PM:BTI"], "formansinformation": ["FK:BOB"]}

    hidden = await ssbtek.fetch(lefi=groups)
    ssbtek.day.set(date(2026, 12, 1))
    shown = await ssbtek.fetch(lefi=groups)

    empty: dict[str, list[Any]] = {"utbetalningsuppgift": [], "preliminarautbetalningar": [], "bostadsbidragsarende": []}
    assert {name: hidden.lefi["formansinformation"][name] for name in empty} == empty
    assert hidden.csn.findall(".//{*}Utbetalning") == []
    assert hidden.agency("SO").findall(".//{*}Utbetalningar") == []
    assert paid_on(shown.lefi["formansinformation"]["utbetalningsuppgift"]) == ["2026-11-27"]
    assert len(shown.csn.findall(".//{*}Utbetalning")) == 1
    assert len(shown.agency("SO").findall(".//{*}Utbetalningar")) == 1


async def test_only_the_groups_and_days_that_were_asked_for_are_given(ssbtek: Any) -> None:
    groups = await ssbtek.fetch(lefi={"utbetalningar": ["FK:BOB"], "preliminaraUtbetalningar": [], "formansinformation": []})
    days = await ssbtek.fetch(lefi={"period": {"from": "2026-11-01", "tom": "2026-11-26"}})

    given = groups.lefi["formansinformation"]
    assert {payment["formansfamilj"]["id"] for payment in given["utbetalningsuppgift"]} == {"BOB"}
    assert set(given) == {"utbetalningsuppgift", "generellPersoninformation"}
    assert "utbetalningar" not in groups.lefi
    assert [source["utlamnare"]["kod"] for source in groups.lefi["utlamnare"]] == ["FK"]
    assert paid_on(days.lefi["formansinformation"]["utbetalningsuppgift"]) == ["2026-11-25"]


async def test_a_benefit_of_a_group_that_lefi_does_not_list_comes_with_whatever_is_asked(
    simulate: Any, person_with: Callable[..., PersonRecord], pay: Callable[..., PaymentRecord]
) -> None:
    ssbtek = await simulate(person_with(fk=(pay("NYTT", "Nytt påhittat bidrag", date(2026, 11, 20), "700.00"),)))

    (payment,) = (await ssbtek.fetch()).lefi["formansinformation"]["utbetalningsuppgift"]
    assert payment["formansfamilj"] == {"id": "NYTT", "beskrivning": "Nytt påhittat bidrag"}


async def test_pensionsmyndigheten_gives_whole_kronor_at_the_top_level(ssbtek: Any) -> None:
    lefi = (await ssbtek.fetch()).lefi

    (payment,) = lefi["utbetalningar"]
    (coming,) = lefi["preliminaraUtbetalningar"]
    assert (payment["utbetalningsdatum"], payment["bruttobelopp"], payment["nettobelopp"]) == ("2026-11-18", 10000, 8800)
    assert all(isinstance(payment[name], int) for name in ("bruttobelopp", "nettobelopp"))
    assert [(row["avdragstyp"]["kod"], row["belopp"]) for row in payment["avdrag"]] == [("PM:PS", 1000), ("PM:AVDRAGOVRIGT", 200)]
    assert payment["utbetalningsrader"][0]["formansgrupp"] == {"kod": "PM:AP", "beskrivning": "Ålderspension"}
    assert coming["utbetalningsdatum"] == "2026-12-18"


async def test_what_is_applied_for_at_fk_is_a_case_without_decision(ssbtek: Any) -> None:
    cases = (await ssbtek.fetch()).lefi["formansinformation"]

    assert cases["sjukOchAktivitetsersattningsarende"] == [{"startades": "2026-10-01", "aktivt": True, "avslaget": False, "beslut": []}]
    assert cases["bostadsbidragsarende"][0]["beslut"][0]["definitivt"] is True
    assert cases["barnbidragsarende"] == []


async def test_general_information_says_who_is_protected_and_then_neither_name_nor_address(ssbtek: Any) -> None:
    (known,) = (await ssbtek.fetch()).lefi["formansinformation"]["generellPersoninformation"]
    (hidden,) = (await ssbtek.fetch(PROTECTED)).lefi["formansinformation"]["generellPersoninformation"]

    assert (known["skyddad"], known["foddes"], known["namn"]) == (False, "1990-01-01", "Tester Påhittsson")
    assert known["folkbokford"] == [{"lan": "22", "kommun": "81"}]
    assert hidden["skyddad"] is True
    assert not {"namn", "adress"} & set(hidden)


async def test_death_another_address_and_civil_status_are_given(ssbtek: Any) -> None:
    (gone,) = (await ssbtek.fetch(MOVED)).lefi["formansinformation"]["generellPersoninformation"]
    (abroad,) = (await ssbtek.fetch(COORDINATION)).lefi["formansinformation"]["generellPersoninformation"]

    assert gone["avled"] == ["2026-11-03"]
    assert gone["folkbokford"] == [{"lan": "14", "kommun": "80"}]
    assert gone["civilstand"] == {"id": 2, "beskrivning": "Gift"}
    assert abroad["folkbokford"] == []
    assert abroad["adress"][0]["roller"][0]["id"] == 3
    assert abroad["foddes"] == "1990-01-01"


async def test_general_information_that_is_refused_is_a_deviation_and_the_rest_is_given(
    simulate: Any, person_with: Callable[..., PersonRecord]
) -> None:
    lefi = (await (await simulate(person_with(gepi=False))).fetch()).lefi

    (deviation,) = lefi["avvikelser"]["ovrigInformation"]
    assert (deviation["avvikelse"]["kod"], deviation["ovrigInformationstyp"]["kod"]) == ("OBEHORIG", "FK:GEPI")
    assert lefi["formansinformation"]["generellPersoninformation"] == []
    assert lefi["utlamnare"][0]["tillstand"]["kod"] == "OK"


@pytest.mark.parametrize("number", [EMPTY, UNKNOWN])
async def test_nobody_holds_anything_on_who_has_no_records(ssbtek: Any, number: str) -> None:
    answer = await ssbtek.fetch(number)

    assert answer.lefi["formansinformation"]["utbetalningsuppgift"] == []
    assert answer.lefi["utbetalningar"] == []
    assert answer.csn.find("{*}Personer/{*}Person").get("Status") == "Ej träff"
    assert answer.agency("SO").findall(".//{*}Arbetsloshetsersattning") == []
    assert answer.text("AF", "Svar/StatusSokandeinformationKod") == "0"
    assert answer.agency("AF").find(".//{*}ArbetssokandeInfo") is None
    assert "Kapitaluppgift" not in answer.text("SKV", "svar")
    assert answer.agency("TNS").findall(".//{*}fordon") == []
    assert len(answer.agency("MIV").find("{*}data")) == 0


async def test_of_an_unknown_person_fk_has_no_general_information(ssbtek: Any) -> None:
    assert (await ssbtek.fetch(UNKNOWN)).lefi["formansinformation"]["generellPersoninformation"] == []
    assert len((await ssbtek.fetch(EMPTY)).lefi["formansinformation"]["generellPersoninformation"]) == 1


async def test_each_a_kassa_has_an_entry_with_its_own_status(ssbtek: Any) -> None:
    paying, silent = (await ssbtek.fetch()).agency("SO").findall(".//{*}Arbetsloshetsersattning")

    assert paying.findtext("{*}SvarandeOrganisation") == "Påhittade a-kassan"
    assert [child.text for child in paying.find("{*}Utbetalningar")] == [
        "2026-11-20",
        "6240.00",
        "6140.00",
        "20",
        "2026-11-01",
        "2026-11-28",
    ]
    assert [child.text for child in paying.find("{*}Avstangningar")] == ["2026-11-23", "2027-11-23"]
    assert paying.findtext("{*}AnsoktOmErsattning/{*}AnsokanOmUtbetalningInlamnad") == "true"
    assert silent.findtext("{*}StatusSvarandeOrganisation") == "Timeout"
    assert silent.find("{*}Utbetalningar") is None


async def test_csn_gives_paid_and_planned_payments_in_its_own_document(ssbtek: Any) -> None:
    document = (await ssbtek.fetch()).csn
    person = document.find("{*}Personer/{*}Person")

    assert document.tag == "{http://schema.csn.se/v4.0/kommunfraga}CSNSvar"
    assert document.findtext(".//{*}ResultatKod") == "0"
    assert dict(person.attrib) == {"personnummer": RICH[2:], "sekel": "19", "Status": " " * 10, "sekretess": "  "}
    paid, planned = person.findall(".//{*}Utbetalning")
    assert [paid.findtext(f"{{*}}{name}") for name in ("utbetdatum", "utbetstatus", "totbelopp")] == ["20261125", "Utbetald", "3500"]
    assert [planned.findtext(f"{{*}}{name}") for name in ("utbetdatum", "utbetstatus", "totbelopp")] == ["20261230", "Planerad", "1250"]
    assert person.findtext("{*}Studiehjalp/{*}Arenden/{*}Arende/{*}klartext") == "Studiehjälp"
    assert person.findtext("{*}Studiemedel/{*}Arenden/{*}Arende/{*}stodform") == "GRUND"
    assert paid.findtext(".//{*}startvecka") == "202644"


async def test_csn_marks_the_protected_and_cannot_answer_for_a_coordination_number(ssbtek: Any) -> None:
    assert (await ssbtek.fetch(PROTECTED)).csn.find(".//{*}Person").get("sekretess") == "J"
    assert (await ssbtek.fetch(COORDINATION)).error("CSN") == ("BT", "PERSONNUMMER")


async def test_af_says_whether_somebody_is_registered_and_whether_protected(ssbtek: Any) -> None:
    seeker, hidden = await ssbtek.fetch(), await ssbtek.fetch(PROTECTED)

    assert seeker.text("AF", "Svar/ArbetssokandeInfo/Arbetssokande") == "true"
    assert seeker.text("AF", "Svar/ArbetssokandeInfo/ArbetssokandeRegistrerad") == "2025-09-01+02:00"
    assert seeker.text("AF", "Svar/Sekretessmarkering") == "false"
    assert seeker.text("AF", "Svar/Akassetillhorighet") == "Påhittade a-kassan"
    assert hidden.text("AF", "Svar/Sekretessmarkering") == "true"
    assert hidden.text("AF", "Svar/Fornamn") is None
    assert hidden.text("AF", "Svar/ArbetssokandeInfo/Arbetssokande") == "false"


async def test_skv_puts_a_document_with_its_own_declaration_in_a_text_of_no_namespace(ssbtek: Any) -> None:
    answer = await ssbtek.fetch()
    text = answer.agency("SKV").find("{*}data")[0]

    inner = etree.fromstring(text.text.encode())
    assert text.tag == "svar"
    assert b"<svar><![CDATA[<?xml" in answer.content
    assert etree.QName(inner).localname == "SvarBeskattningsuppgifterEnligtSFS2008-975"
    capital = inner.find("{*}PersonuppgiftLista/{*}Personuppgift/{*}Kapitaluppgift")
    assert capital is not None
    assert [child.text for child in capital] == ["2025", "1234", "1234"]


async def test_vehicles_and_permits_are_listed(ssbtek: Any) -> None:
    answer = await ssbtek.fetch()

    assert [v.findtext("{*}regnr") for v in answer.agency("TNS").findall(".//{*}fordon")] == ["ABC123", "DEF456"]
    assert answer.agency("TNS").findtext(".//{*}fabrikat") == "SAAB"
    limited, permanent = answer.agency("MIV").findall("{*}data/response/svarCollection/svar")
    assert [(child.tag, child.text) for child in limited] == [
        ("beslutsTyp", "UT"),
        ("fromDatum", "2025-01-01+01:00"),
        ("giltighetstid", "TIDBEGRANSAT"),
        ("tomDatum", "2027-01-01+01:00"),
    ]
    assert permanent.findtext("giltighetstid") == "PERMANENT"


async def test_an_unreadable_amount_is_sent_as_it_is_by_everybody_who_pays(
    simulate: Any, person_with: Callable[..., PersonRecord], pay: Callable[..., PaymentRecord]
) -> None:
    broken = pay("BOB", "Bostadsbidrag", date(2026, 11, 27), "1850.00", raw_amount="ettusen")
    pension = pay("AP", "Ålderspension", date(2026, 11, 27), "1850.00", raw_amount="ettusen")
    ssbtek = await simulate(person_with(fk=(broken,), pm=(pension,), csn=(broken,), a_kassor=(AKassaRecord("A", payments=(broken,)),)))

    answer = await ssbtek.fetch()

    (fk,) = answer.lefi["formansinformation"]["utbetalningsuppgift"]
    assert {fk[name]["summa"] for name in ("bruttobelopp", "nettobelopp")} == {"ettusen"}
    assert {answer.lefi["utbetalningar"][0][name] for name in ("bruttobelopp", "nettobelopp")} == {"ettusen"}
    assert answer.csn.findtext(".//{*}Utbetalning/{*}totbelopp") == "ettusen"
    assert answer.agency("SO").findtext(".//{*}NettoEfterSkatt") == "ettusen"


async def test_another_currency_is_told(simulate: Any, person_with: Callable[..., PersonRecord], pay: Callable[..., PaymentRecord]) -> None:
    ssbtek = await simulate(person_with(fk=(pay("BOB", "Bostadsbidrag", date(2026, 11, 27), "100.00", currency="EUR"),)))

    (payment,) = (await ssbtek.fetch()).lefi["formansinformation"]["utbetalningsuppgift"]
    assert payment["bruttobelopp"] == {"summa": 100.0, "valuta": "EUR"}


async def test_an_agencys_own_days_come_before_the_questions(ssbtek: Any) -> None:
    own = "<q:tidsperiod><q:fromDatum>2026-11-21</q:fromDatum><q:tomDatum>2026-11-30</q:tomDatum></q:tidsperiod>"
    answer = await ssbtek.fetch(edit=lambda text: text.replace('<q:SO inkludera="true"/>', f'<q:SO inkludera="true">{own}</q:SO>'))

    assert answer.text("SO", "From") == "2026-11-21"
    assert answer.agency("SO").findall(".//{*}Utbetalningar") == []
    assert len(answer.csn.findall(".//{*}Utbetalning")) == 2


async def test_the_same_question_on_the_same_day_gives_the_same_bytes(ssbtek: Any) -> None:
    assert (await ssbtek.fetch()).content == (await ssbtek.fetch()).content


async def test_people_move_in_with_new_applications_and_a_repeated_order_changes_nothing(ssbtek: Any) -> None:
    newcomers = arrivals(7, 500, 2, date(2026, 12, 3))
    order = {"count": 2, "first": 500, "day": "2026-12-03"}
    number = newcomers[0].people[0].personnummer

    unknown = (await ssbtek.fetch(number)).lefi["formansinformation"]["generellPersoninformation"]
    added = [(await ssbtek.http.post("/admin/arrive", json=order)).json()["added"] for _ in range(2)]
    known = (await ssbtek.fetch(number)).lefi["formansinformation"]["generellPersoninformation"]

    assert (unknown, added) == ([], [2, 0])
    assert known[0]["personnummer"] == number
    wrong_orders: list[Any] = [{"count": 0}, {"count": "2"}, {"day": "imorgon"}, {"many": 1}, []]
    for wrong in wrong_orders:
        assert (await ssbtek.http.post("/admin/arrive", json=wrong)).status_code == 400
