"""The rule book of one month as a page: rules, parameters, guidelines, flags and coverage, put together from code and data.

Nothing is written twice: law and dates come from the registered rules, values from the parameter files, examples from the rules at work.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import rules
from robot import rulebook_words as say
from robot.draft import layout
from robot.rulebook_examples import worked
from robot.rulebook_texts import Area, RuleText, Texts, read_coverage, read_texts
from rules import Rulebook, RulebookError, labels
from rules.assessment import Severity
from rules.dated import Dated, Series
from rules.guideline_values import Guidelines, IncomeRule
from rules.legal import CaseTime, Rule, Version
from rules.month import Month

_TEMPLATES = Path(__file__).parent / "templates"
_PARAMETER_COLUMNS = ("Vad", "Värde", "Gäller", "Källa", "Kontroll")
AnyRule = Rule[..., Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its caption, the columns' names, and rows whose first cell names the row. `style` `values` = the second cell tells most."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    style: str = ""


@dataclass(frozen=True, slots=True)
class RulePart:
    """One rule on the page. `law` and `in_force` are of the version that the month is judged by; `others` are its other versions.

    `unknown` names the parameters that have no value for the month, in a sentence, or is empty.
    """

    name: str
    title: str
    text: tuple[str, ...]
    caseworker: str
    law: str
    in_force: str
    others: tuple[tuple[str, str], ...]
    parameters: Table | None
    unknown: str
    examples: tuple[tuple[str, str], ...]
    code_says: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one kind."""

    name: str
    title: str
    rules: tuple[RulePart, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All of the rule book of one month. `missing` = what the whole month lacks, told first; `statuses` = those on the page, explained."""

    month: str
    municipality: str
    made_up: bool
    missing: tuple[str, ...]
    introduction: tuple[str, ...]
    statuses: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    not_in_force: Table
    other_parameters: Table | None
    guidelines: tuple[Table, ...]
    guidelines_unknown: str
    flags: tuple[tuple[str, Table], ...]
    coverage: Table
    program: str
    hash: str


def page_of(month: Month, book: Rulebook) -> Page:
    """Put the rule book of a month together, by the rules for an application that came in before the month.

    Raises RulebookError when the texts cannot be used, or a registered rule has none: a page with a hole in it is not published.
    """
    texts, found = read_texts(), registered()
    if set(found) != set(texts.rules):
        names = ", ".join(sorted(set(found) ^ set(texts.rules)))
        raise RulebookError("rules/rule_texts.yaml", None, "rules", f"a rule without a text, or a text without a rule: {names}")
    numbers = {one.name: one for one in (*series_of(book.law), *series_of(book.guidelines))}
    parts = _Parts(month, book, texts, numbers)
    time = CaseTime(month, month.first)
    in_force = {name: version for name in texts.rules if (version := found[name].at(time)) is not None}
    groups = [
        Group(
            name,
            title,
            tuple(
                _rule(parts, texts.rules[one], found[one], version) for one, version in in_force.items() if texts.rules[one].group == name
            ),
        )
        for name, title in texts.groups.items()
    ]
    told = {name for one in in_force for name in _named(texts.rules[one].parameters, numbers)}
    rest = [one for one in series_of(book.law) if one.name not in told]
    return Page(
        month=labels.month(month),
        municipality=book.guidelines.municipality,
        made_up=book.guidelines.status == "made_up",
        missing=tuple(_missing(book, month)),
        introduction=texts.introduction,
        statuses=tuple(say.explained(_statuses(book, month))),
        groups=tuple(group for group in groups if group.rules),
        not_in_force=_not_in_force(texts, found, in_force),
        other_parameters=_parameters("Tal i lagen som ingen regel använder den här månaden", rest, month, texts),
        guidelines=tuple(_guidelines(book.guidelines, month, texts)),
        guidelines_unknown=_unknown(_settings(book.guidelines), month, texts) if _has_guidelines(book, month) else _no_guidelines(month),
        flags=tuple(_flags(book, texts)),
        coverage=coverage_table(read_coverage()),
        program=book.program,
        hash=book.hash,
    )


def registered() -> dict[str, AnyRule]:
    """Return every registered rule by its name, from the modules of `rules`."""
    modules = [importlib.import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__)]
    everything = [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]
    return {one.name: one for one in everything if one.versions}


def series_of(holder: object) -> Iterator[Series[Any]]:
    """Yield every dated value of the law's parameters or of a municipality's settings; the tables of costs and incomes are apart."""
    for field in fields(holder):  # type: ignore[arg-type] # both are dataclasses
        value = getattr(holder, field.name)
        if isinstance(value, Series):
            yield value
        elif isinstance(value, Mapping) and not isinstance(holder, Guidelines):
            yield from (one for one in value.values() if isinstance(one, Series))


def coverage_table(areas: Iterable[Area]) -> Table:
    """Return what of the law is modelled, as a table."""
    rows = tuple(
        (area.subject, area.law, f"{say.coverage(area.status)} från {labels.month(area.since)}", area.holds, area.not_held, area.who)
        for area in areas
    )
    return Table(
        "Vad i lagen som reglerna omfattar", ("Område", "Lag", "Läge", "Det roboten gör", "Det den inte gör", "Vem ser på det"), rows
    )


def as_html(page: Page) -> str:
    """Return the page as one HTML file without scripts or anything to be fetched."""
    return _environment().get_template("rulebook.html.j2").render(page=page).lstrip()


def as_text(page: Page) -> str:
    """Return the page as text for a terminal."""
    return layout.tidy(_environment().get_template("rulebook.txt.j2").render(page=page))


def table_as_text(table: Table) -> str:
    """Return one table as text for a terminal."""
    return layout.tidy(_environment().get_template("rulebook_table.txt.j2").render(table=table))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",), disabled_extensions=("txt.j2",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"bullet": layout.bullet, "field": layout.field, "paragraph": layout.paragraph}
    return environment


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the page of a month is put together from; `numbers` = every dated value by its name."""

    month: Month
    book: Rulebook
    texts: Texts
    numbers: Mapping[str, Series[Any]]


def _rule(parts: _Parts, text: RuleText, rule: AnyRule, version: Version[..., Any]) -> RulePart:
    used = [parts.numbers[name] for name in _named(text.parameters, parts.numbers)]
    return RulePart(
        name=text.name,
        title=text.title,
        text=text.text,
        caseworker=text.caseworker,
        law=version.law,
        in_force=say.in_force(version.in_force),
        others=tuple((_when(one, version), f"{one.law}, {say.in_force(one.in_force)}") for one in rule.versions if one is not version),
        parameters=_parameters(f"Belopp och gränser: {text.title}", used, parts.month, parts.texts),
        unknown=_unknown(used, parts.month, parts.texts),
        examples=tuple((example.situation, worked(example, parts.month, parts.book)) for example in text.examples),
        code_says=_unwrapped(inspect.cleandoc(version.apply.__doc__ or "")),
    )


def _unwrapped(text: str) -> str:
    """Return a text with each of its paragraphs on one line."""
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in text.split("\n\n"))


