"""What can go wrong with CareManagement and Party beyond the transport, as coded errors. Fixed sentences: no values from a case."""

from __future__ import annotations

from connectors.errors import PermanentError, RetriableError

CARE = "caremanagement"
PARTY = "party"


def not_contract(neighbour: str = CARE, *, unknown_outcome: bool = False) -> RetriableError:
    """The answer was JSON of another shape than the contract's."""
    return RetriableError(
        "CM-001",
        "an answer does not have the shape of the contract; compare the version in use with the contract",
        neighbour=neighbour,
        unknown_outcome=unknown_outcome,
    )


def list_too_long() -> RetriableError:
    """The list of new cases was not read to its end."""
    return RetriableError(
        "CM-002", "the list of new cases is longer than max_pages; raise case_system.max_pages or page_size", neighbour=CARE
    )


def illegal_transition(source: str, target: str) -> PermanentError:
    """The status that stands has no legal step to the one wanted."""
    return PermanentError(
        "CM-003", f"no legal step from status {source} to {target}, nothing was changed; look at the case", neighbour=CARE
    )


def history_lags() -> RetriableError:
    """The status history does not yet show the status that stands."""
    return RetriableError("CM-004", "the status history does not show the status that stands; it is asked again", neighbour=CARE)


def history_unsigned() -> PermanentError:
    """The status history does not say who changed the status."""
    return PermanentError(
        "CM-005",
        "the status history does not say who changed the status, so nothing is written; check that X-Sent-By reaches CareManagement",
        neighbour=CARE,
    )


def taken() -> RetriableError:
    """A person took the case between the last look and the write. Worth another look, not another try: `standing` says so then."""
    return RetriableError("CM-006", "a person has taken the case meanwhile, so the write was not made", neighbour=CARE)


def gone() -> PermanentError:
    """The case is no longer there."""
    return PermanentError("CM-007", "the case is not there any more, so the write was not made", neighbour=CARE)


def changed_meanwhile() -> RetriableError:
    """The application changed between two readings of it."""
    return RetriableError("CM-008", "the application changed while it was read; it is read again", neighbour=CARE)


def lifecare_silent() -> RetriableError:
    """CareManagement could not reach Lifecare."""
    return RetriableError("CM-009", "CareManagement could not reach Lifecare for the history; it is asked again", neighbour=CARE)


def no_party() -> PermanentError:
    """The calculation can't be prepared: the application no longer says who applies."""
    return PermanentError(
        "CM-010", "the application does not say who applies, so no calculation can be prepared; look at the case", neighbour=CARE
    )
