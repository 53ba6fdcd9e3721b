"""The version of an application: a hash that moves when the applicant changes something, and by nothing that we or others write."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.case_systems.caremanagement.fields import Unreadable, clean

_CASES_KEPT = 5_000
"""Cases whose attachments are remembered until their turn, half a kilobyte each; when more wait, they are read again."""
_MADE_BY_THE_SYSTEM = frozenset({"GENERATED", "CASE_DATA", "DECISION", "MESSAGE_HISTORY"})


def version_of(data: Any, attachments: Iterable[Mapping[str, Any]]) -> str:
    """Return the hash of `data` and of the ids of what the applicant has attached.

    Keys without value, the order of keys and trailing zeros make no difference, so that another release of CareManagement does not
    change every version.
    """
    ids = sorted(str(row.get("id")) for row in attachments if from_applicant(row))
    try:
        shaped = _shaped(clean(data))
    except Unreadable:
        shaped = "nonsense"
    text = json.dumps({"data": shaped, "attachments": ids}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Attached:
    """What the applicant has attached, by ids alone: read at the pull, and not again at the case's turn when nothing has changed since.

    That CareManagement's own times move with every change is also what new versions of a case are found by in its list.
    """

    def __init__(self, read: Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]) -> None:
        self._read = read
        self._known: OrderedDict[str, tuple[object, object, tuple[object, ...]]] = OrderedDict()

    async def of(self, case_id: str, view: Mapping[str, Any]) -> list[dict[str, object]]:
        """Return the attachments of a case whose view has just been read: what is attached after that moves the view's times."""
        modified, touched = view.get("modified"), view.get("touched")
        known = self._known.pop(case_id, None)
        if known is not None and known[:2] == (modified, touched) != (None, None):
            return [{"id": one} for one in known[2]]
        ids = tuple(row.get("id") for row in await self._read(case_id) if from_applicant(row))
        self._known[case_id] = (modified, touched, ids)
        if len(self._known) > _CASES_KEPT:
            self._known.popitem(last=False)
        return [{"id": one} for one in ids]


def from_applicant(attachment: Mapping[str, Any]) -> bool:
    """Say whether an attachment is the applicant's.

    What the system makes itself (summaries, decisions, archived messages) never counts, and elsewhere a caseworker's file does not. A
    file that does not say who sent it counts: better read once too often.
    """
    return attachment.get("documentType") not in _MADE_BY_THE_SYSTEM and attachment.get("senderRole") != "CASEWORKER"


def _shaped(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        # Texts, truths and what has no value are most of it, and stand as they are.
        return {
            key: item if (its := type(item)) is str or its is bool else _shaped(item) for key, item in value.items() if item is not None
        }
    if kind is list:
        return [_shaped(item) for item in value]
    if kind is int or kind is Decimal:
        return f"number:{_plain(Decimal(value))}"
    return value


def _plain(number: Decimal) -> str:
    digits, exponent = number.as_tuple().digits, number.as_tuple().exponent
    text = "".join(map(str, digits)).lstrip("0")
    shorter = text.rstrip("0")
    return f"{'-' if number < 0 else ''}{shorter or '0'}e{int(exponent) + len(text) - len(shorter) if shorter else 0}"
