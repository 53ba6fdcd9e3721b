"""The simulated case system as one application: CareManagement at /{municipalityId}/{namespace}/..., Party at /party/..., admin at /admin.

Status history's `changedBy` is what stands before the semicolon of X-Sent-By (`bistandsrobot; type=custom` gives `bistandsrobot`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from connectors.simulators import population
from connectors.simulators.caremanagement import case_warnings, draft, errands, lifecare, papers, party, prepare
from connectors.simulators.caremanagement.admin import Admin, Arrivals
from connectors.simulators.caremanagement.calls import Handler, Resource
from connectors.simulators.caremanagement.caseworker import Caseworker
from connectors.simulators.caremanagement.hooks import Hooks
from connectors.simulators.caremanagement.papers import DOCUMENTS, JOURNAL, Papers
from connectors.simulators.caremanagement.problems import Refused
from connectors.simulators.caremanagement.store import Store
from connectors.simulators.day import WorldDay
from connectors.simulators.faults import FaultMiddleware, Faults
from connectors.simulators.world import World

DEMO_MUNICIPALITY = "2281"
DEMO_NAMESPACE = "DRAKEL"


def create_app(
    world: World,
    *,
    day: WorldDay,
    municipality_id: str = DEMO_MUNICIPALITY,
    namespace: str = DEMO_NAMESPACE,
    arrivals: Arrivals | None = None,
) -> Starlette:
    """Return the application. `arrivals` makes the applications that POST /admin/arrive lets in: those of the population by default."""
    faults = Faults(day)
    store = Store(world, day, municipality_id=municipality_id, namespace=namespace, note=faults.note)
    caseworker = Caseworker(store)
    hooks = Hooks(caseworker.act)
    admin = Admin(store, caseworker, hooks, arrivals or partial(population.arrivals, world.seed))
    return Starlette(
        routes=[_ByLength(_Routes(store, hooks).all()), *faults.admin_routes(), *admin.routes()],
        middleware=[Middleware(FaultMiddleware, faults=faults)],
        exception_handlers={HTTPException: _unknown},
    )


class _ByLength(BaseRoute):
    """Routes found among those whose path has as many parts: trying each of forty costs more than most answers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: defaultdict[int, list[Route]] = defaultdict(list)
        for route in routes:
            self._routes[route.path.count("/")].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the first route that fits the path; any method fits, for `Resource` refuses those it has not."""
        # A whole app may stand below a path of another one: only what comes after that is ours.
        parts = scope["path"].count("/") - scope.get("root_path", "").count("/")
        for route in self._routes.get(parts, ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, "route": route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the route that was found."""
        await scope["route"].handle(scope, receive, send)


class _Routes:
    """The paths of CareManagement and Party. Fixed words come before ids, the busiest first."""

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    def all(self) -> list[Route]:
        """Return every route."""
        return [*self._without_errand(), *self._financial_assistance(), *self._errand(), *self._party()]

    def _without_errand(self) -> list[Route]:
        return [
            self._at("/errands", {"GET": errands.find}, errand=None),
            self._at("/errands/count", {"GET": errands.count}, errand=None),
            self._at("/errands/documents/metadata", {"GET": DOCUMENTS.metadata}, errand=None),
            self._at("/errands/journal-entries/metadata", {"GET": JOURNAL.metadata}, errand=None),
            self._at("/errands/financial-assistance/calculations", {"GET": lifecare.calculations}, errand=None),
            self._at("/errands/financial-assistance/decisions", {"GET": lifecare.decisions}, errand=None),
            self._at("/errands/financial-assistance/eligibility", {"POST": lifecare.eligibility}, errand=None),
            self._at("/errands/financial-assistance/calculation/prepare", {"POST": prepare.prepare}, errand="body"),
            self._at("/errands/financial-assistance/calculation/commit", {"POST": prepare.commit}, errand="body"),
            self._at("/errands/financial-assistance/calculation/from-application", {"POST": prepare.from_application}, errand="body"),
        ]

    def _financial_assistance(self) -> list[Route]:
        one = "/errands/financial-assistance/{errandId}"
        rows = f"{one}/calculation/draft/{{section}}"
        return [
            self._at(one, {"GET": errands.read_view}),
            self._at(f"{one}/form-snapshot", {"GET": errands.form_snapshot}),
            self._at(f"{one}/warnings", {"GET": case_warnings.listed, "POST": case_warnings.add}),
            self._at(f"{one}/warnings/count", {"GET": case_warnings.counted}),
            self._at(f"{one}/warnings/{{warningId}}", {"PATCH": case_warnings.set_status}, bodiless=frozenset({"PATCH"})),
            self._at(f"{one}/calculation/draft", {"GET": draft.read}),
            self._at(f"{one}/calculation/draft/header", {"PATCH": draft.patch_header}),
            self._at(rows, {"POST": draft.add_row}),
            self._at(f"{rows}/{{rowId}}", {"PATCH": draft.patch_row, "DELETE": draft.delete_row}),
            self._at(f"{rows}/{{rowId}}/restore", {"POST": draft.restore_row}, bodiless=frozenset({"POST"})),
        ]

    def _errand(self) -> list[Route]:
        one = "/errands/{errandId}"
        return [
            self._at(one, {"GET": errands.read, "PATCH": errands.patch}),
            self._at(f"{one}/status-history", {"GET": errands.history}),
            self._at(f"{one}/attachments", {"GET": errands.attachments}),
            self._at(f"{one}/attachments/{{attachmentId}}", {"GET": errands.attachment}),
            self._at(f"{one}/attachments/{{attachmentId}}/file", {"GET": errands.attachment_file}),
            self._at(f"{one}/decisions", {"GET": papers.decisions, "POST": papers.add_decision}),
            self._at(f"{one}/decisions/{{decisionId}}", {"GET": papers.decision}),
            *self._papers(one, DOCUMENTS),
            *self._papers(one, JOURNAL),
        ]

    def _papers(self, one: str, kind: Papers) -> list[Route]:
        folder = f"{one}/{kind.folder}"
        return [
            self._at(folder, {"GET": kind.listed, "POST": kind.add}),
            self._at(f"{folder}/{{paperId}}", {"GET": kind.one, "PATCH": kind.change}),
            self._at(f"{folder}/{{paperId}}/lock", {"POST": kind.lock}),
        ]

    def _party(self) -> list[Route]:
        refused: Mapping[str, Handler] = {"GET": party.identity_in_address}
        return [
            self._route("/party/{municipalityId}/PRIVATE/legalIds", {"POST": party.legal_ids}, errand=None),
            self._route("/party/{municipalityId}/{type}/{id}/legalId", refused, errand=None),
            self._route("/party/{municipalityId}/{type}/{id}/partyId", refused, errand=None),
        ]

    def _at(
        self, path: str, handlers: Mapping[str, Handler], *, errand: str | None = "path", bodiless: frozenset[str] = frozenset()
    ) -> Route:
        return self._route("/{municipalityId}/{namespace}" + path, handlers, errand=errand, bodiless=bodiless)

    def _route(self, path: str, handlers: Mapping[str, Handler], *, errand: str | None, bodiless: frozenset[str] = frozenset()) -> Route:
        return Route(path, Resource(self._store, self._hooks, handlers, errand=errand, bodiless=bodiless))


async def _unknown(_: Request, error: Exception) -> Response:
    """Answer what has no path here, or no such method, by a problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return Refused(status, "No static resource found" if status == 404 else "Not supported").response()
