"""Everything that can go wrong on the way to a neighbour, as coded errors.

Texts are fixed sentences: nothing from a request or an answer is in them.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import ConnectorError, PermanentError, RetriableError


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure. `again` = a read is worth repeating at once; `lost` = it speaks of a sick neighbour."""

    code: str
    sentence: str
    retriable: bool = True
    again: bool = True
    lost: bool = True


NOT_REACHED = Failure("NET-001", "could not be reached (name, address, port or connect time)")
NOT_TRUSTED = Failure("NET-002", "its certificate is not trusted, or it does not speak TLS", again=False)
CUT = Failure("NET-003", "the connection was lost before the whole answer had come")
TOO_SLOW = Failure("NET-004", "no whole answer within the total time", again=False)
LEFT_ALONE = Failure("NET-005", "not asked: it has failed repeatedly and is left alone for a while", again=False, lost=False)
BUSY = Failure("NET-006", "asked us to come back later", lost=False)
SICK = Failure("NET-007", "answered with a server error")
REFUSED = Failure("NET-008", "refused us: credentials, certificate or authorisation", retriable=False, again=False, lost=False)
UNEXPECTED = Failure("NET-009", "answered with an unexpected status", retriable=False, again=False, lost=False)
REDIRECTED = Failure("NET-010", "answered with a redirect, which is never followed", retriable=False, again=False, lost=False)
TOO_LARGE = Failure("NET-011", "the answer is larger than the limit", retriable=False, again=False, lost=False)
ENCODED = Failure("NET-012", "the answer is compressed although we asked for it plain", retriable=False, again=False, lost=False)
NOT_HTTP = Failure("NET-013", "the answer is not readable as HTTP")
WRONG_TYPE = Failure("NET-014", "answered with another kind of content, perhaps a login or error page")
NOT_JSON = Failure("NET-015", "the answer is not readable as JSON", again=False, lost=False)
POOL_BUSY = Failure("NET-016", "all our connections were busy for the whole time", again=False, lost=False)
CLOSED = Failure("NET-017", "not asked: the connection is being shut down", again=False, lost=False)
IDENTITY_IN_URL = Failure(
    "NET-018", "not asked: an identity number would have stood in the address", retriable=False, again=False, lost=False
)
REVOKED = Failure("NET-019", "its certificate has been revoked by its authority", again=False)
NO_LIST = Failure("NET-020", "no revocation list in force tells of its certificate (crl_file)", again=False)

FAILURES = {
    failure.code: failure
    for failure in (
        NOT_REACHED, NOT_TRUSTED, CUT, TOO_SLOW, LEFT_ALONE, BUSY, SICK, REFUSED, UNEXPECTED, REDIRECTED,
        TOO_LARGE, ENCODED, NOT_HTTP, WRONG_TYPE, NOT_JSON, POOL_BUSY, CLOSED, IDENTITY_IN_URL, REVOKED, NO_LIST,
    )
}  # fmt: skip

NOT_SENT = frozenset({LEFT_ALONE.code, POOL_BUSY.code, CLOSED.code})
"""Codes of questions that never went out: what they tell of the neighbour, others have told before."""


def error(
    failure: Failure, neighbour: str, *, unknown_outcome: bool = False, retry_after_s: float | None = None, status: int | None = None
) -> ConnectorError:
    """Return the error for a failure. A write whose outcome is unknown is always retriable: the caller must look whether it stands."""
    sentence = failure.sentence if status is None else f"{failure.sentence} (HTTP {status})"
    if failure.retriable or unknown_outcome:
        return RetriableError(failure.code, sentence, neighbour=neighbour, retry_after_s=retry_after_s, unknown_outcome=unknown_outcome)
    return PermanentError(failure.code, sentence, neighbour=neighbour)


def of_status(status: int) -> Failure:
    """Return what an unexpected status means."""
    if status in {408, 425, 429}:
        return BUSY
    if status >= 500:
        return SICK
    if status in {401, 403, 407}:
        return REFUSED
    if 300 <= status < 400:
        return REDIRECTED
    return UNEXPECTED
