"""docs/scaling.md and its drawings, made from the figures that `scaling` keeps. Every number on the page comes from there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import scaling_words as words
from benchmarks.scaling_chart import Series, chart, told

SECTIONS = ("town", "queue", "audit", "idle", "latency", "two_robots", "rate", "country")
Figures = Mapping[str, Any]
Line = Mapping[str, Any]
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
_UNKNOWN = "–"
_MONTHS = 12
_SECONDS_AN_HOUR = 3600
_DEFAULT_IN_FLIGHT = 16
_BUSY_PERCENT = 20
_LEAST_DRAWN = 0.001


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to plan for: applications a month, and the hours in which they should all be prepared once they are there."""

    name: str
    applications: int
    hours: int

    @property
    def rate(self) -> float:
        """Cases a second."""
        return self.applications / self.hours / _SECONDS_AN_HOUR

    @property
    def a_year(self) -> int:
        """Applications a year."""
        return self.applications * _MONTHS


PLACES = (Place("a town", 400, 1), Place("Stockholm", 6_000, 1), Place("the whole country", 80_000, 8))


def write(figures: Figures, folder: Path) -> None:
    """Write the page beside the folder, and the drawings in it; a drawing that there are no figures for any more goes."""
    folder.with_suffix(".md").write_text(page(figures), encoding="utf-8")
    made = drawings(figures)
    for old in folder.glob("*.svg"):
        if old.stem not in made:
            old.unlink()
    for name, drawing in made.items():
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")


def drawings(figures: Figures) -> dict[str, str]:
    """Return each drawing by its name; those for which there are figures."""
    found = {
        "town": ("Cases a second, by cases and workers", "cases in the queue", "cases a second", _town_curves(figures)),
        "queue": ("Claiming and listing, by rows", "rows in the queue", "milliseconds", _queue_curves(figures)),
        "audit": ("Checking the audit, by lines", "lines of audit", "seconds", _audit_curves(figures)),
        "latency": ("Registers that take a second", "cases in flight", "cases a second", _latency_curves(figures)),
    }
    return {name: chart(title, x, y, series) for name, (title, x, y, series) in found.items() if any(one.points for one in series)}


def page(figures: Figures) -> str:
    """Return the whole page."""
    parts = [
        words.HEAD,
        _measured_on(figures),
        "## What to expect\n",
        _expect(figures),
        _settings(figures),
        "## Workers and cases\n",
        _drawn(figures, "town", "Cases a second by the number of cases, with 1, 2 and 4 workers"),
        _town(figures),
        "## Many rows\n",
        _drawn(figures, "queue", "Milliseconds of a claim and of a list by the number of rows"),
        _queue(figures),
        _drawn(figures, "audit", "Seconds to check the audit by its number of lines"),
        _audit(figures),
        "## Slow registers\n",
        _drawn(figures, "latency", "Cases a second by cases in flight when each answer takes a second"),
        _latency(figures),
        "## Several robots\n",
        _two_robots(figures),
        "## Memory, disk, and a robot with nothing to do\n",
        _memory(figures),
        _disk(figures),
        _idle(figures),
        "## The queue alone\n",
        _rate(figures),
        _limits(figures),
        words.REPEAT,
        _left_out(figures),
        words.FOOT,
    ]
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def lines(figures: Figures, section: str, **wanted: object) -> list[Line]:
    """Return the figures of one section that have these values."""
    found = figures.get(section, {}).get("lines", [])
    return [line for line in found if all(line.get(name) == value for name, value in wanted.items())]


def _curve(found: Sequence[Line], x: str, y: str) -> list[tuple[float, float]]:
    return sorted((line[x], max(line[y], _LEAST_DRAWN)) for line in found)


def _town_curves(figures: Figures) -> list[Series]:
    return [
        Series(
            f"{workers} × {name}",
            _curve(lines(figures, "town", store=store, workers=workers), "cases", "cases_per_s"),
            colour,
            store != "sqlite",
        )
        for store, name in NAMES.items()
        for colour, workers in enumerate((1, 2, 4))
    ]


