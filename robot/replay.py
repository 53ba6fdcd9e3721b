"""Compute a stored case again and compare: the same facts under the same rulebook must give the same result, years later.

Pure: nothing is read or written. What was handed over (a stop, a control sample) is neither computed nor compared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from robot.effects import DRAFT_DIFFERS
from rules import Rulebook, assess
from rules.assessment import Assessment, Flag, Outcome, Recommendation
from rules.facts import CaseFile

HANDED_OVER = "the case is handled by a person, and nothing of it is shown"

NOTHING = object()
"""Stands for a value that is not there at all, which is not the same as null."""

_OF_THE_RULEBOOK = ("program", "rulebook", "parameters", "guidelines")
"""What a receipt says of the rulebook. It is told by itself, before any difference in the result."""

_CAUSES_FIRST = ("receipt", "lines", "shown", "counted_incomes", "checks", "flags", "sums", "span", "previous_need")
"""The order in which parts are compared, so that the first difference is the one nearest to its cause; the rest follow."""

_NAMED_BY = {
    "lines": ("key",),
    "flags": ("code", "key"),
    "checks": ("person", "source"),
    "counted_incomes": ("line", "paid_on", "part", "amount_type"),
    "facts": ("path",),
    "parameters": ("name",),
}
"""Lists whose elements are told apart by what they are rather than by their place."""

MOST_COUNTED = 1000
"""More differences than this are not counted."""


class CannotReplay(Exception):
    """The case cannot be computed again; the message says why, and holds nothing of the case."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same: where it stands, what it was, what it is. `NOTHING` = it is not there."""

    path: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of computing a case again. `first` None = identical.

    `changed` = parts of the rulebook that are not those of the receipt. `count` = how many values differ.
    """

    changed: tuple[str, ...]
    first: Difference | None
    count: int

    @property
    def identical(self) -> bool:
        """Say whether everything but the rulebook's own names came out the same."""
        return self.first is None


def recompute(case_file: CaseFile, then: Mapping[str, Any], book: Rulebook, *, control_sample: bool = False) -> Replay:
    """Compute a case again and compare it with its stored assessment, given as the plain JSON data that was stored.

    Raises CannotReplay when what is stored is no assessment, or the case was handed over, or would be by the present rules: all such
    cases get one and the same answer.
    """
    outcome, receipt = _outcome(then), then.get("receipt")
    if is_hidden(outcome, control_sample=control_sample):
        raise CannotReplay(HANDED_OVER)
    if not isinstance(receipt, Mapping):
        raise CannotReplay("there is no receipt in the assessment")
    changed = rulebook_changes(receipt, book)
    # A stored case no longer waits: it had gone to a person then, or its incomes were complete.
    now = assess(case_file, book, hand_over=outcome is not Outcome.WAITING_FOR_INCOME)
    if is_hidden(now.outcome, control_sample=False):
        raise CannotReplay(HANDED_OVER)
    found = list(differences(comparable(_in_present_shape(then)), comparable(_as_delivered(now, then))))
    return Replay(changed, found[0] if found else None, len(found))


def is_hidden(outcome: Outcome, *, control_sample: bool) -> bool:
    """Say whether nothing of a case may be shown: a stop and a control sample alike. Urgent comes first, and says nothing of protection."""
    return outcome is Outcome.STOP or (control_sample and outcome is not Outcome.URGENT)


def rulebook_changes(receipt: Mapping[str, Any], book: Rulebook) -> tuple[str, ...]:
    """Return, in words, which parts of the rulebook are not those that a receipt names; empty = the rulebook is the same.

    Flags, word lists and the dates of the rules have no hash of their own in a receipt: they are named when nothing else explains it.
    """
    if receipt.get("rulebook") == book.hash:
        return ()
    changed = []
    if receipt.get("program") != book.program:
        changed.append(f"program ({receipt.get('program')}, now {book.program})")
    if receipt.get("parameters") != book.law.hash:
        changed.append("law parameters")
    if receipt.get("guidelines") != book.guidelines.hash:
        changed.append("guidelines")
    return tuple(changed) or ("flags, word lists or dates of the rules",)


