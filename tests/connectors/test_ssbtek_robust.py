"""Damaged answers: never a crash, and never a payment that turns into silence."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.registers.ssbtek.answers import read_answers
from connectors.registers.ssbtek.values import amount, day
from rules.facts import SOURCES, RegisterAnswer
from rules.money import kronor
from tests.connectors.ssbtek_answers import (
    NOW,
    PERSON,
    ask,
    csn,
    envelope,
    everything,
    fixture,
    lefi,
    query,
    settings,
)
from tests.connectors.transport_server import raw

SETTINGS = settings("http://registers.example")
GOOD = envelope(everything())
PAYING = {"FK": 2, "PM": 1, "SO": 1, "CSN": 2}
bounded = hypothesis_settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def read(content: bytes) -> dict[str, RegisterAnswer]:
    """Return the answers by source; a coded error of the service is no answer at all."""
    try:
        answers = read_answers(content, query(), SETTINGS, correlation="id-1", fetched_at=NOW, neighbour="ssbtek")
    except ConnectorError as error:
        if PERSON in str(error):
            pytest.fail("an error tells whom it is about")
        return {}
    assert [answer.source for answer in answers] == list(SOURCES)
    return {answer.source: answer for answer in answers}


def assert_no_payment_is_silent(answers: dict[str, RegisterAnswer]) -> None:
    """Every payment of the whole answer still stands, or its source says that something is wrong."""
    for source, count in PAYING.items():
        if answers:
            found = answers[source]
            told = found.status == "unavailable" or found.unrecognised or found.deviations
            assert told or len(found.payments) >= count, source


def damaged(content: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """Return the content with pieces replaced: where (0-1), how many bytes, by what."""
    changed = bytearray(content)
    for where, length, piece in cuts:
        start = int(where * len(changed))
        changed[start : start + length] = piece
    return bytes(changed)


CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=4)


@bounded
@given(CUTS)
def test_damaged_bytes_of_the_whole_answer_never_crash_and_never_silence_a_payment(cuts: list[tuple[float, int, bytes]]) -> None:
    assert_no_payment_is_silent(read(damaged(GOOD, cuts)))


@bounded
@given(CUTS)
def test_damaged_bytes_of_the_lefi_document_never_crash_and_never_silence_a_payment(cuts: list[tuple[float, int, bytes]]) -> None:
    document = json.dumps(json.loads(fixture("lefi.json")), ensure_ascii=False).encode()
    assert_no_payment_is_silent(read(envelope(everything() | {"FK": lefi(damaged(document, cuts))})))


@bounded
@given(CUTS)
def test_damaged_bytes_of_the_csn_document_never_crash_and_never_silence_a_payment(cuts: list[tuple[float, int, bytes]]) -> None:
    assert_no_payment_is_silent(read(envelope(everything() | {"CSN": csn(damaged(fixture("csn.xml").encode(), cuts))})))


@bounded
@given(st.binary(max_size=300))
@example(b"")
def test_any_bytes_at_all_leave_every_source_unchecked(content: bytes) -> None:
    assert {answer.status for answer in read(content).values()} <= {"unavailable"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place in a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, found in inner for place in places(found, (*path, key)))]


PLACES = places(json.loads(fixture("lefi.json")))[1:]


@bounded
@given(st.sampled_from(PLACES), JSON)
def test_anything_in_any_place_of_the_lefi_document_never_crashes(place: tuple[Any, ...], value: Any) -> None:
    document = json.loads(fixture("lefi.json"))
    target = document
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    for answer in read(envelope(everything() | {"FK": lefi(json.dumps(document))})).values():
        answer.model_dump_json()


@pytest.mark.parametrize("place", [place for place in PLACES if isinstance(place[-1], str)], ids=lambda place: ".".join(map(str, place)))
def test_any_key_of_the_lefi_document_that_gets_another_name_never_silences_a_payment(place: tuple[Any, ...]) -> None:
    after = read(renamed(place))
    assert_no_payment_is_silent(after)
    if place[-1] in PAYMENT_KEYS and place[-3:-2] != ("utbetalningsdetalj",):
        assert any(place[-1] in odd.path for answer in after.values() for odd in answer.unrecognised)


PAYMENT_KEYS = {"datum", "nettobelopp", "avdrag", "utbetalningsdatum", "utbetalningsuppgift", "utbetalningar", "formansinformation"}


def renamed(place: tuple[Any, ...]) -> bytes:
    """Return the whole answer with one key of the LEFI document under another name."""
    document = json.loads(fixture("lefi.json"))
    target = document
    for key in place[:-1]:
        target = target[key]
    target[f"{place[-1]}X"] = target.pop(place[-1])
    return envelope(everything() | {"FK": lefi(json.dumps(document))})


@pytest.mark.parametrize("agency", ["so.xml", "csn.xml"])
def test_any_element_that_gets_another_name_never_silences_a_payment(agency: str) -> None:
    text = fixture(agency)
    for name in sorted(set(re.findall(r"</([\w:]+)>", text))):
        changed = re.sub(rf"(</?){name}\b", rf"\1{name}X", text)
        inside = csn(changed) if agency == "csn.xml" else changed.replace("<data", "<ssbt:data", 1).replace("</data>", "</ssbt:data>")
        assert_no_payment_is_silent(read(envelope(everything() | {"CSN" if agency == "csn.xml" else "SO": inside})))


def test_elements_that_swap_places_or_stand_twice_never_silence_a_payment() -> None:
    chosen = random.Random(7)
    text = GOOD.decode()
    pieces = re.findall(r"<[^<>]+>[^<>]*", text)
    for _ in range(300):
        changed = list(pieces)
        one, other = chosen.randrange(len(changed)), chosen.randrange(len(changed))
        if chosen.random() < 0.5:
            changed[one], changed[other] = changed[other], changed[one]
        else:
            changed.insert(one, changed[other])
        assert_no_payment_is_silent(read("".join(changed).encode()))


@bounded
@given(st.text(max_size=30) | st.integers() | st.floats() | st.none() | st.booleans())
@example("9" * 5000)
@example("1E+999999999")
@example("١٢٣")
@example("0x10")
def test_an_amount_is_read_exactly_or_not_at_all(written: object) -> None:
    found = amount(written)
    if found is not None:
        assert re.fullmatch(r"[+-]?\d+(\.\d+)?", str(written).strip(), re.ASCII)
        assert float(kronor(found)) == float(str(written))


@bounded
@given(st.text(max_size=30))
@example("0000-01-01")
@example("９９９９-01-01")
def test_a_day_is_read_as_it_is_written_or_not_at_all(written: str) -> None:
    found = day(written)
    assert found is None or written.strip().startswith(found.isoformat())


@pytest.mark.parametrize(
    "document",
    [
        '{"utlamnare": "\\ud800", "x\\ud800": "\\ud800"}',
        '{"utlamnare": [{"utlamnare": {"kod": "FK"}, "tillstand": {"kod": "OK"}}], "formansinformation": {"y\\u0000\\ud800": "\\ud800"}}',
    ],
)
def test_half_characters_are_kept_out_of_facts(document: str) -> None:
    for answer in read(envelope(everything() | {"FK": lefi(document)})).values():
        assert RegisterAnswer.model_validate_json(answer.model_dump_json()) == answer


def test_more_payments_than_anybody_has_leave_the_source_unchecked() -> None:
    document = json.loads(fixture("lefi.json"))
    document["formansinformation"]["utbetalningsuppgift"] *= 2001
    found = read(envelope(everything() | {"FK": lefi(json.dumps(document))}))["FK"]
    assert found.status == "unavailable"
    assert found.error is not None
    assert found.error.code == "SSB-007"


@pytest.mark.parametrize("depth", [300, 100_000])
def test_a_very_deep_answer_leaves_every_source_unchecked(depth: int) -> None:
    deep = GOOD.replace(b"<ssbt:svarsdata>", b"<ssbt:svarsdata>" + b"<a>" * depth + b"</a>" * depth)
    answers = read(deep)
    assert all(answer.status == "unavailable" or answer.unrecognised for answer in answers.values())


def test_a_billion_laughs_are_refused() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><soap:Envelope'.encode()
    content = GOOD.replace(b"<soap:Envelope", bomb, 1).replace(b"VOLVO", b"&l9;")
    assert {answer.status for answer in read(content).values()} == {"unavailable"}


def test_base64_with_a_stray_character_is_not_repaired() -> None:
    inside = base64.b64encode(fixture("lefi.json").encode()).decode()
    for damaged_text in (f"*{inside}", inside[:-3] + "!!!", inside + "=", inside[:-1]):
        content = envelope(everything() | {"FK": f"<ssbt:data><ssbt:lefiJsonSvar>{damaged_text}</ssbt:lefiJsonSvar></ssbt:data>"})
        assert read(content)["FK"].status == "unavailable"
    wrapped = "\n".join(re.findall(".{1,76}", inside))
    content = envelope(everything() | {"FK": f"<ssbt:data><ssbt:lefiJsonSvar>{wrapped}</ssbt:lefiJsonSvar></ssbt:data>"})
    assert len(read(content)["FK"].payments) == 2


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: %d\r\n\r\n" % len(GOOD)


@pytest.mark.parametrize("seed", range(40))
async def test_damaged_http_is_a_coded_error_or_answers_that_tell(seed: int) -> None:
    chosen = random.Random(seed)
    cuts = [(chosen.random() * len(HEAD) / len(HEAD + GOOD), chosen.randrange(4), chosen.randbytes(chosen.randrange(4)))]
    try:
        _, answers = await ask(raw(damaged(HEAD + GOOD, cuts)))
    except ConnectorError as error:
        if PERSON in str(error):
            pytest.fail("an error tells whom it is about")
    else:
        assert_no_payment_is_silent({answer.source: answer for answer in answers})
