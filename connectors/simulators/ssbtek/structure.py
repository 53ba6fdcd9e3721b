"""A small structural check of XML against a declared shape: order, number, attributes and simple types of elements.

It knows as much of XML Schema as the questions to SSBTEK use, so that they are refused for the same reasons with no schema file at hand.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from lxml import etree

from connectors.simulators.ssbtek.names import XSI

_ZONE = r"(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})" + _ZONE, re.ASCII)
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?" + _ZONE, re.ASCII)
_ORGANISATION = re.compile(r"\d{4}[2-9]\d{7}")
_PERSON = re.compile(r"[0-9]{12}")
_XML_SPACE = re.compile(r"[ \t\r\n]+")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_IGNORED_ATTRIBUTES = frozenset({f"{{{XSI}}}schemaLocation", f"{{{XSI}}}noNamespaceSchemaLocation"})


class NotAsDeclared(ValueError):
    """The XML is not of the declared shape; the message names the element, never its content."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its name, its simple type or its children in order, how often it stands, and its required attributes."""

    name: str
    of: Callable[[str], bool] | tuple[Element, ...]
    least: int = 1
    most: int | None = 1
    attributes: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    default: str | None = None


def check(node: etree._Element, shape: Element, namespace: str) -> None:
    """Compare `node` (parsed without comments) with its declared shape. Raises NotAsDeclared."""
    if node.tag != f"{{{namespace}}}{shape.name}":
        raise NotAsDeclared(f"expected {shape.name}")
    _check_attributes(node, shape)
    if isinstance(shape.of, tuple):
        if any(text.strip() for text in _texts(node)):
            raise NotAsDeclared(f"{shape.name} holds text")
        _check_children(list(node), shape, shape.of, namespace)
    elif len(node):
        raise NotAsDeclared(f"{shape.name} holds elements")
    elif not shape.of("".join(_texts(node)) or (shape.default or "")):
        raise NotAsDeclared(f"{shape.name} is not of its type")


def _texts(node: etree._Element) -> list[str]:
    """Return the node's own text, before and between its children."""
    return [str(node.text or ""), *(str(child.tail or "") for child in node)]


def _check_attributes(node: etree._Element, shape: Element) -> None:
    given = {str(name): str(value) for name, value in node.attrib.items() if name not in _IGNORED_ATTRIBUTES}
    for name, is_valid in shape.attributes.items():
        if name not in given:
            raise NotAsDeclared(f"{shape.name} lacks @{name}")
        if not is_valid(given.pop(name)):
            raise NotAsDeclared(f"{shape.name}/@{name} is not of its type")
    if given:
        raise NotAsDeclared(f"{shape.name} has an attribute that is not declared")


def _check_children(children: list[etree._Element], parent: Element, declared: tuple[Element, ...], namespace: str) -> None:
    rest = iter(children)
    current = next(rest, None)
    for shape in declared:
        count = 0
        while current is not None and current.tag == f"{{{namespace}}}{shape.name}" and (shape.most is None or count < shape.most):
            check(current, shape, namespace)
            count += 1
            current = next(rest, None)
        if count < shape.least:
            raise NotAsDeclared(f"{parent.name} lacks {shape.name}, or it stands in the wrong place")
    if current is not None:
        raise NotAsDeclared(f"{parent.name} holds an element that is not declared, or one too many, or in the wrong order")


def collapsed(text: str) -> str:
    """Return the text with white space as XML Schema collapses it."""
    return " ".join(_XML_SPACE.split(text)).strip(" ")


def any_string(_: str) -> bool:
    """xsd:string."""
    return True


def non_empty(text: str) -> bool:
    """NonEmptyString: at least one character, a blank included."""
    return text != ""


def organisation_number(text: str) -> bool:
    """Twelve digits, the fifth 2-9."""
    return _ORGANISATION.fullmatch(collapsed(text)) is not None


def person_identity(text: str) -> bool:
    """Twelve digits."""
    return _PERSON.fullmatch(collapsed(text)) is not None


def boolean(text: str) -> bool:
    """true, false, 1 or 0."""
    return collapsed(text) in _BOOLEANS


def short(text: str) -> bool:
    """A whole number of 16 bits."""
    return re.fullmatch(r"[+-]?[0-9]+", collapsed(text)) is not None and -32768 <= int(collapsed(text)) <= 32767


def day(text: str) -> bool:
    """A date that exists, with or without a zone."""
    try:
        read_day(text)
    except ValueError:
        return False
    return True


def moment(text: str) -> bool:
    """A date and time that exist, with or without a zone."""
    match = _DATE_TIME.fullmatch(collapsed(text))
    try:
        return match is not None and isinstance(datetime.combine(date.fromisoformat(match[1]), time.fromisoformat(match[2])), datetime)
    except ValueError:
        return False


def base64_binary(text: str) -> bool:
    """Base64, with nothing but white space beside it."""
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def read_boolean(text: str) -> bool:
    """Return the truth of a text that `boolean` accepts."""
    return _BOOLEANS[collapsed(text)]


def read_day(text: str) -> date:
    """Return the day of an xsd:date, its zone left out. Raises ValueError."""
    match = _DATE.fullmatch(collapsed(text))
    if match is None:
        raise ValueError("not a date")
    return date.fromisoformat(match[1])
