"""List the cases that nobody has begun, completely, although the list changes while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.errors import list_too_long, not_contract
from connectors.case_systems.caremanagement.fields import moment_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings
from connectors.case_systems.caremanagement.standing import RECEIVED
from connectors.case_systems.caremanagement.tables import SLUGS
from connectors.case_systems.port import CaseListed

_OVERLAP = timedelta(seconds=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


async def find_new(api: Api, settings: CareManagementSettings, since: datetime | None) -> AsyncIterator[CaseListed]:
    """Yield each new case once, oldest first.

    A case leaves the list when somebody begins it, and what comes after it moves up a place: page numbers would then skip cases. So
    the next question asks for what was created after the last one seen (a second of overlap, for equal times), and pages are turned
    only while one moment fills them. When the list shrinks under a turned page, its moment is read again from the start.
    Raises RetriableError, after what was found, when the list has not ended after `max_pages` questions.
    """
    seen: set[str] = set()
    bound, page, total = since, 0, None
    for _ in range(settings.max_pages):
        answer = await api.list_errands(condition(bound), page=page, size=settings.page_size)
        rows = _rows(answer)
        for row in rows:
            listed = _listed(row)
            if listed is not None and listed.case_id not in seen:
                seen.add(listed.case_id)
                yield listed
        total, before = _total(answer), total
        if page and total is not None and before is not None and total < before:
            page = 0
            continue
        if len(rows) < _limit(answer, settings.page_size):
            return
        further = _further(rows, bound)
        if further is None:
            page += 1
        else:
            bound, page, total = further, 0, None
    raise list_too_long()


def condition(since: datetime | None) -> str:
    """Return the filter for new cases, in spring-filter's syntax."""
    slugs = ",".join(f"'{slug}'" for slug in SLUGS)
    wanted = f"status:'{RECEIVED}' and typeSlug in [{slugs}]"
    if since is None:
        return wanted
    return f"{wanted} and created>'{since.astimezone(UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')}'"


def _listed(row: Mapping[str, Any]) -> CaseListed | None:
    case_id, status, slug = row.get("id"), row.get("status"), row.get("typeSlug")
    if not isinstance(case_id, str) or not case_id or status != RECEIVED or slug not in SLUGS:
        return None
    changes = [moment for key in ("modified", "touched") if (moment := moment_of(row.get(key)))]
    created = moment_of(row.get("created")) or min(changes, default=_NEVER)
    return CaseListed(case_id, created, max(changes, default=created))


def _further(rows: list[Mapping[str, Any]], bound: datetime | None) -> datetime | None:
    """Return a later moment to ask from, None when the page does not reach beyond the one asked from."""
    last = moment_of(rows[-1].get("created")) if rows else None
    if last is None or last <= _NEVER:
        return None
    later = last - _OVERLAP
    return later if bound is None or later > bound else None


def _rows(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = answer.get("errands")
    if rows is None:
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise not_contract()
    return rows


def _meta(answer: Mapping[str, Any], key: str) -> int | None:
    meta = answer.get("_meta")
    value = meta.get(key) if isinstance(meta, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _total(answer: Mapping[str, Any]) -> int | None:
    return _meta(answer, "totalRecords")


def _limit(answer: Mapping[str, Any], asked: int) -> int:
    """Return how many a full page holds: the server may give fewer at a time than we ask for."""
    return min(asked, _meta(answer, "limit") or asked)
