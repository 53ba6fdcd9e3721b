"""The three families of errors from outside: try again, a person must look, and (anything else) a bug.

Messages say what, which, why and what to do, and hold no personal data. Codes are listed in docs/errors.md.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base: a stable code, a sentence, and the neighbour it came from."""

    def __init__(self, code: str, message: str, *, neighbour: str) -> None:
        super().__init__(f"{code} {neighbour}: {message}")
        self.code = code
        self.neighbour = neighbour
        self.message = message


class RetriableError(ConnectorError):
    """Try again later. `retry_after_s` = how long the neighbour asked us to wait. `unknown_outcome` = a write may have taken effect."""

    def __init__(
        self, code: str, message: str, *, neighbour: str, retry_after_s: float | None = None, unknown_outcome: bool = False
    ) -> None:
        super().__init__(code, message, neighbour=neighbour)
        self.retry_after_s = retry_after_s
        self.unknown_outcome = unknown_outcome


class PermanentError(ConnectorError):
    """Trying again will not help: a person must look."""
