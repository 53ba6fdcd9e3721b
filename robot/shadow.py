"""Shadow mode: the case system is read and never written, whatever the rest of the program wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from connectors.case_systems.port import CaseApplication, CaseListed, CaseReading, CaseSystem, Effect, Receipt, Standing, StoredDraft
from connectors.errors import PermanentError
from connectors.handshake import Handshake


class ReadOnly:
    """A case system of which only the reading half works. In shadow mode the robot has no other."""

    def __init__(self, real: CaseSystem) -> None:
        self._real = real
        self.name = real.name

    def find_new(self, since: datetime | None) -> AsyncIterator[CaseListed]:
        """Read, as the real one does."""
        return self._real.find_new(since)

    def find_begun(self, since: datetime) -> AsyncIterator[CaseListed]:
        """Read, as the real one does."""
        return self._real.find_begun(since)

    async def application(self, case_id: str) -> CaseApplication:
        """Read, as the real one does."""
        return await self._real.application(case_id)

    async def reading(self, case: CaseApplication, *, partial: bool = False) -> CaseReading:
        """Read, as the real one does."""
        return await self._real.reading(case, partial=partial)

    async def standing(self, case_id: str, assigned_to: str | None) -> Standing:
        """Read, as the real one does."""
        return await self._real.standing(case_id, assigned_to)

    async def apply(self, effect: Effect) -> Receipt:
        """Refuse: raises PermanentError."""
        raise _refusal(self.name, effect)

    async def apply_if_ours(self, effect: Effect, assigned_to: str | None) -> Receipt | None:
        """Refuse, whoever has the case: raises PermanentError."""
        del assigned_to
        raise _refusal(self.name, effect)

    def warning_type(self, flag_code: str) -> str | None:
        """Read, as the real one does."""
        return self._real.warning_type(flag_code)

    async def stored(self, case_id: str) -> StoredDraft:
        """Read, as the real one does."""
        return await self._real.stored(case_id)

    async def check(self) -> Handshake:
        """Read, as the real one does."""
        return await self._real.check()

    async def aclose(self) -> None:
        """Close the real one."""
        await self._real.aclose()


def _refusal(name: str, effect: Effect) -> PermanentError:
    return PermanentError("BOT-022", f"{effect.kind} was refused: the robot is in shadow mode", neighbour=name)
