"""What the sources say beside payments."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from rules.facts import RegisterAnswer
from tests.connectors.ssbtek_answers import everything, fixture, lefi, read, read_one, skv, xml_agency


async def person(change: Any, **settings: Any) -> RegisterAnswer:
    """Return FK's answer after a change of its general information on the person."""
    document = json.loads(fixture("lefi.json"))
    change(document["formansinformation"]["generellPersoninformation"][0])
    return await read_one("FK", lefi(json.dumps(document)), **settings)


async def changed(source: str, old: str, new: str) -> RegisterAnswer:
    text = fixture(f"{source.lower()}.xml")
    assert old in text
    new_text = text.replace(old, new)
    return await read_one(source, skv(new_text) if source == "SKV" else xml_agency("", new_text))


# General information on the person (GEPI), and cases


async def test_what_fk_says_of_the_person_is_read() -> None:
    facts = (await read(everything()))["FK"].facts
    assert (facts.protected, facts.deceased, facts.emigrated, facts.other_address) == (False, False, False, False)
    assert (facts.civil_status, facts.applied_not_decided, facts.exemptions) == ("unmarried", ("Bostadsbidrag",), ("Sjukpenning",))


@pytest.mark.parametrize(("mark", "protected"), [(True, True), ("true", True), (False, False), (None, None), ("kanske", None), (2, None)])
async def test_protection_is_yes_no_or_not_said(mark: Any, protected: bool | None) -> None:
    assert (await person(lambda gepi: gepi.update(skyddad=mark))).facts.protected is protected


async def test_a_mark_of_protection_nobody_knows_is_flagged() -> None:
    assert (await person(lambda gepi: gepi.update(skyddad="kanske"))).unrecognised


async def test_no_information_on_the_person_says_nothing_on_protection() -> None:
    document = json.loads(fixture("lefi.json"))
    document["formansinformation"]["generellPersoninformation"] = []
    assert (await read_one("FK", lefi(json.dumps(document)))).facts.protected is None


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (1, "unmarried"),
        (2, "married"),
        (3, "married"),
        (4, "widowed"),
        (5, "divorced"),
        (6, "divorced"),
        (7, "widowed"),
        (0, None),
        (8, "unknown:8"),
    ],
)
async def test_civil_status_is_translated_and_an_unknown_one_kept(number: int, status: str | None) -> None:
    assert (await person(lambda gepi: gepi.update(civilstand={"id": number}))).facts.civil_status == status


async def test_a_person_registered_nowhere_or_only_abroad_has_emigrated() -> None:
    assert (await person(lambda gepi: gepi.update(folkbokford=[]))).facts.emigrated is True
    assert (await person(lambda gepi: gepi.update(adress=[{"roller": [{"id": 3}]}]))).facts.emigrated is True
    assert (await person(lambda gepi: (gepi.pop("folkbokford"), gepi.pop("adress")))).facts.emigrated is None


async def test_a_person_registered_in_another_municipality_has_another_address() -> None:
    assert (await person(lambda gepi: gepi.update(folkbokford=[{"lan": "14", "kommun": "80"}]))).facts.other_address is True
    assert (await person(dict, municipality=None)).facts.other_address is None


async def test_a_deceased_person_is_told() -> None:
    assert (await person(lambda gepi: gepi.update(avled=["2026-11-03"]))).facts.deceased is True


async def test_a_new_fact_on_the_person_is_flagged() -> None:
    found = await person(lambda gepi: gepi.update(sekretessgrad="hög"))
    assert [(odd.path, odd.value) for odd in found.unrecognised] == [("FK.generellPersoninformation.sekretessgrad", "hög")]


# Arbetsförmedlingen


async def test_what_af_says_is_read() -> None:
    found = (await read(everything()))["AF"]
    assert (found.facts.protected, found.facts.job_seeker, found.facts.registered) == (False, True, date(2025, 9, 1))
    assert found.status == "answered"


@pytest.mark.parametrize(("mark", "protected"), [("true", True), ("1", True), ("false", False), ("kanske", None)])
async def test_the_secrecy_mark_of_af_protects(mark: str, protected: bool | None) -> None:
    found = await changed("AF", "<Sekretessmarkering>false", f"<Sekretessmarkering>{mark}")
    assert found.facts.protected is protected
    assert bool(found.unrecognised) is (protected is None)


async def test_af_without_a_secrecy_mark_says_nothing_on_protection() -> None:
    assert (await changed("AF", "<Sekretessmarkering>false</Sekretessmarkering>", "")).facts.protected is None


async def test_af_that_knows_nothing_of_the_person_says_no_job_seeker() -> None:
    text = fixture("af.xml")
    info = text[text.index("<ArbetssokandeInfo>") : text.index("</ArbetssokandeInfo>") + len("</ArbetssokandeInfo>")]
    found = await read_one("AF", xml_agency("", text.replace(info, "").replace("<Sekretessmarkering>false</Sekretessmarkering>", "")))
    assert (found.status, found.facts.job_seeker, found.facts.protected) == ("nothing_held", False, None)


