"""Why the need of a case is not known, as sentences that tell nothing about the one case: benefits by their name on a list, no persons."""

from __future__ import annotations

from rules import Rulebook, labels
from rules.assessment import Assessment, Line, Outcome
from rules.facts import SOURCES

_MANUAL = "Ärendet handläggs manuellt"
"""For every kind of stop: they look alike here too."""
_URGENT = "Brådskande: lämnat till handläggaren utan beräkning"
_OPEN_MONTH = "sum.month_open"
_OTHERWISE = "Behovet kan inte fastställas"
_FILLED_IN = ("label", "source", "amount", "percent", "previous", "month")


def reasons_of(result: Assessment, book: Rulebook) -> tuple[str, ...]:
    """Return each reason once. There is always at least one: a case without a known need is never dropped silently."""
    if result.outcome is Outcome.STOP:
        return (_MANUAL,)
    if result.outcome is Outcome.URGENT:
        return (_URGENT,)
    found = [_of_line(line, line.blank.reason, book, result) for line in result.lines if line.blank]
    if result.outcome is Outcome.WAITING_FOR_INCOME or any(flag.code == _OPEN_MONTH for flag in result.flags):
        found.append(_text(_OPEN_MONTH, book))
    return tuple(dict.fromkeys(found)) or (_OTHERWISE,)


def _of_line(line: Line, reason: str, book: Rulebook, result: Assessment) -> str:
    threshold = book.guidelines.change_threshold.at(result.month)
    source = labels.source(line.type) if line.type in SOURCES else "Ett register"
    return _text(reason, book, label=_label(line, book), source=source, percent=str(threshold.value) if threshold else "gränsen")


def _label(line: Line, book: Rulebook) -> str:
    """Name what a line is about; a name that came from outside is shown only when the guidelines have it."""
    if line.section == "norm":
        return "Riksnorm för barn" if line.type == "child" else "Riksnorm"
    if line.section == "cost":
        return labels.cost(line.type) if line.type in book.guidelines.costs else "Kostnad utanför riktlinjerna"
    if line.type in SOURCES:
        return ""
    return labels.income(line.type) if line.type in book.guidelines.incomes else "Inkomst utanför listan"


def _text(code: str, book: Rulebook, **filled: str) -> str:
    """Return a flag's sentence; a code that the catalogue lacks is shown itself."""
    spec = book.flags.specs.get(code)
    if spec is None:
        return code
    return spec.text.format(**(dict.fromkeys(_FILLED_IN, "") | filled)).strip(" :")
