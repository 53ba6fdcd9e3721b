"""List the cases that nobody has begun, completely, although the list changes while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.case_systems.caremanagement.api import Api
from connectors.case_systems.caremanagement.errors import list_too_long, not_contract
from connectors.case_systems.caremanagement.fields import moment_of
from connectors.case_systems.caremanagement.settings import CareManagementSettings
from connectors.case_systems.caremanagement.standing import MAY_BE_OURS, RECEIVED
from connectors.case_systems.caremanagement.tables import SLUGS
from connectors.case_systems.port import CaseListed

_OVERLAP = timedelta(seconds=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def find_new(api: Api, settings: CareManagementSettings, since: datetime | None) -> AsyncIterator[CaseListed]:
    """Yield each new case once, oldest first."""
    return _find(api, settings, frozenset({RECEIVED}), since)


def find_begun(api: Api, settings: CareManagementSettings, changed: datetime) -> AsyncIterator[CaseListed]:
    """Yield each case once that has a status which the robot's writes lead to, and was changed after that moment."""
    return _find(api, settings, MAY_BE_OURS, None, changed)


async def _find(
    api: Api, settings: CareManagementSettings, statuses: frozenset[str], since: datetime | None, changed: datetime | None = None
) -> AsyncIterator[CaseListed]:
    """Yield each case in those statuses once, oldest first.

    A case leaves the list when somebody begins it, and what comes after it moves up a place: page numbers would then skip cases. So
    the next question asks for what was created after the last one seen (a second of overlap, for equal times), and pages are turned
    only while one moment fills them. When the list shrinks under a turned page, its moment is read again from the start.
    Raises RetriableError, after what was found, when the list has not ended after `max_pages` questions.
    """
    seen: set[str] = set()
    bound, page, total = since, 0, None
    for _ in range(settings.max_pages):
        answer = await api.list_errands(condition(bound, statuses, changed), page=page, size=settings.page_size)
        rows = _rows(answer)
        for row in rows:
            listed = _listed(row, statuses)
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


def condition(since: datetime | None, statuses: frozenset[str] = frozenset({RECEIVED}), changed: datetime | None = None) -> str:
    """Return the filter for cases, new ones when nothing else is said, in spring-filter's syntax."""
    slugs = ",".join(f"'{slug}'" for slug in SLUGS)
    wanted = f"{_status(statuses)} and typeSlug in [{slugs}]"
    if since is not None:
        wanted += f" and created>'{_written(since)}'"
    if changed is not None:
        wanted += f" and modified>'{_written(changed)}'"
    return wanted


def _status(statuses: frozenset[str]) -> str:
    quoted = [f"'{status}'" for status in sorted(statuses)]
    return f"status:{quoted[0]}" if len(quoted) == 1 else f"status in [{','.join(quoted)}]"


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _listed(row: Mapping[str, Any], statuses: frozenset[str]) -> CaseListed | None:
    case_id, status, slug = row.get("id"), row.get("status"), row.get("typeSlug")
    if not isinstance(case_id, str) or not case_id or status not in statuses or slug not in SLUGS:
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
