"""What a person may have of a case: all that is stored about that person, and nothing that tells who or where somebody else is.

GDPR art. 15(4): the right to a copy shall not adversely affect others. An adult has applied for the whole household and gets the whole
case but others' identity numbers, birth dates and what registers said of them. Where somebody has a protected identity all that may tell
of others goes too. A child gets what is about the child alone. What was left out is always said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rules.facts import Member

HIDDEN = "[annan persons personnummer]"
_ABOUT = ("person", "recipient", "ref")
_OF_ALL = ("document", "recommendation")
_OFFICIALS = ("user",)
"""Who of the municipality did something is no data about the person (the Court of Justice, C-579/21)."""
_FREE = ("free_text", "unrecognised", "housing", "others_in_home")


@dataclass(slots=True)
class View:
    """One person's view of a case. `left_out` = what was left out, in words, once each."""

    ref: str
    role: str
    others: Sequence[Member]
    protected: bool
    left_out: list[str] = field(default_factory=list)

    def draft(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return a draft as the person may have it."""
        shown = self._child(content) if self.role == "child" else self._adult(content)
        masked: dict[str, Any] = self.masked(shown)
        return masked

    def writes(self, payload: Any) -> Any:
        """Return what was written in the case system as the person may have it; None = nothing of it."""
        if self.role == "child" or self.protected:
            self._leave("det som skrevs i verksamhetssystemet, eftersom det gäller hela hushållet")
            return None
        return self.masked(payload)

    def event(self, details: dict[str, Any]) -> dict[str, Any] | None:
        """Return what the audit says of something that happened, as the person may have it: which sources were asked about that person."""
        read = details.get("read") or {}
        own = {name: read[name] for name in ("case_system", self.ref) if name in read}
        if self.role == "child" or self.protected:
            return {"read": own} if own else None
        shown = {name: value for name, value in details.items() if name not in _OFFICIALS}
        return self.masked(shown | ({"read": own} if read else {})) or None

    def masked(self, value: Any) -> Any:
        """Return a value without others' identity numbers, however they are written."""
        numbers = [one.personnummer for one in self.others if one.personnummer]
        return _masked(value, [_written(number) for number in numbers]) if numbers else value

    def _adult(self, content: dict[str, Any]) -> dict[str, Any]:
        shown = dict(content)
        file = dict(content.get("case_file") or {})
        file["registers"] = self._own(file.get("registers") or [], "registeruppgifter om annan person")
        application = dict(file.get("application") or {})
        application["household"] = self._household(application.get("household") or {})
        if self.protected:
            for name in _FREE:
                application.pop(name, None)
            for name in ("incomes", "plans", "pending_benefits", "assets"):
                application[name] = self._own(application.get(name) or [], "uppgifter om andra i hushållet")
            for name in _OF_ALL:
                shown.pop(name, None)
            shown.pop("assessment", None)
            file.pop("history", None)
            self._leave("fritext, boende, historik, beräkning och underlag: någon kan ha skyddade uppgifter, en människa måste pröva det")
        file["application"] = application
        shown["case_file"] = file
        return shown

    def _child(self, content: dict[str, Any]) -> dict[str, Any]:
        file = content.get("case_file") or {}
        application = file.get("application") or {}
        members = (application.get("household") or {}).get("members") or []
        lines = (content.get("assessment") or {}).get("lines") or []
        self._leave("allt i ärendet som inte gäller barnet självt")
        own = {
            "household": {"members": [one for one in members if one.get("ref") == self.ref]},
            "incomes": [one for one in application.get("incomes") or [] if one.get("recipient") == self.ref],
        }
        return {
            "case_file": {"application": own, "registers": [one for one in file.get("registers") or [] if one.get("person") == self.ref]},
            "assessment": {"lines": [one for one in lines if self.ref in str(one.get("key", "")).split(".")]},
        }

    def _household(self, household: dict[str, Any]) -> dict[str, Any]:
        members = []
        for one in household.get("members") or []:
            if one.get("ref") == self.ref:
                members.append(one)
            else:
                members.append({"ref": one.get("ref"), "role": one.get("role"), "left_out": "uppgift om annan person"})
                self._leave("personnummer, födelsedatum och boende för andra i hushållet")
        return household | {"members": members}

    def _own(self, rows: Sequence[dict[str, Any]], what: str) -> list[dict[str, Any]]:
        own = [one for one in rows if next((one[name] for name in _ABOUT if name in one), self.ref) in {self.ref, None}]
        if len(own) < len(rows):
            self._leave(what)
        return own

    def _leave(self, what: str) -> None:
        if what not in self.left_out:
            self.left_out.append(what)


def is_protected(content: dict[str, Any]) -> bool:
    """Say whether anybody in a case may have a protected identity, by its draft; also when that could not be ruled out."""
    application = (content.get("case_file") or {}).get("application") or {}
    flags = (content.get("assessment") or {}).get("flags") or []
    told = any(str(flag.get("code", "")).startswith("stop.protect") for flag in flags)
    registers = (content.get("case_file") or {}).get("registers") or []
    return bool(told or application.get("protected") or any((one.get("facts") or {}).get("protected") for one in registers))


def _written(number: str) -> Callable[[str], str]:
    """Return what hides an identity number in a text: with or without century, with or without a sign before the last four."""
    pattern = re.compile(rf"(?:{number[:2]})?{number[2:8]}[-+ ]?{number[8:]}")
    return lambda text: pattern.sub(HIDDEN, text)


def _masked(value: Any, hide: Sequence[Callable[[str], str]]) -> Any:
    if isinstance(value, str):
        for one in hide:
            value = one(value)
        return value
    if isinstance(value, dict):
        return {_masked(key, hide): _masked(inner, hide) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, hide) for inner in value]
    return value
