"""CareManagement keeps every promise of the port, against the simulator over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.connectors.caremanagement_town import Town, connected, record, town
from tests.connectors.case_system_conformance import Bench, CaseSystemConformance

RECORDS = tuple(record(number) for number in range(1, 6))


@pytest.fixture
def place() -> Iterator[Town]:
    with town(RECORDS) as opened:
        yield opened


class TestCareManagement(CaseSystemConformance):
    @pytest.fixture
    async def bench(self, place: Town) -> AsyncIterator[Bench]:
        def lose_next_answer() -> None:
            # Reads go through: the next request that writes is the one whose answer is lost.
            for method, path in (("POST", "/errands/"), ("PATCH", "/errands/")):
                place.post("/admin/faults", {"kind": "answer_lost", "method": method, "path_contains": path, "times": 1})

        async with connected(place.url, page_size=2) as system:
            yield Bench(
                system=system,
                new=tuple(one.errand_id for one in RECORDS),
                lose_next_answer=lose_next_answer,
                person_takes=lambda case_id: place.person(case_id, "start"),
                person_decides=lambda case_id: place.person(case_id, "decide"),
            )
