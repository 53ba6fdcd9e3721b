"""The catalogue of flags, and how one is raised: by its code, with a key, in plain Swedish."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rules.assessment import Flag, Severity
from rules.strict_yaml import read_file

FILE = Path(__file__).parent / "flags.yaml"
_NOT_FILLED_IN = dict.fromkeys(("label", "source", "amount", "percent", "previous", "month"), "")
_ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """One kind of flag."""

    code: str
    severity: Severity
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every flag the rules can raise."""

    specs: Mapping[str, FlagSpec]
    hash: str

    def flag(self, code: str, key: str = "", *, person: str | None = None, more: str = "", **filled: str) -> Flag:
        """Return a flag; `more` is a sentence added to the catalogue's text."""
        spec = self.specs[code]
        text = spec.text.format_map({**_NOT_FILLED_IN, **filled})
        return Flag.model_construct(code=code, severity=spec.severity, key=key, text=f"{text} {more}".strip(), person=person)


def in_order(flags: list[Flag]) -> tuple[Flag, ...]:
    """Return the flags once each by code and key, the weightiest first, else in the order they were raised."""
    once = {(flag.code, flag.key): flag for flag in reversed(flags)}
    kept = [flag for flag in flags if once[(flag.code, flag.key)] is flag]
    return tuple(sorted(kept, key=lambda flag: _ORDER[flag.severity]))


def read_catalogue(path: Path = FILE) -> Catalogue:
    """Return the flags of flags.yaml. Raises RulebookError."""
    top, raw = read_file(path, "rules/flags.yaml")
    specs: dict[str, FlagSpec] = {}
    for code, place in top.table().items():
        fields = place.fields(required=("severity", "group", "text"))
        text = fields["text"].text()
        filled = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        if not filled <= _NOT_FILLED_IN.keys():
            raise fields["text"].error(f"only these may be filled in: {', '.join(sorted(_NOT_FILLED_IN))}")
        specs[code] = FlagSpec(code, Severity(fields["severity"].choice([str(one) for one in Severity])), fields["group"].text(), text)
    return Catalogue(MappingProxyType(specs), hashlib.sha256(raw).hexdigest())
