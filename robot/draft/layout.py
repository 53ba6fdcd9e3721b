"""Plain text on a page 100 columns wide: paragraphs, fields and columns of amounts.

Lines break at ordinary spaces only, so that an amount with its no-break spaces stays whole.
"""

from __future__ import annotations

import re
import textwrap

from robot.draft import words

WIDTH = 100
_TOGETHER = re.compile(r" (?:(?<=\d )(?=(?:kap\.|§|%|kr\b|[a-z] §))|(?<=kap\. )(?=\d))")
_GLUE = "\x1f"
_EMPTY_LINES = re.compile(r"\n{3,}")
_AMOUNT_WIDTH = 17
_FIELD_AT = 17


def paragraph(text: str, indent: int = 0, hang: int = 0) -> str:
    """Return the text wrapped, every line indented, the second and later ones by `hang` more."""
    return "\n".join(_wrapped(text, WIDTH, " " * indent, " " * (indent + hang)))


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """Wrap a text; '12 kap. 7 §' and '12 %' are kept on one line."""
    lines = None
    if words.is_even(text):
        if len(first) + len(text) <= width:
            return [first + text]
        lines = _filled(_TOGETHER.sub(_GLUE, text), width, first, later)
    if lines is None:
        glued = _TOGETHER.sub(_GLUE, text)
        lines = textwrap.wrap(glued, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]


def _filled(text: str, width: int, first: str, later: str) -> list[str] | None:
    """Fill lines with words that have one space between, as `textwrap` does in ten times the time; None when a word is too long."""
    if len(first) > len(later):
        return None
    lines: list[str] = []
    begin, indent = 0, first
    while len(text) - begin > width - len(indent):
        end = text.rfind(" ", begin, begin + width - len(indent) + 1)
        if end < 0:
            return None
        lines.append(indent + text[begin:end])
        begin, indent = end + 1, later
    lines.append(indent + text[begin:])
    return lines


def bullet(text: str, indent: int = 2) -> str:
    """Return one item of a list."""
    return paragraph(f"- {text}", indent, 2)


def field(name: str, text: str, indent: int = 0) -> str:
    """Return a name and its text, the texts of several fields below each other in one column."""
    at = indent + _FIELD_AT
    lines = [" " * at + line for line in _wrapped(text, WIDTH - at) or ["–"]]
    if len(name) >= _FIELD_AT:
        return "\n".join([paragraph(name, indent, 2), *lines])
    lines[0] = " " * indent + name + lines[0][indent + len(name) :]
    return "\n".join(lines)


def columns(label: str, *values: str) -> str:
    """Return a label to the left and amounts in columns to the right; a long label takes more lines, the amounts stand on the last."""
    right = "".join(f"{value:>{max(_AMOUNT_WIDTH, len(value) + 1)}}" for value in values)
    room = WIDTH - len(right)
    lines = _wrapped(label, room, later="  ") or [""]
    return "\n".join([*lines[:-1], f"{lines[-1]:<{room}}{right}"])


def tidy(page: str) -> str:
    """Return the page without spaces at line ends and with single empty lines between its parts."""
    lines = [line.rstrip(" ") for line in page.split("\n")]
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"
