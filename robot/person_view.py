"""What a person may have of a case: all that is stored about that person, and nothing that tells who or where somebody else is.

GDPR art. 15(4): the right to a copy shall not adversely affect others. An adult has applied for the whole household and gets the whole
case but others' identity numbers, birth dates and what registers said of them: also where it stands in the figures. The papers, which
name it in their text, are left out when there is another adult. Where somebody has a protected identity all that may tell of others goes
too. A child gets what is about the child alone. What was left out is always said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rules.context import birth_date
from rules.facts import Member

HIDDEN = "[annan persons personnummer]"
HIDDEN_BIRTH = "[annan persons födelsedatum]"
HIDDEN_FACT = "[uppgift om annan person]"
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
        if self.role == "child" or self.protected or self._other_adults:
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
        """Return a value without others' identity numbers, however they are written, and without their birth dates."""
        hide = [_written(one.personnummer) for one in self.others if one.personnummer]
        hide += [_born(born.isoformat()) for one in self.others if (born := birth_date(one)) is not None]
        return _masked(value, hide) if hide else value

    @property
    def _other_adults(self) -> frozenset[str]:
        """Of whom registers have been asked."""
        return frozenset(one.ref for one in self.others if one.role != "child")

    def _adult(self, content: dict[str, Any]) -> dict[str, Any]:
        shown = dict(content)
        file = dict(content.get("case_file") or {})
        file["registers"] = self._own(file.get("registers") or [], "registeruppgifter om annan person")
        file["history"] = self._history(file.get("history") or {})
        application = dict(file.get("application") or {})
        application["household"] = self._household(application.get("household") or {})
        shown["assessment"] = self._figures(content.get("assessment") or {})
        if self._other_adults and not self.protected:
            for name in _OF_ALL:
                shown.pop(name, None)
            self._leave(
                "underlag och förslagstext, som nämner vad registren sade om den andra vuxna: de finns i akten, en människa måste pröva det"
            )
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

    def _figures(self, assessment: dict[str, Any]) -> dict[str, Any]:
        """Return an assessment without what it says of others: their incomes, checks and flags, and the facts behind the lines."""
        shown = dict(assessment)
        for name in ("lines", "flags"):
            if name in shown:
                shown[name] = [self._without_facts(one) for one in shown[name] if not self._is_of_another_adult(one)]
        for name in ("checks", "counted_incomes"):
            if name in shown:
                shown[name] = self._own(shown[name], "registeruppgifter om annan person")
        if self._other_adults and shown.get("shown"):
            shown["shown"] = []
            self._leave("meningar om inkomster som inte räknades: de kan gälla den andra vuxna")
        if receipt := shown.get("receipt"):
            asked = {name: one for name, one in receipt.get("registers", {}).items() if name.partition(".")[0] == self.ref}
            shown["receipt"] = receipt | {"registers": asked}
        return shown

    def _is_of_another_adult(self, row: dict[str, Any]) -> bool:
        about = {row.get("person"), *str(row.get("key", "")).split(".")}
        return not self._other_adults.isdisjoint(about)

    def _without_facts(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a line without the values of facts about others; that there was such a fact stays."""
        trace = row.get("trace")
        if not trace:
            return row
        others = re.compile("|".join(rf"\[{re.escape(one.ref)}[\].]" for one in self.others) or "(?!)")
        facts = [one | {"value": HIDDEN_FACT} if others.search(str(one.get("path", ""))) else one for one in trace.get("facts") or []]
        return row | {"trace": trace | {"facts": facts}}

    def _history(self, history: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of earlier months without others' incomes and plans."""
        shown = dict(history)
        if previous := shown.get("previous_calculation"):
            shown["previous_calculation"] = previous | {"incomes": self._own(previous.get("incomes") or [], "inkomster för annan person")}
        if shown.get("jobbstimulans"):
            shown["jobbstimulans"] = self._own(shown["jobbstimulans"], "uppgifter om andra i hushållet")
        if shown.get("individual_plan"):
            shown["individual_plan"] = [one for one in shown["individual_plan"] if one == self.ref]
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


def _born(day: str) -> Callable[[str], str]:
    """Return what hides a birth date in a text."""
    return lambda text: text.replace(day, HIDDEN_BIRTH)


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
