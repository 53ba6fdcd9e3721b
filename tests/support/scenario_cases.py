"""From the short form of a scenario to a case file. An unknown short key is an error, so that a misspelt fact cannot go unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from rules.facts import SOURCES, CaseFile
from rules.month import Month

_SWEDEN = ZoneInfo("Europe/Stockholm")
_UNKNOWN = "unknown"
_SILENT = {"unavailable", "nothing_held"}
_PROTECTION_TOLD_BY = ("FK", "AF")
_ANSWER_KEYS = {"fetched", "deviations", "unrecognised", "payments"}
_RECEIVED_AT, _FETCHED_AT = time(9, 30), time(6)


class Short:
    """A mapping of the short form that remembers which of its keys have been read."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"{where}: must be a mapping")
        self._left = dict(values)
        self._where = where

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a text; None when it is unknown."""
        found = self._left.pop(key, default)
        return None if found == _UNKNOWN else found

    def tri(self, key: str, default: str = _UNKNOWN) -> bool | None:
        """Return yes, no or unknown."""
        return {"yes": True, "no": False, _UNKNOWN: None}[self._left.pop(key, default)]

    def any(self, key: str, default: Any) -> Any:
        """Return whatever stands there."""
        return self._left.pop(key, default)

    def end(self) -> None:
        """Raise ValueError when something was not read."""
        if self._left:
            raise ValueError(f"{self._where}: unknown key: {', '.join(sorted(self._left))}")


def case_file(facts: Mapping[str, Any]) -> tuple[CaseFile, bool]:
    """Return the case file, and whether the case can wait no longer. Days that are not given follow from the month applied for."""
    short = Short(facts, "facts")
    month = Month.parse(str(short.text("month")))
    before = month.plus(-1)
    today = short.text("today", before.last.isoformat())
    fetched = short.text("fetched", today)
    members = _members(short.any("members", {}), month)
    adults = [member["ref"] for member in members if member["role"] != "child"]
    registers = _registers(short.any("registers", {}), _payments(short.any("paid", {})), adults, str(fetched))
    history = _history(short.any("history", {}), short.any("previous", None), before, [member["ref"] for member in members], adults)
    hand_over = short.tri("hand_over", "no") is True
    application = _application(short, members, month, before)
    short.end()
    data = {"today": today, "application": application, "registers": registers, "history": history}
    return CaseFile.model_validate(data), hand_over


def _application(short: Short, members: list[dict[str, Any]], month: Month, before: Month) -> dict[str, Any]:
    signed = Short(short.any("signed", {}), "signed")
    housing = Short(short.any("housing", {}), "housing")
    return {
        "case_id": "EB-1",
        "type": short.text("type", "renewal"),
        "channel": short.text("channel", "e-service"),
        "received_at": _moment(str(short.text("received", before.day(20).isoformat())), _RECEIVED_AT),
        "month": str(month),
        "signed": {"applicant": signed.tri("applicant", "yes"), "co_applicant": signed.tri("co_applicant", "yes")},
        "household": {
            "civil_status": short.text("civil_status"),
            "others_in_home": short.text("others_in_home", "0"),
            "members": members,
            "children_residence_changed": short.tri("children_residence_changed", "no"),
        },
        "housing": {"form": housing.text("form"), "changed": housing.tri("changed", "no")},
        "costs": _costs(short.any("costs", {})),
        "incomes": [
            {"type": kind, "recipient": recipient} | row
            for (kind, recipient), value in _split(short.any("declared", {}), 2).items()
            for row in _amounts(value, _declared)
        ],
        "assets": [{"type": kind, "value": _known(value)} for kind, value in short.any("assets", {}).items()],
        "plans": [_plan(person, words) for person, kinds in short.any("plans", {}).items() for words in _list(kinds)],
        "pending_benefits": [{"person": person, "benefit": name} for person, name in short.any("pending_benefits", {}).items()],
        "free_text": [{"field": field, "text": text} for field, text in short.any("text", {}).items()],
        "unrecognised": [{"path": path, "value": value} for path, value in short.any("unrecognised", {}).items()],
        "unreadable": short.any("unreadable", []),
        **{key: short.tri(key, "no") for key in ("interpreter", "meeting", "other_norm", "protected")},
        "stays_in_municipality": short.tri("stays_in_municipality", "yes"),
    }


def _plan(person: str, words: str) -> dict[str, Any]:
    """Read 'job_seeking', or 'work full': a kind of plan, perhaps with its extent."""
    kind, _, extent = words.partition(" ")
    return {"person": person, "type": kind, "extent": extent or None}


def _members(members: Mapping[str, Any], month: Month) -> list[dict[str, Any]]:
    found = []
    for ref, values in members.items():
        short = Short(values, ref)
        role = ref if ref in ("applicant", "co_applicant") else "child"
        member = {
            "ref": ref,
            "role": role,
            "birth_date": short.text("born"),
            "days_in_home": short.text("days", str(month.days)) if role == "child" else None,
            "residence": short.text("residence"),
            "lunch_elsewhere": short.tri("lunch_elsewhere"),
            "school_youth": short.tri("school"),
        }
        short.end()
        found.append(member)
    return found


def _costs(costs: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for kind, value in costs.items():
        for one in _list(value):
            short = Short(one if isinstance(one, Mapping) else {"applied": one}, kind)
            applied, proof = short.text("applied"), short.tri("proof")
            cost = {"type": kind, "applied": applied, "proof": proof, "proof_date": short.text("proof_date")}
            found.append(cost | {"specification": short.text("specification")})
            short.end()
    return found


def _payments(paid: Mapping[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (person, source, benefit), value in _split(paid, 3).items():
        rows = found.setdefault((person, source), [])
        rows += [{"benefit": benefit} | row for row in _amounts(value, _payment)]
    return found


def _payment(short: Short) -> dict[str, Any]:
    return {
        "net": short.text("net"),
        "gross": short.text("gross", _UNKNOWN),
        "tax": short.text("tax", _UNKNOWN),
        "paid_on": short.text("paid"),
        "other_deductions": short.text("deductions", "0"),
        "currency": short.text("currency", "SEK"),
        "preliminary": short.tri("preliminary", "no"),
        "part": short.text("part"),
        "amount_type": short.text("amount_type"),
        "mixed_rows": short.tri("mixed_rows", "no"),
    }


def _declared(short: Short) -> dict[str, Any]:
    return {"net": short.text("net"), "paid_on": short.text("paid")}


def _amounts(value: Any, read: Callable[[Short], dict[str, Any]]) -> list[dict[str, Any]]:
    """Read '900 2026-11-20' (amount and day), a mapping with more, or a list of either."""
    found = []
    for one in _list(value):
        net, _, paid = ("", "", "") if isinstance(one, Mapping) else str(one).partition(" ")
        short = Short(one if isinstance(one, Mapping) else {"net": net, "paid": paid}, "amount")
        found.append(read(short))
        short.end()
    return found


def _registers(
    given: Mapping[str, Any], payments: dict[tuple[str, str], list[dict[str, Any]]], adults: list[str], fetched: str
) -> list[dict[str, Any]]:
    said = {(person, source): words for (person, source), words in _split(given, 2).items()}
    asked = [(person, source) for person in adults for source in SOURCES]
    found = []
    for key in dict.fromkeys((*asked, *said, *payments)):
        words = said.get(key, {})
        for one in words if isinstance(words, list) else [words]:
            found += _answer(key, one, payments.get(key, []), fetched)
    return found


def _answer(key: tuple[str, str], said: Any, payments: list[dict[str, Any]], fetched: str) -> list[dict[str, Any]]:
    """Return the answer of one source about one person: none when it is `missing`, without payments when it is silent."""
    person, source = key
    if said == "missing":
        return []
    answer: dict[str, Any] = {"person": person, "source": source, "fetched_at": _moment(fetched, _FETCHED_AT)}
    if not isinstance(said, Mapping):
        if said not in _SILENT:
            raise ValueError(f"{person} {source}: unknown answer: {said}")
        return [answer | {"status": said}]
    told = {key: value for key, value in said.items() if key not in _ANSWER_KEYS}
    if source in _PROTECTION_TOLD_BY:
        told = {"protected": "no"} | told
    if "fetched" in said:
        answer["fetched_at"] = _moment(said["fetched"], _FETCHED_AT)
    answer["facts"] = {name: _fact(value) for name, value in told.items()}
    answer["deviations"] = said.get("deviations", [])
    answer["unrecognised"] = [{"path": path, "value": value} for path, value in said.get("unrecognised", {}).items()]
    answer["payments"] = payments
    return [answer | {"status": "answered" if told or payments or said else "nothing_held"}]


def _fact(value: Any) -> Any:
    if isinstance(value, list):
        return [_fact(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _fact(one) for key, one in value.items()}
    return {"yes": True, "no": False, _UNKNOWN: None}.get(value, value)


def _history(history: Any, previous: Any, before: Month, members: list[str], adults: list[str]) -> dict[str, Any]:
    short = Short(history, "history")
    windows, plan = short.any("jobbstimulans", {}), short.any("individual_plan", adults)
    found = {
        "known": short.tri("known", "yes"),
        "previous_calculation": None if previous is None else _previous(Short(previous, "previous"), before, members),
        "months_in_a_row": short.text("months_in_a_row"),
        "jobbstimulans": None if windows == _UNKNOWN else [_window(who, one) for who, many in windows.items() for one in _list(many)],
        "surplus": short.text("surplus", "0"),
        "closed_on": short.text("closed_on"),
        "decided_by_person": short.tri("decided_by_person", "no"),
        "individual_plan": None if plan == _UNKNOWN else plan,
        "civil_status_changed": short.tri("civil_status_changed", "no"),
    }
    short.end()
    return found


def _previous(short: Short, before: Month, members: list[str]) -> dict[str, Any]:
    found = {
        "month": short.text("month", str(before)),
        "norm": short.text("norm", "0"),
        "need": short.text("need"),
        "costs": [_previous_cost(kind, str(amounts)) for kind, amounts in short.any("costs", {}).items()],
        "incomes": [
            {"type": kind, "recipient": who, "amount": amount} for (kind, who), amount in _split(short.any("incomes", {}), 2).items()
        ],
        "norms": [{"ref": ref, "amount": amount} for ref, amount in short.any("norms", {}).items()],
        "members": short.any("members", members),
        "unrecognised": short.any("unrecognised", []),
    }
    short.end()
    return found


def _previous_cost(kind: str, amounts: str) -> dict[str, Any]:
    """Read '6000', or '6000 of 7000': what was approved, perhaps with what was applied for."""
    approved, _, applied = amounts.partition(" of ")
    return {"type": kind, "approved": approved, "applied": applied or None}


def _window(person: str, months: str) -> dict[str, str]:
    first, _, last = months.partition("..")
    return {"person": person, "from": first, "to": last}


def _split(given: Mapping[str, Any], words: int) -> dict[tuple[str, ...], Any]:
    """Return the mapping with each key, `applicant FK Sjukpenning`, as that many words; the last may have spaces in it."""
    found = {tuple(key.split(" ", words - 1)): value for key, value in given.items()}
    wrong = [" ".join(key) for key in found if len(key) != words]
    if wrong:
        raise ValueError(f"{words} words are needed: {', '.join(wrong)}")
    return found


def _moment(text: str, at: time) -> datetime:
    when = datetime.fromisoformat(text)
    if "T" not in text:
        return datetime.combine(when.date(), at, _SWEDEN)
    return when if when.tzinfo else when.replace(tzinfo=_SWEDEN)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _known(value: str) -> str | None:
    return None if value == _UNKNOWN else value
