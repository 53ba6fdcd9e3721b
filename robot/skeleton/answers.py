"""What `bistandsrobot init` asks, and which answers are possible."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workqueue import PostgresAddress

_LONGEST = 200
_CODE = re.compile(r"\d{4}", re.ASCII)
_NAMESPACE = re.compile(r"[\w\-]{1,64}")
_ORGANISATION = re.compile(r"16\d{10}", re.ASCII)
_SHORT_ORGANISATION = re.compile(r"\d{6}-?\d{4}", re.ASCII)
_NOT_A_PERSON = 2
"""The third digit of an organisation number is at least this; a lower one makes an identity number of a person."""


class Refused(ValueError):
    """An answer that cannot be; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question: where in config.yaml its answer goes, and `read`, which returns the answer as it is written there."""

    name: str
    asks: str
    places: tuple[tuple[str, ...], ...]
    read: Callable[[str], str]


def name(text: str) -> str:
    """Return a name for people. Raises Refused when it is empty, too long, or has characters that cannot be printed."""
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise Refused(f"1 to {_LONGEST} characters that can be printed")
    return text


def municipality_code(text: str) -> str:
    """Return a municipality's code. Raises Refused unless it is four digits."""
    if not _CODE.fullmatch(text.strip()):
        raise Refused("four digits, as SCB has them: 2281")
    return text.strip()


def namespace(text: str) -> str:
    """Return a namespace of CareManagement. Raises Refused when it cannot be one."""
    if not _NAMESPACE.fullmatch(text.strip()):
        raise Refused("letters, digits, _ and -, at most 64")
    return text.strip()


def organisation_number(text: str) -> str:
    """Return an organisation number as twelve digits, 16 first. Raises Refused when the check digit is wrong or it is a person's."""
    text = text.strip()
    if _SHORT_ORGANISATION.fullmatch(text):
        text = "16" + text.replace("-", "")
    if not _ORGANISATION.fullmatch(text) or int(text[4]) < _NOT_A_PERSON:
        raise Refused("twelve digits, 16 and the organisation number")
    if not _check_digit_is_right(text[2:]):
        raise Refused("the last digit, the check digit, is not right: one of the others is mistyped")
    return text


def address(text: str) -> str:
    """Return a neighbour's address. Raises Refused unless it is http or https, without user, ? and #."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Refused("https://host/path") from None
    odd = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or odd or not text.isprintable() or " " in text:
        raise Refused("https://host/path, without user, ? and #")
    return text.rstrip("/")


def database(text: str) -> str:
    """Return a database's place: a file, or a PostgreSQL server's. Raises Refused when it is neither."""
    text = text.strip()
    if text.startswith("postgresql:"):
        try:
            PostgresAddress.parse(text)
        except ValueError as error:
            raise Refused(str(error)) from None
    elif not text or "://" in text or not text.isprintable():
        raise Refused("a file, or postgresql://user@host:port/database?sslmode=verify-full&sslrootcert=FILE")
    else:
        text = str(Path(text))
    return text


def _check_digit_is_right(ten: str) -> bool:
    """Say whether the tenth digit fits the nine before it (Luhn)."""
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(ten)]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


QUESTIONS = (
    Question("name", "The municipality's name", (("municipality", "name"), ("registers", "ssbtek", "organisation_name")), name),
    Question(
        "code",
        "Its code at SCB, four digits",
        (("case_system", "municipality_id"), ("registers", "ssbtek", "municipality")),
        municipality_code,
    ),
    Question("namespace", "Namespace in CareManagement", (("case_system", "namespace"),), namespace),
    Question(
        "organisation-number",
        "Organisation number, twelve digits with 16 first",
        (("registers", "ssbtek", "organisation_number"),),
        organisation_number,
    ),
    Question("case-system-url", "Address of CareManagement, up to the municipality's code", (("case_system", "base_url"),), address),
    Question("party-url", "Address of Party, up to the municipality's code", (("case_system", "party_url"),), address),
    Question("ssbtek-url", "Address of SSBTEK", (("registers", "ssbtek", "url"),), address),
    Question("actor-id", "The municipality's id at Försäkringskassan (aktörsid)", (("registers", "ssbtek", "actor_id"),), name),
)
"""Asked in this order. A question without an answer stays open in the file."""
