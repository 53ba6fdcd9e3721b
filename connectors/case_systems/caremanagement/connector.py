"""CareManagement as a `CaseSystem`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from connectors.case_systems.caremanagement import application, eligibility, finding, history, people
from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.eligibility import Eligibility
from connectors.case_systems.caremanagement.errors import CARE, changed_meanwhile
from connectors.case_systems.caremanagement.fields import Unreadable
from connectors.case_systems.caremanagement.settings import CareManagementSettings, LifecareNames
from connectors.case_systems.caremanagement.standing import MAY_BE_OURS, Watch, assigned, decided
from connectors.case_systems.caremanagement.stored import stored_draft
from connectors.case_systems.caremanagement.tables import WARNING_OF_FLAG
from connectors.case_systems.caremanagement.version import Attached, version_of
from connectors.case_systems.caremanagement.writes import Writer, key_of
from connectors.case_systems.port import CaseApplication, CaseListed, CaseReading, Effect, Receipt, Standing, StoredDraft
from connectors.errors import ConnectorError
from connectors.handshake import Handshake
from connectors.transport import Tallies, Tally
from rules.facts import Application, History, Member, Unrecognised

T = TypeVar("T")
_ACCEPTED_OR_EMPTY = (200, 400)
"""Party may refuse an empty question; then it was there and let us in."""
_MOST_NOTES = 200


@dataclass(frozen=True, slots=True)
class _WithParties(CaseApplication):
    """An application with the party id behind each ref, kept so that it need not be read twice."""

    parties: Mapping[str, str] = field(default_factory=dict)


class CareManagement:
    """Find, read and write cases in CareManagement; persons by Party.

    `clock` gives the time that documents are dated with; `tallies` = where what comes of the questions is counted.
    """

    name = CARE

    def __init__(
        self,
        settings: CareManagementSettings,
        names: LifecareNames,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        tallies: Tallies = Tally,
    ) -> None:
        self._settings = settings
        self._names = names
        self._api = Api(settings, tallies)
        self._attached = Attached(self._api.attachments)
        self._watch = Watch(self._api, settings)
        self._writer = Writer(self._api, self._watch, settings, names, clock)

    def find_new(self, since: datetime | None) -> AsyncIterator[CaseListed]:
        """Yield the cases in status RECEIVED, oldest first, each once."""
        return finding.find_new(self._api, self._settings, since)

    def find_begun(self, since: datetime) -> AsyncIterator[CaseListed]:
        """Yield the cases in statuses that the robot sets, changed after `since`, oldest first, each once."""
        return finding.find_begun(self._api, self._settings, since)

    async def application(self, case_id: str) -> CaseApplication:
        """Read the application, whose case it is by the errand alone, and its version.

        What can't be read as an application says why in a code.
        """
        view = await self._api.view(case_id)
        if view is None:
            return await self._without_application(case_id)
        case = _WithParties(
            case_id=case_id,
            number=str(view.get("errandNumber") or case_id),
            version=version_of(view.get("data"), await self._attached.of(case_id, view)),
            standing=await self._watch.by_errand(case_id, view, assigned(view)),
            assigned_to=assigned(view),
            application=None,
            begun=view.get("status") in MAY_BE_OURS,
        )
        try:
            found = application.read(
                view | {"id": case_id}, municipality_id=self._settings.municipality_id, namespace=self._settings.namespace
            )
        except Unreadable as error:
            return replace(case, unreadable=error.code)
        return replace(case, application=found.application, parties=found.parties)

    async def reading(self, case: CaseApplication, *, partial: bool = False) -> CaseReading:
        """Read identities and history; nothing of them when a person has decided in the errand.

        Raises RetriableError when a part of it can't be read; with `partial` that part is unknown instead: no identity numbers, or
        `history.known` False.
        """
        if case.application is None:
            return CaseReading(case, History(known=False), protected=False)
        decisions = await self._api.decisions(case.case_id)
        if decided(decisions):
            return CaseReading(case, History(known=False, decided_by_person=True), protected=False)
        written = frozenset(key for row in decisions if (key := key_of(row.get("description"))) is not None)
        parties = await self._parties(case)
        month = case.application.month
        adults = [parties[member.ref] for member in case.application.household.members if member.role != "child"]
        first, last = month.plus(-self._settings.history_months).first, month.last
        legal_ids, eligible, *lists = await asyncio.gather(
            _read(self._api.legal_ids(list(parties.values())), partial),
            _read(self._api.eligibility(parties["applicant"], parties.get("co_applicant")), partial),
            *(_read(self._api.calculations(party, first, last), partial) for party in adults),
            *(_read(self._api.lifecare_decisions(party, first, last), partial) for party in adults),
        )
        members, notes = people.identify(case.application.household.members, parties, legal_ids or {})
        checked = eligibility.read(eligible) if eligible is not None else None
        past, unclear = history.read(
            history.Sources(calculations=lists[: len(adults)], decisions=lists[len(adults) :], eligibility=checked),
            case.application,
            members,
            self._names,
        )
        whole = _completed(case.application, members, checked, [*notes, *unclear])
        return CaseReading(replace(case, application=whole), past, protected=bool(checked and checked.protected), written=written)

    async def standing(self, case_id: str, assigned_to: str | None) -> Standing:
        """Say whose case it is now."""
        return await self._watch.standing(case_id, await self._api.errand(case_id), assigned_to)

    async def apply(self, effect: Effect) -> Receipt:
        """Do one write, looked for by its key first."""
        return await self._writer.apply(effect)

    async def apply_if_ours(self, effect: Effect, assigned_to: str | None) -> Receipt | None:
        """Do one write when the case is ours at that moment; None when it is a person's."""
        seen = await self._watch.look(effect, assigned_to)
        return None if seen is None else await self._writer.apply(effect, seen)

    async def stored(self, case_id: str) -> StoredDraft:
        """Read back what stands for a case."""
        return await stored_draft(self._api, self._watch, self._settings, self._names, case_id)

    def warning_type(self, flag_code: str) -> str | None:
        """Return the type of warning that fits a flag; None when none of CareManagement's does."""
        return WARNING_OF_FLAG.get(flag_code)

    async def check(self) -> Handshake:
        """Ask both neighbours whether they are there and let us in, without any person's data."""
        try:
            await self._api.list_errands(finding.condition(None), page=0, size=1)
            await self._api.legal_ids([], expected=_ACCEPTED_OR_EMPTY)
            types = await self._api.document_types()
        except ConnectorError as error:
            return Handshake(self.name, ok=False, message=str(error))
        if types and self._settings.document_type not in types:
            known = ", ".join(sorted(set(types)))
            return Handshake(
                self.name, ok=False, message=f"case_system.document_type is not one that CareManagement has; use one of: {known}"
            )
        return Handshake(self.name, ok=True, message="CareManagement and Party answer and let us in")

    async def aclose(self) -> None:
        """Close connections."""
        await self._api.aclose()

    async def _without_application(self, case_id: str) -> CaseApplication:
        errand = await self._api.errand(case_id)
        return CaseApplication(
            case_id=case_id,
            number=str((errand or {}).get("errandNumber") or case_id),
            version=version_of(None, ()),
            standing=await self._watch.by_errand(case_id, errand, assigned(errand or {})),
            assigned_to=assigned(errand or {}),
            application=None,
            unreadable="not_found" if errand is None else "no_data",
        )

    async def _parties(self, case: CaseApplication) -> Mapping[str, str]:
        if isinstance(case, _WithParties):
            return case.parties
        again = await self.application(case.case_id)
        if not isinstance(again, _WithParties) or again.version != case.version:
            raise changed_meanwhile()
        return again.parties


def _completed(found: Application, members: tuple[Member, ...], checked: Eligibility | None, notes: list[Unrecognised]) -> Application:
    """Return the application with what the other readings have added."""
    added = (*notes, *(checked.unrecognised if checked else ()))
    return found.model_copy(
        update={
            "household": found.household.model_copy(update={"members": members}),
            "protected": True if checked and checked.protected else found.protected,
            "unrecognised": (*added, *found.unrecognised)[:_MOST_NOTES],
        }
    )


async def _read(call: Awaitable[T], partial: bool) -> T | None:
    """Return what a call gives; with `partial`, None when the neighbour fails."""
    try:
        return await call
    except ConnectorError:
        if not partial:
            raise
        return None