def _queue_curves(figures: Figures) -> list[Series]:
    calls = (("claim", "claim_1_ms"), ("list 50", "list_ms"), ("count", "counts_ms"))
    return [
        Series(f"{name}, {NAMES[store]}", _curve(lines(figures, "queue", store=store), "rows", key), colour, store != "sqlite")
        for store in NAMES
        for colour, (name, key) in enumerate(calls)
    ]


def _audit_curves(figures: Figures) -> list[Series]:
    return [
        Series(name, _curve(lines(figures, "audit", store=store), "lines", "verify_s"), colour, store != "sqlite")
        for colour, (store, name) in enumerate(NAMES.items())
    ]


def _latency_curves(figures: Figures) -> list[Series]:
    found = lines(figures, "latency")
    if not found:
        return []
    slow = sorted((float(number), rate) for number, rate in found[0]["cases_per_s_by_in_flight"].items())
    without = found[0]["cases_per_s_without"]
    ends = (slow[0][0], max(slow[-1][0], slow[0][0] * 2))
    return [Series("a second each", slow, 0), Series("no latency", [(x, without) for x in ends], 1, dashed=True)]


def _best(figures: Figures) -> Line | None:
    """Return the line to plan by: one worker on a file with the most cases, where the start weighs least."""
    return max(lines(figures, "town", store="sqlite", workers=1), key=lambda line: int(line["cases"]), default=None)


def _of_best(figures: Figures, key: str) -> float | None:
    best = _best(figures)
    return None if best is None else float(best[key])


def _cpu_ms(figures: Figures) -> float | None:
    return _of_best(figures, "robot_cpu_ms_per_case")


def _seconds_per_case(figures: Figures) -> float | None:
    """Return how long a case takes when each register answer takes a second: by the fewest in flight, where nothing else holds it up."""
    found = lines(figures, "latency")
    if not found:
        return None
    fewest = min(found[0]["cases_per_s_by_in_flight"], key=int)
    return float(int(fewest) / found[0]["cases_per_s_by_in_flight"][fewest])


def _mb_per_1000(figures: Figures, store: str) -> float | None:
    """Return the growth of the database between the fewest cases and the most, for each 1 000."""
    sizes = sorted((line["cases"], line["database_mb"]) for line in lines(figures, "town", store=store, workers=1))
    if len(sizes) < 2 or sizes[-1][0] == sizes[0][0]:
        return None
    return float((sizes[-1][1] - sizes[0][1]) / (sizes[-1][0] - sizes[0][0]) * 1000)


def _measured_on(figures: Figures) -> str:
    runs: dict[str, list[str]] = {}
    for section in SECTIONS:
        if on := figures.get(section, {}).get("machine"):
            told_once = f"{on['on']}: {on['cores']} cores, {on['memory_gb']} GB, Python {on['python']}"
            if on["busy_percent_before"] > _BUSY_PERCENT:
                told_once += f". {words.BUSY.format(percent=on['busy_percent_before'])}"
            runs.setdefault(told_once, []).append(section)
    if not runs:
        return "Nothing has been measured yet.\n"
    return "Measured:\n\n" + "".join(f"- {run} ({', '.join(sections)})\n" for run, sections in runs.items())


def _in_flight(place: Place, figures: Figures) -> int | None:
    """Return the cases in flight that a place takes when each register answer takes a second."""
    seconds = _seconds_per_case(figures)
    return None if seconds is None else max(1, math.ceil(place.rate * seconds))


