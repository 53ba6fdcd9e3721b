"""The Dockerfile's own steps, for tests that carry them out where there is no container engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DOCKERFILE = Path(__file__).resolve().parents[2] / "Dockerfile"


@dataclass
class Stage:
    """What one stage of the Dockerfile says, in its order."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def only(self, instruction: str) -> str:
        """Return what the one instruction of this name says."""
        (found,) = [words for name, words in self.steps if name == instruction]
        return found


def stages() -> list[Stage]:
    """Read the Dockerfile: instructions with their continued lines joined."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    found: list[Stage] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, words = line.partition(" ")
        if name == "FROM":
            found.append(Stage())
        found[-1].steps.append((name, " ".join(words.split())))
    return found
