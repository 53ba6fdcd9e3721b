"""A comparison in words and as data: what the table, the page and the JSON have in common. Words are plain Swedish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robot.compare import NO_PROPOSAL, PROPOSALS, Comparison, Difference, Figures, Left
from robot.compare_groups import TITLES, Dimension
from robot.compare_small import Hidden
from robot.draft import words
from rules import Rulebook
from rules.money import Ore, kronor, swedish
from rules.month import Month

ALL = "Alla ärenden"
PROPOSAL_WORDS = dict(zip(PROPOSALS, ("Bifall", "Delavslag", "Avslag", "Inget förslag"), strict=True))
SMALL = "Grupper med färre än {below} ärenden visas inte, och inte heller en grupp som skulle göra att de kan räknas fram."
ABOUT = (
    "Samma ärenden är beräknade två gånger med samma regler. Ingenting är beslutat: det gör alltid en handläggare.",
    "Bistånd är det beräknade behovet för en månad. Ett överskott räknas som 0 kr.",
    "Skillnad är bistånd efter minus bistånd före. Den räknas bara för ärenden där behovet är känt både före och efter.",
    "Inget förslag betyder att handläggaren avgör. Ändringar räknas från före till efter.",
    "Öppet är hur många kronor som de tomma raderna kan betyda: högsta möjliga bistånd minus lägsta. Handläggaren avgör.",
    "Grupperna gäller ärendet före ändringen. Kön är det juridiska kön som sökandens personnummer visar.",
)
ABOUT_MONTH = (
    "Ärendena är flyttade till den andra månaden med alla sina datum: ansökan, utbetalningar, registersvar och förra månadens "
    "beräkning. Personerna är födda när de är födda, så barn kan hamna i en annan åldersgrupp. Beloppen är desamma.",
)
DIFFERENCE_COLUMNS = ("Ärenden", "Jämförda", "Får mer", "Får mindre", "Får lika", "Medel", "Median", "Lägst", "Högst", "Summa")
PROPOSAL_COLUMNS = ("Ärenden", *PROPOSAL_WORDS.values(), "Ändrat förslag", "Ändrade tomma rader", "Öppet före", "Öppet efter")
_NOTHING = "–"


def signed(amount: Ore) -> str:
    """Write a difference with its sign: '+150', '−150', '0'."""
    return f"+{swedish(amount)}" if amount > 0 else swedish(amount)


def proposed(proposals: Mapping[str, int]) -> int:
    """Return in how many cases there is a proposal."""
    return sum(number for proposal, number in proposals.items() if proposal != NO_PROPOSAL)


def difference_cells(figures: Figures | Hidden) -> tuple[str, ...]:
    """Return a row of the table of differences, in the order of `DIFFERENCE_COLUMNS`; hidden figures give the words alone."""
    if isinstance(figures, Hidden):
        return (str(figures),)
    start = (str(figures.cases), str(figures.compared))
    found = figures.difference
    if not isinstance(found, Difference):
        return (*start, str(found) if found else _NOTHING)
    amounts = (found.mean, found.median, found.lowest, found.highest, found.total)
    return (*start, str(found.more), str(found.less), str(found.same), *(signed(amount) for amount in amounts))


def proposal_cells(figures: Figures | Hidden) -> tuple[str, ...]:
    """Return a row of the table of proposals, in the order of `PROPOSAL_COLUMNS`; hidden figures give the words alone."""
    if isinstance(figures, Hidden):
        return (str(figures),)
    return (
        str(figures.cases),
        *(f"{figures.proposals_before[one]} → {figures.proposals_after[one]}" for one in PROPOSALS),
        str(figures.changed_proposal),
        str(figures.changed_blanks),
        _left_words(figures.left_before),
        _left_words(figures.left_after),
    )


def _left_words(found: Left | Hidden) -> str:
    return swedish(found.amount) if isinstance(found, Left) else str(found)


def sides(result: Comparison) -> tuple[str, str]:
    """Say in words what stands before and after."""
    change = result.change
    before, after = _guidelines(change.before), _guidelines(change.after)
    if change.month is None:
        return before, after
    return f"{before}, {_months(result.months)}", f"{after}, {words.month(change.month)}"


def _guidelines(book: Rulebook) -> str:
    made_up = "" if "påhittad" in book.guidelines.municipality.casefold() or book.guidelines.status != "made_up" else " (påhittade)"
    return f"{words.clean(book.guidelines.municipality)}{made_up}, riktlinjer {book.guidelines.hash[:8]}"


def _months(months: tuple[Month, ...]) -> str:
    if len(months) == 1:
        return words.month(months[0])
    return f"{words.month(months[0])} till {words.month(months[-1])}" if months else "inga månader"


def explanations(result: Comparison) -> list[str]:
    """Return how the figures are to be read, a sentence or two each."""
    found = [*ABOUT, *(ABOUT_MONTH if result.change.month else ())]
    return [*found, SMALL.format(below=result.below)] if result.below else found


def as_data(result: Comparison) -> dict[str, Any]:
    """Return the comparison for programs: amounts are decimal strings in kronor, hidden figures have `hidden` and nothing else."""
    change = result.change
    return {
        "before": _book(change.before) | {"months": [str(month) for month in result.months]},
        "after": _book(change.after) | {"months": [str(change.month)] if change.month else [str(month) for month in result.months]},
        "small_groups_below": result.below,
        "all": _figures(result.whole),
        "groups": {
            dimension.value: [{"group": group.code, "label": group.label} | _figures(group.figures) for group in result.of(dimension)]
            for dimension in Dimension
        },
        "need_not_known": [{"reason": one.text, "before": _number(one.before), "after": _number(one.after)} for one in result.reasons],
    }


def _book(book: Rulebook) -> dict[str, Any]:
    guidelines = book.guidelines
    return {
        "municipality": guidelines.municipality,
        "guidelines_status": guidelines.status,
        "guidelines": guidelines.hash,
        "rulebook": book.hash,
        "program": book.program,
    }


def _figures(figures: Figures | Hidden) -> dict[str, Any]:
    if isinstance(figures, Hidden):
        return {"hidden": str(figures)}
    return {
        "cases": figures.cases,
        "proposals": {"before": dict(figures.proposals_before), "after": dict(figures.proposals_after)},
        "changed": {"proposal": figures.changed_proposal, "blanks": figures.changed_blanks, "either": figures.changed},
        "need_known": {"before": figures.known_before, "after": figures.known_after, "both": figures.compared},
        "difference": _difference(figures.difference),
        "left_to_caseworker": {"before": _left(figures.left_before), "after": _left(figures.left_after)},
    }


def _difference(found: Difference | Hidden | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if isinstance(found, Hidden):
        return {"hidden": str(found)}
    amounts = {name: kronor(getattr(found, name)) for name in ("total", "mean", "median", "lowest", "highest")}
    return amounts | {"more": found.more, "less": found.less, "same": found.same}


def _left(found: Left | Hidden) -> dict[str, Any]:
    return {"hidden": str(found)} if isinstance(found, Hidden) else {"cases": found.cases, "amount": kronor(found.amount)}


def _number(found: int | Hidden) -> int | dict[str, str]:
    return {"hidden": str(found)} if isinstance(found, Hidden) else found


def title(dimension: Dimension) -> str:
    """Return the heading of a dimension."""
    return TITLES[dimension]