def _expect(figures: Figures) -> str:
    rate, cpu, asked = (_of_best(figures, key) for key in ("cases_per_s", "robot_cpu_ms_per_case", "requests_per_case"))
    disk, rows = _mb_per_1000(figures, "sqlite"), []
    for place in PLACES:
        in_flight = _in_flight(place, figures)
        rows.append(
            (
                f"{place.name}: {told(place.applications)} a month",
                f"{place.hours} h",
                _number(place.rate),
                _number(in_flight),
                _number(None if in_flight is None else 2 * in_flight),
                _number(None if asked is None else place.rate * asked),
                _number(None if cpu is None else place.rate * cpu / 10, "\u00a0%"),
                _duration(None if rate is None else place.applications / rate),
                _number(None if disk is None else disk * place.a_year / 1_000_000, "\u00a0GB"),
            )
        )
    head = (
        "where",
        "to be done within",
        "cases/s",
        "in flight",
        "pool",
        "requests/s to the neighbours",
        "of one core",
        "as fast as here",
        "database a year",
    )
    return _table(head, rows, words.EXPECT)


def _settings(figures: Figures) -> str:
    most = max((_in_flight(place, figures) or 0 for place in PLACES), default=0)
    enough = f"The default {_DEFAULT_IN_FLIGHT} is enough for all places above." if 0 < most <= _DEFAULT_IN_FLIGHT else ""
    return words.SETTINGS.format(seconds=_number(_seconds_per_case(figures)), enough=enough).replace(" \n", "\n")


def _town(figures: Figures) -> str:
    head = (
        "store",
        "workers",
        "cases",
        "cases/s",
        "of one worker",
        "robot CPU, ms a case",
        "neighbours' CPU, ms",
        "of bare HTTP",
        "largest process, MB",
    )
    keys = ("cases_per_s", "ratio_to_one_worker", "robot_cpu_ms_per_case", "neighbours_cpu_ms_per_case", "ratio_to_bare_http", "peak_mb")
    found = [
        line for store in NAMES for line in sorted(lines(figures, "town", store=store), key=lambda line: (line["cases"], line["workers"]))
    ]
    rows = [(NAMES[line["store"]], line["workers"], told(line["cases"]), *(line.get(key, _UNKNOWN) for key in keys)) for line in found]
    return _table(head, rows, words.TOWN)


def _queue(figures: Figures) -> str:
    head = (
        "store",
        "rows",
        "claim 1, ms",
        "claim 16, ms",
        "finish, ms",
        "list 50, ms",
        "count, ms",
        "open, ms",
        "claim, of that with fewest rows",
    )
    keys = ("claim_1_ms", "claim_16_ms", "finish_ms", "list_ms", "counts_ms", "open_ms", "claim_ratio_to_fewest")
    rows = [(NAMES[line["store"]], told(line["rows"]), *(line[key] for key in keys)) for line in lines(figures, "queue")]
    return _table(head, rows, words.QUEUE)


def _audit(figures: Figures) -> str:
    rows = [
        (NAMES[line["store"]], told(line["lines"]), _number(line["verify_s"]), told(line["lines_per_s"]))
        for line in lines(figures, "audit")
    ]
    return _table(("store", "lines of audit", "`audit verify`, s", "lines/s"), rows)


def _latency(figures: Figures) -> str:
    found = lines(figures, "latency")
    if not found:
        return ""
    one, shares = found[0], found[0]["share_by_in_flight"]
    rows = [(number, rate, f"{round(100 * shares[number])} %") for number, rate in one["cases_per_s_by_in_flight"].items()]
    begin = f"Without latency: {one['cases_per_s_without']} cases/s. With {one['latency_s']:g} s for each register answer:\n\n"
    return begin + _table(("cases in flight", "cases/s", "of the pace without"), rows, words.LATENCY)


def _two_robots(figures: Figures) -> str:
    found = lines(figures, "two_robots")
    if not found:
        return ""
    one, two = found[0]["cases_per_s"]
    return words.TWO_ROBOTS.format(
        ratio=found[0]["ratio"], one=one, two=two, in_flight=found[0]["cases_in_flight"], latency=found[0]["latency_s"]
    )


