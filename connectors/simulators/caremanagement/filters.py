"""The part of spring-filter that clients use to find errands.

    status:'RECEIVED' and typeSlug in ['a','b'] and created>'2026-11-30T07:50:00Z'

Operators `:` `!` `>` `>:` `<` `<:` `~` (with `*`), `in`, `not in`, `is null`, `is not null`, with `and`, `or`, `not` and parentheses.
As in SQL, a comparison with a value that is missing is never true.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.wire import moment

MAX_LENGTH = 4_000
MAX_DEPTH = 20

TEXTS = {
    "id": "id",
    "municipalityId": "municipality_id",
    "namespace": "namespace",
    "errandNumber": "number",
    "typeSlug": "type_slug",
    "title": "title",
    "status": "status",
    "priority": "priority",
    "reporterUserId": "reporter_user_id",
    "assignedUserId": "assigned_user_id",
    "applicantName": "applicant_name",
}
MOMENTS = {"created": "created", "modified": "modified", "touched": "touched"}
PROPERTIES = TEXTS | MOMENTS
"""The properties of an errand that can be filtered and sorted on: the contract's name and ours."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign>>:|<:|[:!<>~])|(?P<mark>[()\[\],])|(?P<word>[A-Za-z_]\w*)|(?P<end>\Z))", re.DOTALL
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "!": operator.ne,
    ">": operator.gt,
    ">:": operator.ge,
    "<": operator.lt,
    "<:": operator.le,
}
_RESERVED = frozenset({"and", "or", "not", "in", "is", "null"})

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on an errand. `statuses` = the only statuses that can fulfil it, None when it could be any."""

    test: Test
    statuses: frozenset[str] | None = None


EVERYTHING = Filter(lambda _errand: True)


@lru_cache(maxsize=256)
def parse(text: str) -> Filter:
    """Return the condition. Raises Refused (400) for anything not understood; the message never repeats the expression."""
    if not text.strip():
        return EVERYTHING
    if len(text) > MAX_LENGTH:
        raise bad_request(f"The filter is longer than {MAX_LENGTH} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Filter:
        found = self._either()
        if self._kind() != "end":
            raise self._unreadable()
        return found

    def _either(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise bad_request(f"The filter is nested deeper than {MAX_DEPTH}")
        left = self._both()
        while self._word("or"):
            left = _either(left, self._both())
        self._depth -= 1
        return left

    def _both(self) -> Filter:
        left = self._single()
        while self._word("and"):
            left = _both(left, self._single())
        return left

    def _single(self) -> Filter:
        negated = False
        while self._word("not"):
            negated = not negated
        if self._mark("("):
            found = self._either()
            self._expect(")")
        else:
            found = self._comparison()
        return _negated(found) if negated else found

    def _comparison(self) -> Filter:
        name = self._take("word")
        if name not in PROPERTIES:
            raise bad_request(f"Could not resolve a property of the filter: use {', '.join(PROPERTIES)}")
        attribute = PROPERTIES[name]
        if self._word("is"):
            missing = not self._word("not")
            if not self._word("null"):
                raise self._unreadable()
            return Filter(lambda errand: (getattr(errand, attribute) is None) == missing)
        excluded = self._word("not")
        if self._word("in"):
            return _among(name, attribute, self._values(name), excluded=excluded)
        if excluded:
            raise self._unreadable()
        return _compared(name, attribute, self._take("sign"), self._value(name))

    def _values(self, name: str) -> list[Any]:
        closing = "]" if self._mark("[") else ")"
        if closing == ")":
            self._expect("(")
        values = [self._value(name)]
        while self._mark(","):
            values.append(self._value(name))
        self._expect(closing)
        return values

    def _value(self, name: str) -> Any:
        text = re.sub(r"\\(.)", r"\1", self._take("text")[1:-1], flags=re.DOTALL)
        if name not in MOMENTS:
            return text
        try:
            return moment(text)
        except ValueError:
            raise bad_request(f"{name} is compared with something that is not a date and time with offset") from None

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, kind: str) -> str:
        found, text = self._tokens[self._at]
        if found != kind or (kind == "word" and text.lower() in _RESERVED):
            raise self._unreadable()
        self._at += 1
        return text

    def _word(self, word: str) -> bool:
        return self._skip("word", word)

    def _mark(self, mark: str) -> bool:
        return self._skip("mark", mark)

    def _skip(self, kind: str, wanted: str) -> bool:
        found, text = self._tokens[self._at]
        if found != kind or text.lower() != wanted:
            return False
        self._at += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._unreadable()

    def _unreadable(self) -> Refused:
        return bad_request(f"The filter could not be read at its part number {self._at + 1}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise bad_request("The filter holds a sign that is not understood")
        yield match.lastgroup, match.group(match.lastgroup)
        if match.lastgroup == "end":
            return
        at = match.end()


def _compared(name: str, attribute: str, sign: str, value: Any) -> Filter:
    if sign == "~":
        if isinstance(value, datetime):
            raise bad_request(f"{name} can't be compared by ~")
        pattern = re.compile(".*".join(re.escape(part) for part in value.split("*")), re.IGNORECASE | re.DOTALL)
        return Filter(lambda errand: (held := getattr(errand, attribute)) is not None and pattern.fullmatch(held) is not None)
    holds = _SIGNS[sign]
    statuses = frozenset({value}) if name == "status" and sign == ":" else None
    return Filter(lambda errand: (held := getattr(errand, attribute)) is not None and holds(held, value), statuses)


def _among(name: str, attribute: str, values: list[Any], *, excluded: bool) -> Filter:
    wanted = frozenset(values)
    if excluded:
        return Filter(lambda errand: (held := getattr(errand, attribute)) is not None and held not in wanted)
    return Filter(lambda errand: getattr(errand, attribute) in wanted, wanted if name == "status" else None)


def _both(left: Filter, right: Filter) -> Filter:
    if left.statuses is None or right.statuses is None:
        statuses = right.statuses if left.statuses is None else left.statuses
    else:
        statuses = left.statuses & right.statuses
    return Filter(lambda errand: left.test(errand) and right.test(errand), statuses)


def _either(left: Filter, right: Filter) -> Filter:
    statuses = None if left.statuses is None or right.statuses is None else left.statuses | right.statuses
    return Filter(lambda errand: left.test(errand) or right.test(errand), statuses)


def _negated(found: Filter) -> Filter:
    return Filter(lambda errand: not found.test(errand))
