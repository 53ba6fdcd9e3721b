"""What has been found so far in one case: lines, flags, sentences, counted payments. Filled inside `assess`, thrown away after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rules.assessment import Blank, CountedIncome, FactUsed, Flag, Line, Trace
from rules.context import Case
from rules.found import Counted
from rules.legal import Version
from rules.money import Ore


@dataclass(slots=True)
class Findings:
    """Grows while the sections of the calculation are gone through, in order."""

    case: Case
    lines: list[Line] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    counted: list[CountedIncome] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Labels of costs that are not granted."""
    dropped: list[str] = field(default_factory=list)
    """Labels of costs that last month's calculation had and this application has not."""

    def flag(self, code: str, key: str = "", *, person: str | None = None, more: str = "", **filled: str) -> None:
        """Raise a flag; the same code and key twice is one flag."""
        self.flags.append(self.case.book.flags.flag(code, key, person=person, more=more, **filled))

    def line(
        self,
        version: Version[..., Counted],
        found: Counted,
        *,
        key: str,
        section: Literal["norm", "cost", "income"],
        label: str,
        kind: str,
        person: str | None = None,
        applied: Ore | None = None,
        previous: Ore | None = None,
        facts: tuple[FactUsed, ...] = (),
        flag_key: str | None = None,
        flag_label: str | None = None,
        **filled: str,
    ) -> None:
        """Add a line with its trace; a blank raises the flag that is its reason, with the line's key unless another is given."""
        blank = None
        if found.reason is not None:
            self.flag(
                found.reason,
                key if flag_key is None else flag_key,
                person=person,
                label=label if flag_label is None else flag_label,
                **filled,
            )
            blank = Blank.model_construct(reason=found.reason, text=self.flags[-1].text, low=found.low, high=found.high)
        self.lines.append(
            Line.model_construct(
                key=key,
                section=section,
                label=label,
                person=person,
                type=kind,
                amount=found.amount,
                blank=blank,
                applied=applied,
                previous=previous,
                trace=Trace.model_construct(
                    rule=version.name, law=version.law, facts=facts, parameters=found.parameters, because=found.because
                ),
            )
        )