def _memory(figures: Figures) -> str:
    found = (*lines(figures, "town", workers=1), *lines(figures, "country"))
    longest = max(found, key=lambda line: int(line["cases"]), default=None)
    if longest is None:
        return ""
    tenths = longest["rss_mb_at_tenths"]
    drift = 100 * (max(tenths[1:], default=tenths[0]) / tenths[0] - 1)
    seen = ", ".join(f"{mb:.0f}" for mb in tenths)
    return words.MEMORY.format(cases=told(longest["cases"]), seen=seen, peak=longest["peak_mb"], drift=drift)


def _disk(figures: Figures) -> str:
    rows = [
        (name, f"{mb:.1f}", *(f"{mb * place.a_year / 1_000_000:.2f}" for place in PLACES))
        for store, name in NAMES.items()
        if (mb := _mb_per_1000(figures, store)) is not None
    ]
    return _table(("database", "MB for 1\u00a0000 cases", *(f"{place.name}, GB a year" for place in PLACES)), rows)


def _idle(figures: Figures) -> str:
    head = ("nothing to do", "CPU, % of a core", "memory, MB", "wake-ups/s", "start to first claim, s")
    keys = ("idle_cpu_percent", "idle_rss_mb", "idle_wakeups_per_s", "start_to_claim_s")
    return _table(head, [(NAMES[line["store"]], *(line[key] for key in keys)) for line in lines(figures, "idle")])


def _rate(figures: Figures) -> str:
    found = lines(figures, "rate")
    if not found:
        return ""
    rows = [
        (name, what.replace("_", " "), *_by_processes(by))
        for store, name in NAMES.items()
        for what, by in found[0].get(store, {}).items()
        if isinstance(by, Mapping)
    ]
    ratios = found[0].get("ratio_in_batches_to", {})
    told_ratios = "; ".join(
        f"{by['sqlite']['rate']} times {peer}'s best rate on a file and {by['postgres']['rate']} times on PostgreSQL"
        for peer, by in ratios.items()
    )
    return _table(("store", "way", "cases/s, one process", "two"), rows, words.RATE.format(ratios=told_ratios) if ratios else "")


def _by_processes(by: Mapping[Any, Any]) -> tuple[object, object]:
    """Return the rate of one process and of two. Figures just measured have numbers for names, those that were kept have texts."""
    if "per_s" in by:
        return by["per_s"], _UNKNOWN
    known = {str(processes): one["per_s"] for processes, one in by.items()}
    return known.get("1", _UNKNOWN), known.get("2", _UNKNOWN)


def _limits(figures: Figures) -> str:
    most = max(lines(figures, "queue", store="sqlite"), key=lambda line: int(line["rows"]), default=None)
    return words.LIMITS.format(
        cpu=_number(_cpu_ms(figures)),
        requests=_number(_of_best(figures, "requests_per_case")),
        rows=_UNKNOWN if most is None else told(most["rows"]),
        claim=_UNKNOWN if most is None else most["claim_1_ms"],
    )


def _left_out(figures: Figures) -> str:
    left = [f"{section} ({what})" for section in SECTIONS for what in figures.get(section, {}).get("left_out", [])]
    return f"Not measured in the last run, for lack of time: {'; '.join(left)}.\n" if left else ""


def _drawn(figures: Figures, name: str, what: str) -> str:
    return f"![{what}](scaling/{name}.svg)\n" if name in drawings(figures) else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], below: str = "") -> str:
    """Return a table and what is said about it, nothing when it has no rows."""
    if not rows:
        return ""
    told_rows = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in row)} |\n" for row in told_rows) + below


def _number(value: float | None, unit: str = "") -> str:
    """Return a figure with two digits that count; a whole number as it is."""
    if value is None:
        return _UNKNOWN
    return (told(round(value)) if value >= 10 or value == round(value) else f"{value:.2g}") + unit


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _UNKNOWN
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