def _named(wanted: Iterable[str], numbers: Mapping[str, Series[Any]]) -> list[str]:
    """Return the names that exist among those wanted; 'riksnorm.child.*' means all that begin so."""
    found: list[str] = []
    for name in wanted:
        found += [one for one in numbers if (one.startswith(name[:-1]) if name.endswith("*") else one == name)]
    return list(dict.fromkeys(found))


def _when(other: Version[..., Any], shown: Version[..., Any]) -> str:
    """Say whether another version of a rule comes before or after the one that is shown."""
    return "Tidigare" if other.in_force.first < shown.in_force.first else "Senare"


def _parameters(caption: str, used: Iterable[Series[Any]], month: Month, texts: Texts) -> Table | None:
    """Return the parameters that have a value for the month as a table; None when there is none."""
    rows = tuple(_parameter(found, texts) for one in used if (found := one.at(month)) is not None)
    return Table(caption, _PARAMETER_COLUMNS, rows, "values") if rows else None


def _parameter(found: Dated[Any], texts: Texts) -> tuple[str, ...]:
    return (texts.parameter_names.get(found.name, found.name), say.value(found), say.months(found), *_origin(found))


def _origin(found: Dated[Any]) -> tuple[str, str]:
    """Return where a value was read and how surely: the last two cells of every table of values."""
    return found.source, say.status(found.status)


def _unknown(used: Iterable[Series[Any]], month: Month, texts: Texts) -> str:
    """Name the parameters that have no value for the month, in a sentence; nothing when all have."""
    names = [texts.parameter_names.get(one.name, one.name) for one in used if one.at(month) is None]
    return f"Inget värde är känt för {labels.month(month)}: {'; '.join(names)}. Handläggaren avgör." if names else ""


def _missing(book: Rulebook, month: Month) -> Iterator[str]:
    """Say what the whole month lacks, and for which months there is something."""
    norm = tuple(book.law.riksnorm.values())
    known = sum(one.at(month) is not None for one in norm)
    if known < len(norm):
        some = "Riksnormens belopp" if known == 0 else "Några av riksnormens belopp"
        yield (
            f"{some} för {labels.month(month)} är inte kända i regelboken. Rader som behöver dem lämnas tomma och handläggaren avgör. "
            f"Belopp från en annan tid används aldrig i stället. Alla belopp finns för {_known_months(norm)}."
        )
    if not _has_guidelines(book, month):
        yield _no_guidelines(month)


def _has_guidelines(book: Rulebook, month: Month) -> bool:
    return any(one.at(month) is not None for one in _settings(book.guidelines))


def _no_guidelines(month: Month) -> str:
    return f"Kommunens riktlinjer har inga värden för {labels.month(month)}. Det som riktlinjerna avgör lämnas till handläggaren."


