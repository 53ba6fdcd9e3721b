"""The glossary speaks the code's names: each one listed is found in code, rules or texts."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("robot", "connectors", "rules", "queue/workqueue")


def names() -> set[str]:
    """Return the names in the second column of the glossary's tables."""
    rows = [line.split("|") for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[2])}


def test_every_name_in_the_glossary_stands_in_the_code() -> None:
    files = [path for folder in FOLDERS for end in ("*.py", "*.yaml") for path in (ROOT / folder).rglob(end)]
    words = set(re.findall(r"[\w.]+", "\n".join(path.read_text(encoding="utf-8") for path in [*files, ROOT / "pyproject.toml"])))
    known = words | {word.rpartition(".")[2] for word in words}

    assert len(names()) > 50
    assert sorted(name for name in names() if name not in known) == []
