"""What the robot asks of any register service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from connectors.handshake import Handshake
from rules.facts import RegisterAnswer


@dataclass(frozen=True, slots=True)
class RegisterQuery:
    """One question about one person. `ref` is the person's name in the case file; `personnummer` has twelve digits.

    `case_number`, `purpose` and `law` are logged by the register by law; the connector's settings hold the last two.
    """

    ref: str
    personnummer: str
    case_number: str
    from_day: date
    to_day: date
    sources: Sequence[str]


class Registers(Protocol):
    """A service that answers for one or more sources about one person at a time."""

    name: str

    async def answers(self, query: RegisterQuery) -> list[RegisterAnswer]:
        """Return exactly one answer per source in `query.sources`, in that order.

        A source that failed, or that was asked and is missing from the reply, is `unavailable`: it is never left out.
        Raises RetriableError when the service as a whole gave no answer, PermanentError when it refused us.
        """
        ...

    async def check(self) -> Handshake:
        """Ask the service whether it is there, without any person's data."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
