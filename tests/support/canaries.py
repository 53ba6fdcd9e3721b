"""Made-up identity numbers, names, addresses and tokens that must never be seen where no personal data may stand."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import cycle
from typing import Any

from connectors.simulators.population.identity import written
from connectors.simulators.world import AKassaRecord, ApplicationRecord, PaymentRecord, PersonRecord, RegisterRecord, World

EACH = 250
"""So many of each of the four kinds: a thousand in all."""
MARK = b"kanarie"
"""Begins every name, address and token. It is ASCII, so that it looks the same in UTF-8, Latin-1, URLs and JSON."""
_TEN_DIGITS = re.compile(rb"\d{6}[-+]?\d{4,}")
_EVERY = 3
"""Every third payment gets a benefit that nobody knows: the others let the case go on as usual."""
_WORDS = frozenset(
    {
        "activity",
        "employerAndPlace",
        "firstName",
        "jobTitle",
        "lastName",
        "recipientOrPeriod",
        "schoolName",
        "name",
        "reason",
        "decisionMaker",
    }
    | {"organization", "norm"}
)
"""Keys whose texts a person has written."""
TEXT_KEYS = (
    "livelihoodDescription",
    "housingDescription",
    "housingChangeDescription",
    "childrenResidenceChangeDescription",
    "stayDescription",
    "otherBenefitDescription",
)
URGENT = "Vi har ingen mat och blir vräkta idag"
"""Words of the urgent list."""


def _ends_of_base64(text: bytes) -> tuple[bytes, ...]:
    """Return how a text shows in base64, wherever in a group of three it begins."""
    return tuple(base64.b64encode(b"\0" * shift + text)[4 * bool(shift) : -4] for shift in range(3))


_HIDDEN = (*_ends_of_base64(b"Kanarie-"), *_ends_of_base64(b"kanarie-"), MARK.hex().encode(), b"Kanarie".hex().encode())


@dataclass
class Canaries:
    """A thousand of them, handed out in turn."""

    numbers: tuple[str, ...]
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    tokens: tuple[str, ...]
    _next: Iterator[str] = field(init=False, repr=False)
    _names: Iterator[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        told = zip(self.names, self.numbers, self.addresses, self.tokens, strict=True)
        shapes = cycle(("{0}-{1}", "{0}{1}", "{2}{1}", "{0}+{1}", "{2}-{1}"))
        texts = [
            f"{name} {shape.format(number[:8], number[8:], number[2:8])} {address} {token}"
            for (name, number, address, token), shape in zip(told, shapes, strict=False)
        ]
        self._next, self._names = cycle(texts), cycle(self.names)

    @classmethod
    def made(cls, seed: int = 1) -> Canaries:
        """Return a thousand made-up ones; the identity numbers have right check digits, and birth numbers from the range for test."""
        rng = random.Random(seed)
        numbers = sorted(
            {written(date(1950, 1, 1) + timedelta(days=rng.randrange(20_000)), rng.randrange(980, 1000)) for _ in range(EACH * 2)}
        )
        rng.shuffle(numbers)
        return cls(
            tuple(numbers[:EACH]),
            tuple(f"Kanarie-{number:04d} Fågelsson" for number in range(EACH)),
            tuple(f"Kanarie-gatan {number:04d} lgh 1102, Fågelby" for number in range(EACH)),
            tuple(f"kanarie-token-{rng.getrandbits(96):024x}" for _ in range(EACH)),
        )

    def text(self) -> str:
        """Return one of each kind in one text."""
        return next(self._next)

    def name(self) -> str:
        """Return a name alone."""
        return next(self._names)

    def all(self) -> list[str]:
        """Return all thousand."""
        return [*self.numbers, *self.names, *self.addresses, *self.tokens]


class Search:
    """Finds any of them in bytes: in any coding, with or without century and hyphen."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self._numbers = {number[2:].encode() for number in numbers}

    def found(self, data: bytes) -> list[bytes]:
        """Return what was found and a little around it."""
        plain = data.replace(b"\0", b"") if b"\0" in data else data
        spots = [match.start() for match in re.finditer(re.escape(MARK), plain, re.IGNORECASE)]
        for hidden in _HIDDEN:
            spots += [match.start() for match in re.finditer(re.escape(hidden), plain)]
        for match in _TEN_DIGITS.finditer(plain):
            digits = match[0].translate(None, b"-+")
            if any(digits[at : at + 10] in self._numbers for at in range(len(digits) - 9)):
                spots.append(match.start())
        return [plain[max(0, spot - 60) : spot + 60] for spot in spots]


def stuffed(world: World, canaries: Canaries) -> World:
    """Return the world with canaries wherever somebody may write what they like. Identity numbers stay: they are canaries themselves."""
    return replace(world, applications=tuple(_application(one, number, canaries) for number, one in enumerate(world.applications)))


def _application(record: ApplicationRecord, number: int, canaries: Canaries) -> ApplicationRecord:
    data = _written(record.data, canaries)
    if number % 4 == 1:
        data[TEXT_KEYS[number % len(TEXT_KEYS)]] = canaries.text()
    if number % 8 == 2:
        data |= {key: canaries.text() for key in TEXT_KEYS} | {"livelihoodDescription": f"{URGENT} {canaries.text()}"}
    if number % 8 == 3:
        data |= {"housingForm": canaries.text(), canaries.name(): canaries.text(), "maritalStatus": canaries.text()}
    if number % 16 == 7:
        data |= {"periodMonth": canaries.text(), "persons": [canaries.text()]}
    path = {"id": f"../../{canaries.text()}", "fileName": f"../../../../tmp/{canaries.name()}\r\n.pdf", "documentType": canaries.name()}
    return replace(
        record,
        data=data,
        people=tuple(_person(person, canaries) for person in record.people),
        calculations=tuple(_written(one, canaries) for one in record.calculations),
        decisions=tuple(_written(one, canaries) for one in record.decisions),
        attachments=(*record.attachments, path) if number % 5 == 0 else record.attachments,
    )


def _written(value: Any, canaries: Canaries, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _written(inner, canaries, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_written(inner, canaries, key) for inner in value]
    return canaries.text() if isinstance(value, str) and key in _WORDS else value


def _person(person: PersonRecord, canaries: Canaries) -> PersonRecord:
    held = person.registers
    registers: RegisterRecord = replace(
        held,
        fk=_payments(held.fk, canaries),
        pm=_payments(held.pm, canaries),
        csn=_payments(held.csn, canaries),
        a_kassor=tuple(_a_kassa(one, canaries) for one in held.a_kassor),
        af=replace(held.af, a_kassa=canaries.text()) if held.af and held.af.a_kassa else held.af,
        vehicles=tuple(canaries.text() for _ in held.vehicles),
        permits=tuple({name: canaries.text() for name in one} for one in held.permits),
    )
    return replace(person, first_name=canaries.name(), last_name=canaries.name(), registers=registers)


def _payments(payments: tuple[PaymentRecord, ...], canaries: Canaries) -> tuple[PaymentRecord, ...]:
    changed = [
        replace(one, benefit=canaries.text(), raw_amount=canaries.text() if at % 9 == 0 else one.raw_amount) if at % _EVERY == 2 else one
        for at, one in enumerate(payments)
    ]
    return tuple(changed)


def _a_kassa(record: AKassaRecord, canaries: Canaries) -> AKassaRecord:
    return replace(record, organisation=canaries.text(), payments=_payments(record.payments, canaries))