def _known_months(norm: Iterable[Series[Any]]) -> str:
    """Return the periods in which every amount is known, those that follow upon each other as one."""
    periods: list[tuple[Month, Month]] = []
    for first, last in sorted(set.intersection(*({(value.since, value.until or value.since) for value in one.values} for one in norm))):
        if periods and periods[-1][1].plus(1) == first:
            periods[-1] = (periods[-1][0], last)
        else:
            periods.append((first, last))
    return ", ".join(say.span(*period) for period in periods) or "ingen månad"


def _settings(guidelines: Guidelines) -> list[Series[Any]]:
    """Return the municipality's limits and choices, without the tables of costs and incomes."""
    return [one for one in series_of(guidelines) if one.name.startswith(("guidelines.settings.", "guidelines.statements."))]


def _statuses(book: Rulebook, month: Month) -> Iterator[str]:
    """Yield the status of every value that holds in the month."""
    rules_of_incomes = [series for rule in book.guidelines.incomes.values() for series in (rule.whole, *rule.parts.values())]
    everything = (*series_of(book.law), *series_of(book.guidelines), *book.guidelines.costs.values(), *rules_of_incomes)
    yield from (found.status for one in everything if (found := one.at(month)) is not None)


def _not_in_force(texts: Texts, found: Mapping[str, AnyRule], in_force: Mapping[str, object]) -> Table:
    rows = tuple(
        (texts.rules[name].title, one.law, say.in_force(one.in_force))
        for name, rule in found.items()
        if name not in in_force
        for one in rule.versions
    )
    return Table("Regler som inte gäller den här månaden", ("Regel", "Lag", "Gäller"), rows)


def _guidelines(guidelines: Guidelines, month: Month, texts: Texts) -> Iterator[Table]:
    settings = _parameters("Gränser och val som kommunen har gjort", _settings(guidelines), month, texts)
    if settings is not None:
        yield settings
    costs = [(kind, found) for kind, series in guidelines.costs.items() if (found := series.at(month)) is not None]
    yield Table(
        "Kostnader enligt riktlinjerna. En kostnad som inte står här bedöms av handläggaren",
        ("Kostnad", "Riktlinje", "Underlag", "Gäller", "Källa", "Kontroll"),
        tuple(
            (labels.cost(kind), say.cost(found.value), say.proof(found.value), say.months(found), *_origin(found)) for kind, found in costs
        ),
    )
    by_size = [(kind, found.value.caps) for kind, found in costs if len(found.value.caps) > 1]
    if by_size:
        largest = max(len(caps) for _, caps in by_size)
        yield Table(
            "Högsta belopp per månad efter hushållets storlek; största hushållets belopp gäller också för större",
            ("Kostnad", *(f"{size} {'person' if size == 1 else 'personer'}" for size in range(1, largest + 1))),
            tuple(
                (labels.cost(kind), *(labels.kr(caps[min(size, len(caps)) - 1]) for size in range(1, largest + 1)))
                for kind, caps in by_size
            ),
        )
    yield Table(
        "Inkomster enligt kommunens lista. En inkomst som inte står här bedöms av handläggaren",
        ("Inkomst", "Uppgift från", "Så räknas den", "Gäller", "Källa", "Kontroll"),
        tuple(row for name, rule in guidelines.incomes.items() for row in _income(name, rule, month)),
    )
    same = guidelines.same_income.at(month)
    if same is not None and same.value:
        yield Table(
            "Samma inkomst under två namn räknas en gång",
            ("I ansökan", "I registret", "Gäller", "Källa", "Kontroll"),
            tuple((declared, benefit, say.months(same), *_origin(same)) for declared, benefit in say.pairs(same.value)),
        )


def _income(name: str, rule: IncomeRule, month: Month) -> Iterator[tuple[str, ...]]:
    told = ", ".join("ansökan" if origin == "application" else labels.source(origin) for origin in rule.origins)
    rows = [(labels.income(name), rule.whole)]
    rows += [(f"{labels.income(name)}: {', '.join(part for part in key if part)}", series) for key, series in rule.parts.items()]
    for label, series in rows:
        found = series.at(month)
        if found is not None:
            yield label, told, say.handling(found.value), say.months(found), *_origin(found)


def _flags(book: Rulebook, texts: Texts) -> Iterator[tuple[str, Table]]:
    captions = {
        Severity.STOP: "Stopp",
        Severity.URGENT: "Brådskande",
        Severity.REVIEW: "Handläggaren avgör",
        Severity.RESULT: "Förslag att se särskilt på",
        Severity.INFO: "Upplysningar",
    }
    for severity in Severity:
        rows = tuple((say.flag(code, spec.text), code) for code, spec in book.flags.specs.items() if spec.severity is severity)
        yield texts.severities[severity.value], Table(captions[severity], ("Flagga", "Kod"), rows)