def comparable(assessment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same when a case is computed again: all of an assessment but what its receipt says of the rulebook.

    Parts stand in the order in which they are compared.
    """
    order = [part for part in _CAUSES_FIRST if part in assessment]
    order += [part for part in assessment if part not in order]
    whole = {part: assessment[part] for part in order}
    receipt = whole.get("receipt")
    if isinstance(receipt, Mapping):
        whole["receipt"] = {name: value for name, value in receipt.items() if name not in _OF_THE_RULEBOOK}
    return whole


def differences(then: Any, now: Any, path: str = "", name: str = "") -> Iterator[Difference]:
    """Yield every difference between two JSON values, in the order of `now`, at most MOST_COUNTED of them."""
    for number, found in enumerate(_differences(then, now, path, name)):
        if number >= MOST_COUNTED:
            return
        yield found


def _differences(then: Any, now: Any, path: str, name: str) -> Iterator[Difference]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        yield from _of_tables(then, now, path)
    elif _is_list(then) and _is_list(now):
        yield from _of_lists(then, now, path, _NAMED_BY.get(name, ()))
    elif then != now or isinstance(then, bool) is not isinstance(now, bool):
        yield Difference(path, then, now)


def _of_tables(then: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key in [*now, *(key for key in then if key not in now)]:
        inside = f"{path}.{key}" if path else str(key)
        yield from _differences(then.get(key, NOTHING), now.get(key, NOTHING), inside, str(key))


def _of_lists(then: Sequence[Any], now: Sequence[Any], path: str, named_by: tuple[str, ...]) -> Iterator[Difference]:
    """Compare element by element: by name where every element of both has one of its own, else by place."""
    before, after = _by_name(then, named_by), _by_name(now, named_by)
    if before is None or after is None:
        before, after = _by_place(then), _by_place(now)
    for key in [*after, *(key for key in before if key not in after)]:
        yield from _differences(before.get(key, NOTHING), after.get(key, NOTHING), f"{path}[{key}]", "")
    kept = [key for key in before if key in after], [key for key in after if key in before]
    if kept[0] != kept[1]:
        yield Difference(f"{path} (order)", kept[0], kept[1])


def _by_name(values: Sequence[Any], named_by: tuple[str, ...]) -> dict[str, Any] | None:
    if not named_by or not all(isinstance(value, Mapping) and all(part in value for part in named_by) for value in values):
        return None
    found = {" ".join(str(value[part]) for part in named_by if value[part] not in (None, "")): value for value in values}
    return found if len(found) == len(values) else None


def _by_place(values: Sequence[Any]) -> dict[str, Any]:
    return {str(place): value for place, value in enumerate(values)}


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _outcome(then: Mapping[str, Any]) -> Outcome:
    try:
        return Outcome(str(then.get("outcome")))
    except ValueError:
        raise CannotReplay("it is no assessment that this program knows: its outcome is none of the known ones") from None


def _in_present_shape(then: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stored assessment with the defaults of fields that have come since; one of another shape is compared as it is."""
    try:
        return Assessment.model_validate(then).model_dump(mode="json")
    except ValidationError:
        return then


def _as_delivered(now: Assessment, then: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new assessment, its proposal taken back where the case system's own calculation took back the stored one's.

    That flag comes from the case system after the assessment: no computing from the facts can give it.
    """
    raised = _raised_by_the_case_system(then)
    if raised is None or now.outcome is not Outcome.OK:
        return now.model_dump(mode="json")
    taken_back = {
        "outcome": Outcome.REVIEW,
        "recommendation": Recommendation.REVIEW_REQUIRED,
        "proposal": None,
        "amount": None,
        "flags": (raised, *now.flags),
    }
    return now.model_copy(update=taken_back).model_dump(mode="json")


def _raised_by_the_case_system(then: Mapping[str, Any]) -> Flag | None:
    flags = then.get("flags")
    for flag in flags if isinstance(flags, list) else []:
        if isinstance(flag, Mapping) and flag.get("code") == DRAFT_DIFFERS:
            try:
                return Flag.model_validate(flag)
            except ValidationError:
                return None
    return None
