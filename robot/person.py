"""One person's cases in what the robot keeps: found by identity number, which is never logged or stored in clear."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from rules.context import is_right_number
from rules.facts import CaseFile, Member
from workqueue import WorkQueue
from workqueue.limits import RETENTION_BATCH

BATCHES_LIMIT = 100_000
"""So many batches of cases are looked through at most."""
_SEPARATORS = re.compile(r"[-+ ]")


def parse_number(text: str) -> str | None:
    """Return an identity number as twelve digits; None = it is none, or its check digit is wrong."""
    digits = _SEPARATORS.sub("", text.strip())
    if not re.fullmatch(r"[0-9]{12}", digits):
        return None
    return digits if is_right_number(Member(ref="applicant", role="applicant", personnummer=digits)) else None


def numbers_of(members: Iterable[Member]) -> list[str]:
    """Return the identity numbers of people, as far as they are known."""
    return [one.personnummer for one in members if one.personnummer]


def cases_of(queue: WorkQueue, number: str) -> list[str]:
    """Return the references of all versions that a person is in, oldest first.

    What an older program finished has no keyed hashes yet: its drafts are opened, once, and it gets them.
    """
    _give_hashes(queue)
    found: list[str] = []
    after: int | None = 0
    for _ in range(BATCHES_LIMIT):
        if after is None:
            break
        refs, after = queue.cases_of(number, after=after)
        found += refs
    return found


def newest_versions(queue: WorkQueue, refs: list[str]) -> Iterator[list[str]]:
    """Yield, in batches, the newest versions of the cases that some versions are of."""
    newest: dict[str, None] = {}
    for ref in refs:
        item = queue.item(ref)
        current = queue.item(item.case_id) if item is not None else None
        if current is not None:
            newest[current.case_ref] = None
    every = list(newest)
    for start in range(0, len(every), RETENTION_BATCH):
        yield every[start : start + RETENTION_BATCH]


def members_of(content: dict[str, object]) -> tuple[Member, ...]:
    """Return who is in a case, by its draft; nobody when the draft is of a shape that this program does not know."""
    try:
        return CaseFile.model_validate(content.get("case_file")).application.household.members
    except ValidationError:
        return ()


def _give_hashes(queue: WorkQueue) -> None:
    after = 0
    for _ in range(BATCHES_LIMIT):
        batch = queue.without_people(after=after)
        if not batch:
            return
        for number, ref in batch:
            people = {one for draft in queue.drafts(ref) for one in numbers_of(members_of(draft.content))}
            queue.set_people(ref, sorted(people))
            after = number
