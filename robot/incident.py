"""What a supplier may see when something is wrong: nothing of a case, no secret, no address.

Everything is let in by what it is, never kept out by what it looks like: a text that is not known to be harmless is left out.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections import deque
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import orjson

from connectors.masking import mask

PROBLEMS_LIMIT = 500
LINE_LIMIT_CHARACTERS = 20_000
LEFT_OUT = "(left out)"
_CODE = re.compile(r"\b[A-Z]{2,4}-\d{3}\b")
_LEVELS = frozenset({"warning", "error", "critical"})
_WORD = re.compile(r"[a-z]+(?:[._][a-z]+){0,6}")
_PLACE = re.compile(r"[\w<>.-]{1,80}:\d{1,6} [\w<>]{1,80}")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,60}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_SHAPES = {
    "event": _WORD,
    "level": _WORD,
    "job": _WORD,
    "neighbour": re.compile(r"caremanagement|party|ssbtek|registers|case_system"),
    "register": re.compile(r"ssbtek|registers"),
    "figure": re.compile(r"(?:proposal|blank|handed_over|flag|average)(?:\.[A-Za-z_]{1,40}){0,6}"),
    "library": re.compile(r"[a-z]+(?:[._][a-z]+){0,4}"),
    "step": _WORD,
    "state": _WORD,
    "code": _CODE,
    "at": _MOMENT,
    "case_ref": re.compile(r"[a-hjkmnp-z][a-hjkmnp-z2-9]{9}"),
}
"""What a log line may say, and how it must look to be let in."""
_FIGURES = frozenset(
    {"repeated", "lost_s", "cases", "in_hand", "worker", "number", "times", "attempts", "late_s", "exit_code", "before", "now"}
)
_OWN_WORDS = frozenset({"logs.level", "logs.style", "retention.policy", "alarms.mail.security", "case_system.document_type"})
"""Settings whose texts are the program's own words."""


def settings_shown(value: Any, place: str = "") -> Any:
    """Return settings with numbers and the program's own words; every other text only by whether it is set."""
    if isinstance(value, Mapping):
        return {str(key): settings_shown(inner, f"{place}.{key}" if place else str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        own = place == "registers.sources"
        return [str(one) for one in value] if own else f"({len(value)})"
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if mask(str(value)) == str(value) else LEFT_OUT
    return str(value) if place in _OWN_WORDS and _is_own(value) else LEFT_OUT


def _is_own(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,40}", value) is not None


def codes_in(text: str) -> list[str]:
    """Return the error codes in a text, and nothing else of it."""
    return sorted(set(_CODE.findall(text)))


def problems_in(lines: Iterable[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the last warnings and errors of a log, of each what is known to be harmless; and how many lines were not the robot's."""
    kept: deque[dict[str, Any]] = deque(maxlen=PROBLEMS_LIMIT)
    odd = 0
    for line in lines:
        event = _event(line)
        if event is None:
            odd += bool(line.strip())
        elif event.get("level") in _LEVELS:
            kept.append(_harmless(event))
    return list(kept), odd


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line) if len(line) <= LINE_LIMIT_CHARACTERS else None
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _harmless(event: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key, shape in _SHAPES.items():
        value = event.get(key)
        if isinstance(value, str):
            told[key] = value if shape.fullmatch(value) and mask(value) == value else LEFT_OUT
    told |= {key: event[key] for key in _FIGURES if type(event.get(key)) in (int, float) and abs(event[key]) < 1_000_000}
    exception = event.get("exception")
    if isinstance(exception, dict):
        places = exception.get("at")
        kind = str(exception.get("type"))
        told["exception"] = {
            "type": kind if _TYPE.fullmatch(kind) else LEFT_OUT,
            "at": [one for one in places if isinstance(one, str) and _PLACE.fullmatch(one)] if isinstance(places, list) else [],
        }
    return told


def machine() -> dict[str, Any]:
    """Return what the machine is and how it is: no host name, no user, no path."""
    memory = {}
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()[:3]:
            name, _, value = line.partition(":")
            memory[name] = value.strip()
    except (OSError, UnicodeDecodeError):
        memory = {}
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()],
        "memory": memory,
    }


def disk_free_bytes(folder: Path) -> int | None:
    """Return how much room there is where the database is; None = not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def packages() -> str:
    """Return every installed package with its version, a line each."""
    found = {(str(one.metadata["Name"] or ""), one.version) for one in distributions()}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found) if name)
