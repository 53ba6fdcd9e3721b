"""docs/configuration.md: every setting with its kind, limits and default, made from the settings themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from robot.settings import Settings

COMMAND = "bistandsrobot schema config --markdown > docs/configuration.md"
_UNITS = {"_s": "seconds", "_ms": "milliseconds", "_bytes": "bytes", "_months": "months", "_days": "days"}
_HOURS = ("at_hour", "from_hour", "until_hour")
_KINDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "array": "list", "object": "section"}
_FORMATS = {"path": "file", "date": "date, YYYY-MM-DD", "date-time": "time with its zone, YYYY-MM-DDThh:mm:ss+01:00"}
_LIMITS = {"minimum": "at least {}", "exclusiveMinimum": "above {}", "maximum": "at most {}", "exclusiveMaximum": "below {}"}
_LENGTHS = {"minLength": ("at least {} character", 1), "maxLength": ("at most {} character", 0), "minItems": ("at least {} entry", 0)}
_INTRODUCTION = f"""# Configuration

Every setting of `config.yaml`: what it holds, its limits, and what holds when it is left out. This page is made from the settings
themselves, and a test keeps it so. After a change of a setting: `{COMMAND}`.

- The file is YAML; a section is a key with keys under it. A key that is not here, or that stands twice, is refused with file, line and
  what is allowed.
- Paths are relative to the folder of `config.yaml`. Secrets are files that the robot alone may read, never values.
- An environment variable wins over the file: `BISTANDSROBOT_` and the place with two underscores between, as in
  `BISTANDSROBOT_SCHEDULE__PULL_EVERY_S=120`. A list or a whole section is written as JSON.
- `bistandsrobot check` tries the file; a robot reads it when it starts. The default file with comments is [config.yaml](../config.yaml).
- The municipality's own rules are no settings: they stand in its guidelines ([guidelines.md](guidelines.md)).
"""


class _Table(NamedTuple):
    """One section's settings, and where in the file it may stand."""

    places: list[str]
    shape: Mapping[str, Any]
    many: bool

    @property
    def heading(self) -> str:
        """Return the places in words."""
        *others, last = self.places
        return (f"{', '.join(others)} and {last}" if others else last) + (" (each entry)" if self.many else "")


def configuration_page() -> str:
    """Return the page as Markdown."""
    schema = Settings.model_json_schema()
    tables = _tables(schema)
    return "\n".join([_INTRODUCTION, *(_section(table, tables, schema["$defs"]) for table in tables.values())])


def _tables(schema: Mapping[str, Any]) -> dict[str, _Table]:
    """Return every section by the name of its shape, in the order of the file; one that may stand in two places is listed once."""
    tables: dict[str, _Table] = {}

    def collect(shape: Mapping[str, Any], place: str) -> None:
        for key, one in shape["properties"].items():
            name, many = _refers_to(one, schema["$defs"])
            if name is None:
                continue
            here = f"{place}.{key}".lstrip(".")
            if name in tables:
                tables[name].places.append(here)
                continue
            tables[name] = _Table([here], schema["$defs"][name], many)
            collect(schema["$defs"][name], here)

    collect(schema, "")
    return tables


def _refers_to(one: Mapping[str, Any], shapes: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return which section a value is, if it is one, and whether it is a list of them."""
    many = one.get("type") == "array"
    found = [option["$ref"].rpartition("/")[2] for option in _options(one.get("items", one) if many else one) if "$ref" in option]
    return (found[0], many) if found and "properties" in shapes[found[0]] else (None, False)


def _options(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(one.get("anyOf", [one]))


def _section(table: _Table, tables: Mapping[str, _Table], shapes: Mapping[str, Any]) -> str:
    lines = [f"## {table.heading}", "", _first_line(table.shape), ""]
    lines += ["| key | kind, unit | limits | default | meaning |", "|---|---|---|---|---|"]
    required = table.shape.get("required", [])
    for key, one in table.shape["properties"].items():
        section, _ = _refers_to(one, shapes)
        kind = _kind(key, one, shapes) if section is None else _link(tables[section], many=one.get("type") == "array")
        default = "**required**" if key in required else _value(one.get("default"), is_section=section is not None)
        meaning = _sentence(one.get("description") or (_first_line(shapes[section]) if section else ""))
        cells = [f"`{key}`", kind, _limits(one), default, meaning]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _first_line(shape: Mapping[str, Any]) -> str:
    return str(shape.get("description", "")).split("\n")[0]


def _link(table: _Table, *, many: bool) -> str:
    anchor = "".join(sign for sign in table.heading.lower().replace(" ", "-") if sign.isalnum() or sign in "-_")
    return f"{'list of ' if many else ''}[{table.heading.removesuffix(' (each entry)')}](#{anchor})"


def _kind(key: str, one: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    """Return what a value is, in words, with its unit."""
    option = next((option for option in _options(one) if option.get("type") != "null"), one)
    if "$ref" in option:
        option = shapes[option["$ref"].rpartition("/")[2]]
    if "enum" in option:
        return "one of " + ", ".join(f"`{word}`" for word in option["enum"])
    if option.get("type") == "array":
        entries = _kind("", option.get("items", {}), shapes)
        return f"list of {entries.removeprefix('one of ')}"
    kind = _FORMATS.get(option.get("format", ""), _KINDS.get(option.get("type", ""), "text"))
    if kind not in ("number", "whole number"):
        return kind
    if key.endswith(_HOURS):
        return "hour of the day"
    unit = next((words for end, words in _UNITS.items() if key.endswith(end)), "")
    return f"{unit}, whole" if unit and kind == "whole number" else unit or kind


def _limits(one: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(words for option in _options(one) for words in _bounds(option))) or "–"


def _bounds(option: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _LIMITS.items():
        if name in option:
            yield words.format(_number(option[name]))
    for name, (words, _) in _LENGTHS.items():
        if name in option:
            many = "s" if "character" in words else ""
            counted = words.format(option[name]) + (many if option[name] != 1 else "")
            yield counted.replace("entry", "entries") if option[name] != 1 else counted
    if "maxItems" in option:
        yield f"at most {option['maxItems']} entries"
    if "pattern" in option:
        yield f"fits `{option['pattern']}`"
    if "pattern" in option.get("items", {}):
        yield f"each fits `{option['items']['pattern']}`"


def _number(value: float) -> str:
    return f"{value:,}".replace(",", " ").removesuffix(".0")


def _value(value: Any, *, is_section: bool) -> str:
    """Return a default in words."""
    if value is None:
        return "none"
    if is_section:
        return "those there" if isinstance(value, dict) else "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{int(value) if value == int(value) else value}`"
    if isinstance(value, list):
        return " ".join(f"`{one}`" for one in value) or "none"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _sentence(text: str) -> str:
    """Return a description as a sentence; one that begins with a value keeps it as it is written in the file."""
    first = text.split(" ", 2)
    begins_with_value = first[0].endswith(":") or first[1:2] == ["="]
    return (text if begins_with_value else text[:1].upper() + text[1:]) + ("" if text.endswith(".") else ".")
