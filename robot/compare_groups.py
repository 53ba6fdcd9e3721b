"""Which groups a case belongs to in a comparison: household, children, age, sex and channel, each with its Swedish label.

The groups are read from the case as it came, so that a case stands in the same groups under both rulebooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rules.context import age_on, birth_date
from rules.facts import CaseFile, Member

_OLDEST = 120
_UNKNOWN = "unknown"
_SEX_DIGIT = 10
"""Place, from 0, of the next to last of a personnummer's twelve digits: odd for men, even for women."""
_AGES = ((24, "under_25"), (39, "25-39"), (54, "40-54"), (64, "55-64"), (_OLDEST, "65_and_over"))
_MANY_CHILDREN = 4


class Dimension(StrEnum):
    """What the cases are told apart by."""

    HOUSEHOLD = "household"
    CHILDREN = "children"
    AGE = "age"
    SEX = "sex"
    CHANNEL = "channel"


Cell = tuple[Dimension, str]
"""One group: dimension and code."""

TITLES: Mapping[Dimension, str] = MappingProxyType(
    {
        Dimension.HOUSEHOLD: "Hushåll",
        Dimension.CHILDREN: "Antal barn",
        Dimension.AGE: "Sökandens ålder",
        Dimension.SEX: "Sökandens kön",
        Dimension.CHANNEL: "Ansökningsväg",
    }
)
LABELS: Mapping[Dimension, Mapping[str, str]] = MappingProxyType(
    {
        Dimension.HOUSEHOLD: {
            "single": "Ensamstående utan barn",
            "single_with_children": "Ensamstående med barn",
            "couple": "Par utan barn",
            "couple_with_children": "Par med barn",
            _UNKNOWN: "Okänt hushåll",
        },
        Dimension.CHILDREN: {
            "0": "Inga barn",
            "1": "1 barn",
            "2": "2 barn",
            "3": "3 barn",
            "4_or_more": "4 barn eller fler",
            _UNKNOWN: "Okänt antal",
        },
        Dimension.AGE: {
            "under_25": "Under 25 år",
            "25-39": "25–39 år",
            "40-54": "40–54 år",
            "55-64": "55–64 år",
            "65_and_over": "65 år och äldre",
            _UNKNOWN: "Okänd ålder",
        },
        Dimension.SEX: {"woman": "Kvinna", "man": "Man", _UNKNOWN: "Framgår inte"},
        Dimension.CHANNEL: {"e-service": "E-tjänst", "paper": "Papper", "other": "Annan väg", _UNKNOWN: "Framgår inte"},
    }
)
"""Every group in the order it is shown."""


def groups_of(case: CaseFile) -> tuple[Cell, ...]:
    """Return the case's group in each dimension. What does not say is `unknown`, and never guessed."""
    applicant = next((member for member in case.adults if member.role == "applicant"), None)
    household, children = _household(case, applicant)
    return (
        (Dimension.HOUSEHOLD, household),
        (Dimension.CHILDREN, children),
        (Dimension.AGE, _age(case, applicant)),
        (Dimension.SEX, _sex(applicant)),
        (Dimension.CHANNEL, _channel(case.application.channel)),
    )


def _household(case: CaseFile, applicant: Member | None) -> tuple[str, str]:
    """Return household kind and number of children; both are unknown when the adults make no household of one or two."""
    adults, children = len(case.adults), len(case.children)
    if applicant is None or adults > 2:
        return _UNKNOWN, _UNKNOWN
    kind = "couple" if adults == 2 else "single"
    return (f"{kind}_with_children" if children else kind), (str(children) if children < _MANY_CHILDREN else "4_or_more")


def _age(case: CaseFile, applicant: Member | None) -> str:
    born = birth_date(applicant) if applicant else None
    age = age_on(born, case.application.month.first) if born is not None else -1
    return next((code for oldest, code in _AGES if 0 <= age <= oldest), _UNKNOWN)


def _sex(applicant: Member | None) -> str:
    if applicant is None or applicant.personnummer is None:
        return _UNKNOWN
    return "man" if int(applicant.personnummer[_SEX_DIGIT]) % 2 else "woman"


def _channel(channel: str | None) -> str:
    """Return one of the known channels; the text itself came from outside and is not shown."""
    if channel is None or channel in ("", _UNKNOWN):
        return _UNKNOWN
    return channel if channel in LABELS[Dimension.CHANNEL] else "other"
