"""Whom the registers hold records on: the people of the world, and those who move in when new applications arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.simulators.day import WorldDay
from connectors.simulators.world import ApplicationRecord, PersonRecord, World

MAX_ARRIVALS = 1_000
"""How many applications one POST /admin/arrive may bring people for."""

Arrivals = Callable[[int, int, date], Sequence[ApplicationRecord]]
"""Makes new applications: the number of the first, how many, and the day they arrive."""


class People:
    """Records by personnummer. An order to POST /admin/arrive is the same as the simulated case system takes, and may be repeated."""

    def __init__(self, world: World, day: WorldDay, arrivals: Arrivals) -> None:
        self._people = world.people()
        self._applications = {application.errand_id for application in world.applications}
        self._day = day
        self._arrivals = arrivals

    def find(self, personnummer: str) -> PersonRecord | None:
        """Return the person's records; None when nobody has that number."""
        return self._people.get(personnummer)

    def routes(self) -> list[Route]:
        """Return the routes under /admin that only this simulator has."""
        return [Route("/admin/arrive", self._arrive, methods=["POST"])]

    async def _arrive(self, request: Request) -> Response:
        try:
            wanted = await request.json()
            if not isinstance(wanted, dict) or wanted.keys() - {"count", "day", "first"}:
                raise ValueError("arrivals have count, day and first")
            count, first = wanted.get("count", 1), wanted.get("first", len(self._applications))
            if type(count) is not int or type(first) is not int or not 1 <= count <= MAX_ARRIVALS or first < 0:
                raise ValueError(f"count is a whole number from 1 to {MAX_ARRIVALS}, and first one of 0 or more")
            day = date.fromisoformat(str(wanted["day"])) if "day" in wanted else self._day.today()
        except ValueError as reason:
            return JSONResponse({"error": str(reason)}, status_code=400)
        new = [record for record in self._arrivals(first, count, day) if record.errand_id not in self._applications]
        for record in new:
            self._applications.add(record.errand_id)
            self._people |= {person.personnummer: person for person in record.people}
        return JSONResponse({"added": len(new), "first": first})
