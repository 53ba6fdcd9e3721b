"""What is wrong with an answer of CareManagement or Party counts among its errors, also where the transport has nothing to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from connectors.case_systems.caremanagement.api import Api
from connectors.errors import ConnectorError
from connectors.transport import Tally
from tests.connectors.caremanagement_town import settings
from tests.connectors.transport_server import RawServer, Step, answer

DAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("step", "ask", "counted"),
    [
        (answer(200, b"[]"), lambda api: api.view("a"), {"caremanagement": {"CM-001": 1}, "party": {}}),
        (answer(200, b"{}"), lambda api: api.warnings("a"), {"caremanagement": {"CM-001": 1}, "party": {}}),
        (answer(200, b"{}"), lambda api: api.calculations("p", DAY, DAY), {"caremanagement": {"CM-001": 1}, "party": {}}),
        (answer(502), lambda api: api.calculations("p", DAY, DAY), {"caremanagement": {"CM-009": 1}, "party": {}}),
        (answer(200, b"{"), lambda api: api.errand("a"), {"caremanagement": {"NET-015": 1}, "party": {}}),
        (answer(200, b"[]"), lambda api: api.legal_ids(["p"]), {"caremanagement": {}, "party": {"CM-001": 1}}),
    ],
)
async def test_each_error_counts_once_for_the_neighbour_that_made_it(
    step: Step, ask: Callable[[Api], Awaitable[Any]], counted: dict[str, dict[str, int]]
) -> None:
    tallies = {name: Tally(name) for name in counted}
    async with RawServer(step).running() as server:
        api = Api(settings(server.url), tallies.__getitem__)
        with pytest.raises(ConnectorError):
            await ask(api)
        await api.aclose()

    assert {name: tally.errors for name, tally in tallies.items()} == counted
    assert sum(sum(tally.classes) for tally in tallies.values()) == 1
