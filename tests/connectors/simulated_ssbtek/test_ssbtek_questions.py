"""Questions to the simulated SSBTEK: accepted and refused as the official schema does, and with the contract's SOAP faults."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

RICH = "199001012385"


DAYS = "<q:tidsperiod><q:fromDatum>2026-11-01</q:fromDatum><q:tomDatum>2026-11-30</q:tomDatum></q:tidsperiod>"


def swap(old: str, new: str) -> Callable[[str], str]:
    """Change the question's text; the old text must be there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


ACCEPTED = {
    "as the contract shows it": swap("Exempelkommun", "Exempelkommun"),
    "nobody included": lambda text: text.replace('inkludera="true"', 'inkludera="false"'),
    "booleans as digits": swap('<q:SKV inkludera="true"/>', '<q:SKV inkludera=" 1 "/>'),
    "white space around a token": swap(">162120000000<", ">\n 162120000000 <"),
    "white space around a number": swap(f">{RICH}<", f"> {RICH} <"),
    "a coordination number": swap(f">{RICH}<", ">199001612384<"),
    "the default of fraganSkallInkluderasISvaret": swap(">false<", "><"),
    "no correlation id": swap("<q:korrelationsid>abc-1</q:korrelationsid>", ""),
    "an empty correlation id": swap("abc-1", ""),
    "a time of asking": swap("<q:korrelationsid>", "<q:frageTidpunkt>2026-11-30T08:00:00.5+01:00</q:frageTidpunkt><q:korrelationsid>"),
    "an empty purpose": swap(">Utredning<", "><"),
    "a date with a zone": swap(">2026-10-01<", ">2026-10-01+02:00<"),
    "an agency's own days": swap(
        '<q:SO inkludera="true"/>',
        f'<q:SO inkludera="true">{DAYS}</q:SO>',
    ),
    "FK without a question of its own": lambda text: text[: text.index("<q:fraga>")] + text[text.index("</q:fraga>") + len("</q:fraga>") :],
    "no LEFI version": swap("<q:version>v9</q:version>", ""),
    "an empty LEFI question": lambda text: (
        text[: text.index("<q:lefiJsonFraga>")] + "<q:lefiJsonFraga></q:lefiJsonFraga>" + text[text.index("</q:fraga>") :]
    ),
    "two who handle data for the asker": swap(
        "<q:syfte>",
        "<q:personuppgiftsbitrade><q:organisationsnummer>165560000000</q:organisationsnummer><q:namn>A</q:namn></q:personuppgiftsbitrade>"
        "<q:personuppgiftsbitrade><q:ordningsnummer>-2</q:ordningsnummer><q:organisationsnummer>165560000000</q:organisationsnummer>"
        "<q:namn>B</q:namn></q:personuppgiftsbitrade><q:syfte>",
    ),
    "a comment in a text": swap(">Utredning<", ">Utred<!-- nja -->ning<"),
    "a place for the schema": swap(
        "<q:hamtaBastjanstInformation>",
        '<q:hamtaBastjanstInformation xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a b.xsd">',
    ),
}
REFUSED = {
    "an agency left out": swap('<q:MIV inkludera="true"/>', ""),
    "agencies in another order": swap(
        '<q:AF inkludera="true"/><q:CSN inkludera="true"/>', '<q:CSN inkludera="true"/><q:AF inkludera="true"/>'
    ),
    "an agency twice": swap('<q:MIV inkludera="true"/>', '<q:MIV inkludera="true"/><q:MIV inkludera="true"/>'),
    "no inkludera": swap('<q:SKV inkludera="true"/>', "<q:SKV/>"),
    "inkludera in words": swap('<q:SKV inkludera="true"/>', '<q:SKV inkludera="ja"/>'),
    "another attribute": swap('<q:SKV inkludera="true"/>', '<q:SKV inkludera="true" version="1"/>'),
    "an organisation number of ten digits": swap(">162120000000<", ">2120000000<"),
    "an organisation number padded behind": swap(">162120000000<", ">212000000000<"),
    "a personnummer with a hyphen": swap(f">{RICH}<", ">19900101-2385<"),
    "a personnummer of ten digits": swap(f">{RICH}<", f">{RICH[2:]}<"),
    "no fraganSkallInkluderasISvaret": swap("<q:fraganSkallInkluderasISvaret>false</q:fraganSkallInkluderasISvaret>", ""),
    "fraganSkallInkluderasISvaret in words": swap(">false<", ">nej<"),
    "no handler": swap("<q:handlaggare>robot01</q:handlaggare>", ""),
    "an empty handler": swap(">robot01<", "><"),
    "an empty case": swap(">EB-26-1<", "><"),
    "no law": swap("<q:lagtext>SFS 2008:975</q:lagtext>", ""),
    "no days": swap("<q:tidsperiod><q:fromDatum>2026-10-01</q:fromDatum><q:tomDatum>2026-12-31</q:tomDatum></q:tidsperiod>", ""),
    "no last day": swap("<q:tomDatum>2026-12-31</q:tomDatum>", ""),
    "a day that does not exist": swap(">2026-10-01<", ">2026-02-30<"),
    "a day without hyphens": swap(">2026-10-01<", ">20261001<"),
    "a time of asking after the correlation id": swap(
        "</q:korrelationsid>", "</q:korrelationsid><q:frageTidpunkt>2026-11-30T08:00:00</q:frageTidpunkt>"
    ),
    "a time of asking that does not exist": swap(
        "<q:korrelationsid>", "<q:frageTidpunkt>2026-11-30T25:00:00</q:frageTidpunkt><q:korrelationsid>"
    ),
    "an element that nobody declared": swap("<q:syfte>", "<q:fritext>x</q:fritext><q:syfte>"),
    "an element of no namespace": swap("<q:syfte>Utredning</q:syfte>", "<syfte>Utredning</syfte>"),
    "a text among elements": swap("<q:specifikaFrageparametrar>", "<q:specifikaFrageparametrar>hej"),
    "an element in a text": swap(">Utredning<", "><q:namn>x</q:namn><"),
    "days for Skatteverket alone": swap(
        '<q:SKV inkludera="true"/>',
        f'<q:SKV inkludera="true">{DAYS}</q:SKV>',
    ),
    "no LEFI actor": swap("<q:aktorsid>9255f428</q:aktorsid>", ""),
    "a handler of data with a number too large": swap(
        "<q:syfte>",
        "<q:personuppgiftsbitrade><q:ordningsnummer>40000</q:ordningsnummer><q:organisationsnummer>165560000000</q:organisationsnummer>"
        "<q:namn>A</q:namn></q:personuppgiftsbitrade><q:syfte>",
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_what_the_schema_accepts_is_answered(ssbtek: Any, name: str) -> None:
    answer = await ssbtek.fetch(edit=ACCEPTED[name])

    assert answer.status == 200
    assert etree.QName(answer.response).localname == "hamtaBastjanstInformationResponse"


@pytest.mark.parametrize("name", REFUSED)
async def test_what_the_schema_refuses_is_a_soap_fault(ssbtek: Any, name: str) -> None:
    answer = await ssbtek.fetch(edit=REFUSED[name])

    assert (answer.status, answer.felkod) == (500, "SCHEMA")
    assert answer.response.findtext("faultcode") == "soap:Client"


@pytest.mark.parametrize(("name", "accepted"), [*((name, True) for name in ACCEPTED), *((name, False) for name in REFUSED)])
async def test_the_official_schema_says_the_same(ssbtek: Any, official: etree.XMLSchema, name: str, accepted: bool) -> None:
    texts: list[str] = []

    def keep(text: str) -> str:
        texts.append((ACCEPTED | REFUSED)[name](text))
        return texts[0]

    await ssbtek.fetch(edit=keep)

    assert official.validate(etree.fromstring(texts[0].encode())[-1][0]) is accepted, official.error_log


@pytest.mark.parametrize("stray", ["*", "åäö", "{}"])
async def test_base64_is_read_more_strictly_than_libxml_reads_it(ssbtek: Any, stray: str) -> None:
    answer = await ssbtek.fetch(edit=swap("<q:lefiJsonFraga>", "<q:lefiJsonFraga>" + stray))

    assert answer.felkod == "SCHEMA"


@pytest.mark.parametrize(
    ("edit", "felkod"),
    [
        (swap("</soapenv:Envelope>", ""), "XML"),
        (lambda _: "", "XML"),
        (swap("<soapenv:Envelope", '<!DOCTYPE x [<!ENTITY e "x">]><soapenv:Envelope'), "DOCTYPE"),
        (swap("<soapenv:Envelope", '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><soapenv:Envelope'), "DOCTYPE"),
        (lambda text: text.replace("/soap/envelope/", "/soap-envelope/"), "SOAP"),
        (lambda text: text.replace("hamtaBastjanstInformation", "hamtaAllt"), "OPERATION"),
        (lambda text: text.replace("ssbt/10", "ssbt/9"), "OPERATION"),
        (swap(">2026-10-01<", ">2027-10-01<"), "PERIOD"),
    ],
)
async def test_what_is_no_question_at_all_is_a_soap_fault(ssbtek: Any, edit: Callable[[str], str], felkod: str) -> None:
    answer = await ssbtek.fetch(edit=edit)

    assert (answer.status, answer.felkod) == (500, felkod)


async def test_soap_faults_follow_the_official_schema(ssbtek: Any, official: etree.XMLSchema) -> None:
    answer = await ssbtek.fetch(edit=REFUSED["no law"])

    assert official.validate(answer.response.find("detail")[0]), official.error_log


async def test_other_content_types_and_endless_questions_are_turned_away(ssbtek: Any) -> None:
    assert (await ssbtek.send("{}", headers={"content-type": "application/json"})).status == 415
    assert (await ssbtek.send(b" " * 300_000)).status == 413


def lefi(**changes: Any) -> dict[str, Any]:
    """A LEFI question for payments of one benefit, changed."""
    asked = {"personnummer": RICH, "period": {"from": "2026-10-01", "tom": "2026-12-31"}, "utbetalningar": ["FK:BOB"]} | changes
    return {name: value for name, value in asked.items() if value is not None}


@pytest.mark.parametrize(
    ("asked", "felkod"),
    [
        (lefi(utbetalningar=[]), "400"),
        (lefi(utbetalningar=["FK:XYZ"]), "400"),
        (lefi(utbetalningar=["FK:BOB", "FK:BOB"]), "400"),
        (lefi(utbetalningar="FK:BOB"), "400"),
        (lefi(formansinformation=["PM:AP"]), "400"),
        (lefi(beslut=["FK:BOB"]), "400"),
        (lefi(ovrigInformation=["FK:BOB"]), "400"),
        (lefi(personnummer=None), "400"),
        (lefi(personnummer="19900101-2385"), "400"),
        (lefi(personnummer="198505052387"), "400"),
        (lefi(period=None), "400"),
        (lefi(period={"from": "2026-10-01"}), "400"),
        (lefi(period={"fran": "2026-10-01", "till": "2026-12-31"}), "400"),
        (lefi(period={"from": "20261001", "tom": "2026-12-31"}), "400"),
        (lefi(period={"from": "2026-12-31", "tom": "2026-10-01"}), "400"),
        (lefi(period={"from": "2024-11-30", "tom": "2026-12-01"}), "400"),
        (lefi(period={"from": "2024-11-30", "tom": "2026-11-30"}), None),
        (lefi(personnummer=RICH[2:]), None),
        (lefi(ovrigInformation=["FK:GEPI"], utbetalningar=None), None),
        (["not", "an", "object"], "400"),
    ],
)
async def test_a_lefi_question_that_breaks_its_contract_is_fks_error_and_nobody_elses(ssbtek: Any, asked: Any, felkod: str | None) -> None:
    inner = base64.b64encode(json.dumps(asked).encode()).decode()
    answer = await ssbtek.fetch(
        edit=lambda text: text[: text.index("<q:lefiJsonFraga>") + 17] + inner + text[text.index("</q:lefiJsonFraga>") :]
    )

    assert answer.error("FK") == (("BT", felkod) if felkod else None)
    assert answer.text("TNS", "resultat") == "OK"


@pytest.mark.parametrize(
    ("edit", "felkod"),
    [
        (swap("<q:version>v9<", "<q:version>v8<"), "400"),
        (swap(">9255f428<", "> <"), "403"),
        (ACCEPTED["FK without a question of its own"], "400"),
        (ACCEPTED["an empty LEFI question"], "400"),
        (ACCEPTED["no LEFI version"], None),
    ],
)
async def test_version_actor_and_question_of_fk_are_checked(ssbtek: Any, edit: Callable[[str], str], felkod: str | None) -> None:
    answer = await ssbtek.fetch(edit=edit)

    assert answer.error("FK") == (("BT", felkod) if felkod else None)


async def test_only_who_was_asked_answers(ssbtek: Any) -> None:
    answer = await ssbtek.fetch(
        edit=lambda text: text.replace('inkludera="true"', 'inkludera="false"').replace('SO inkludera="false"', 'SO inkludera="true"')
    )

    assert [etree.QName(child).localname for child in answer.response.find("{*}svarsdata")] == ["SO"]


async def test_the_question_comes_back_when_it_is_wanted_and_only_then(ssbtek: Any) -> None:
    wanted = await ssbtek.fetch(edit=swap(">false<", ">true<"))
    unwanted = await ssbtek.fetch()

    assert wanted.response.findtext("{*}fraga/{*}generellaFrageparametrar/{*}personidentitet") == RICH
    assert wanted.response.findtext("{*}korrelationsid") == "abc-1"
    assert unwanted.response.find("{*}fraga") is None


async def test_the_test_operation_says_that_all_seven_are_there(ssbtek: Any, official: etree.XMLSchema) -> None:
    answer = await ssbtek.send(
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<testaBastjanstInformation xmlns="http://schema.forsakringskassan.se/integration/ssbt/10"/></s:Body></s:Envelope>'
    )

    assert [child.findtext("{*}anropad") for child in answer.response] == ["true"] * 7
    assert official.validate(answer.response), official.error_log


async def test_nothing_that_was_asked_or_held_stands_in_the_log_or_the_statistics(ssbtek: Any) -> None:
    await ssbtek.fetch("191212121212")
    await ssbtek.fetch(edit=REFUSED["no law"])
    await ssbtek.fetch(lefi={"utbetalningar": ["FK:HEMLIG"]})

    shown = (await ssbtek.http.get("/admin/log")).text + (await ssbtek.http.get("/admin/stats")).text
    whats = [entry["what"] for entry in (await ssbtek.http.get("/admin/log")).json()]
    assert whats == ["ssbtek.unknown_person", "ssbtek.refused", "lefi.refused"]
    assert '"POST /ssbtek":3' in shown
    assert not any(word in shown for word in (RICH, RICH[2:], "191212121212", "EB-26-1", "HEMLIG", "Utredning", "Tester"))
