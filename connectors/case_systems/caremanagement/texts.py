"""What the applicant has written in own words, gathered by field."""

from __future__ import annotations

from collections.abc import Iterator


class Texts:
    """Texts by field; several in the same field become one, a line each, in the order they came."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, field: str, text: str | None) -> None:
        """Add a text; none is no text."""
        if text:
            self._lines.setdefault(field, []).append(text)

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield every field with its text."""
        for field, lines in self._lines.items():
            yield field, "\n".join(lines)