@pytest.mark.parametrize("status", ["1", "", "-3"])
async def test_an_af_status_that_is_not_zero_could_not_be_checked(status: str) -> None:
    found = await changed("AF", "<StatusSokandeinformationKod>0", f"<StatusSokandeinformationKod>{status}")
    assert found.status == "unavailable"


async def test_an_element_of_af_that_nobody_knows_is_flagged() -> None:
    found = await changed("AF", "<Akassetillhorighet>", "<NyUppgift>ja</NyUppgift><Akassetillhorighet>")
    assert [(odd.path, odd.value) for odd in found.unrecognised] == [("AF.NyUppgift", "ja")]


# Skatteverket


async def test_skv_tells_the_capital_income_of_the_latest_year() -> None:
    found = (await read(everything()))["SKV"]
    assert (found.status, found.facts.capital_income) == ("answered", 150_000)


async def test_skv_without_the_person_is_nothing_held() -> None:
    text = fixture("skv.xml")
    listed = text[text.index("<s:Personuppgift>") : text.index("</s:Personuppgift>") + len("</s:Personuppgift>")]
    assert (await read_one("SKV", skv(text.replace(listed, "")))).status == "nothing_held"


async def test_a_capital_income_that_cannot_be_read_is_flagged() -> None:
    found = await changed("SKV", ">1500<", ">en del<")
    assert (found.facts.capital_income, [odd.value for odd in found.unrecognised]) == (None, ["en del"])


async def test_a_tax_element_nobody_knows_is_flagged() -> None:
    found = await changed("SKV", "<s:Kapitaluppgift><b:Taxeringsar>2024", "<s:Skatt>99</s:Skatt><s:Kapitaluppgift><b:Taxeringsar>2024")
    assert [(odd.path, odd.value) for odd in found.unrecognised] == [("SKV.Personuppgift.Skatt", "99")]


@pytest.mark.parametrize(("old", "new"), [("Kod>0<", "Kod>4<"), ("PersonuppgiftLista", "Lista"), ("</s:Svar", "</s:Svarx")])
async def test_a_skv_answer_that_is_not_in_order_could_not_be_checked(old: str, new: str) -> None:
    assert (await changed("SKV", old, new)).status == "unavailable"


async def test_a_doctype_inside_skvs_text_is_refused() -> None:
    found = await changed("SKV", "?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>')
    assert found.status == "unavailable"


# Transportstyrelsen


async def test_tns_tells_the_vehicles() -> None:
    found = (await read(everything()))["TNS"]
    assert (found.status, found.facts.vehicles) == ("answered", ("XXX000 VOLVO V70 2009 PERSONBIL",))


async def test_no_vehicle_is_nothing_held() -> None:
    text = fixture("tns.xml")
    vehicle = text[text.index("<f:fordon>") : text.index("</f:fordon>") + len("</f:fordon>")]
    assert (await read_one("TNS", xml_agency("", text.replace(vehicle, "")))).status == "nothing_held"


async def test_a_failure_inside_the_data_of_tns_could_not_be_checked() -> None:
    failed = "<resultat>FEL</resultat><felresultat><felkod>17</felkod><feltext>fel</feltext></felresultat>"
    found = await changed("TNS", "<resultat>OK</resultat>", failed)
    assert found.error is not None
    assert (found.status, found.error.code) == ("unavailable", "17")
    assert (await changed("TNS", "OK", "KANSKE")).status == "unavailable"


# Migrationsverket


async def test_miv_tells_the_permits() -> None:
    (permit,) = (await read(everything()))["MIV"].facts.permits
    assert (permit.kind, permit.permanent) == ("UPPEHALLSTILLSTAND", False)
    assert (permit.from_day, permit.to_day) == (date(2025, 1, 1), date(2027, 1, 31))


async def test_no_response_of_miv_is_nothing_held() -> None:
    assert (await read_one("MIV", "<ssbt:data/>")).status == "nothing_held"


@pytest.mark.parametrize(
    ("old", "new"), [("TIDBEGRANSAT", "EVIGT"), ("2027-01-31+01:00", "snart"), ("<hemland>", "<nytt>1</nytt><hemland>")]
)
async def test_what_nobody_knows_of_a_permit_is_flagged(old: str, new: str) -> None:
    found = await changed("MIV", old, new)
    assert len(found.unrecognised) == 1
    assert len(found.facts.permits) == 1


async def test_a_very_long_text_is_cut_and_a_flood_of_unknown_things_ends_with_a_note() -> None:
    flood = "".join(f"<nytt{n}>{'x' * 1000}</nytt{n}>" for n in range(300))
    found = await changed("MIV", "<hemland>", f"{flood}<hemland>")
    assert len(found.unrecognised) == 200
    assert max(len(odd.value) for odd in found.unrecognised) == 300
    assert found.unrecognised[-1].value == "fler okända uppgifter"
