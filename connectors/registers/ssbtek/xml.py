"""XML from outside: parsed without entities, DTD or network, and read by local names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from lxml import etree

Element = etree._Element
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, recover=False
)


class Unreadable(Exception):
    """A part of an answer cannot be read. `code` stands in docs/errors.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(content: bytes, code: str) -> Element:
    """Return the root. Raises Unreadable for anything that is not well-formed XML without a DOCTYPE, within libxml2's own limits."""
    try:
        root = etree.fromstring(content, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable(code) from None
    # Entities are never expanded, which would silently lose the text they stand for: no document may declare any.
    about: Any = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        raise Unreadable(code)
    return root


def name(element: Element) -> str:
    """Return the local name."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element) -> Iterator[Element]:
    """Yield the child elements."""
    return (child for child in element if isinstance(child.tag, str))


def named(element: Element, wanted: str) -> list[Element]:
    """Return the children with that local name."""
    return list(element.iterchildren(f"{{*}}{wanted}"))


def only(element: Element, wanted: str, code: str) -> Element | None:
    """Return the one child with that name, None when there is none. Raises Unreadable when there are several."""
    found = named(element, wanted)
    if len(found) > 1:
        raise Unreadable(code)
    return found[0] if found else None


def text(element: Element | None) -> str | None:
    """Return a leaf's text without outer white space; None when it is missing, nil, empty, or no leaf."""
    if element is None or element.get(_NIL) in {"true", "1"}:
        return None
    if not len(element):
        return (element.text or "").strip() or None
    if next(children(element), None) is not None:
        return None
    return "".join(map(str, element.itertext())).strip() or None


def leaf(element: Element, wanted: str) -> str | None:
    """Return the text of the child with that name; None when it is missing or there are several."""
    found = named(element, wanted)
    return text(found[0]) if len(found) == 1 else None


def all_text(element: Element) -> str:
    """Return every text in an element, for showing what was not recognised."""
    return " ".join(" ".join(map(str, element.itertext())).split())


def attribute(element: Element, wanted: str) -> str | None:
    """Return an attribute by local name, white space and all."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == wanted), None)


def from_base64(written: str | None, code: str) -> bytes:
    """Return the bytes. Raises Unreadable when it is missing or has any character that is not base64."""
    if not written:
        raise Unreadable(code)
    try:
        return base64.b64decode("".join(written.split()).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(code) from None
