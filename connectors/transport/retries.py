"""When a read is tried again, and how long to wait first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from connectors.errors import RetriableError
from connectors.transport.failures import FAILURES
from connectors.transport.settings import TransportSettings

log = structlog.get_logger()


def asked_to_wait(headers: Mapping[str, str], at_most_s: float) -> float | None:
    """Return the seconds that Retry-After asks for (a number or a date), at most so many; None when it says nothing readable."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        wait_s = float(value) if value.isascii() and value.isdigit() else _until(value, headers.get("date"))
    except (ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), at_most_s) if math.isfinite(wait_s) else None


def _until(value: str, sent: str | None) -> float:
    # The neighbour's own Date is preferred to our clock: the two may differ.
    now = parsedate_to_datetime(sent) if sent else datetime.now(UTC)
    return (_aware(parsedate_to_datetime(value)) - _aware(now)).total_seconds()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retrying(settings: TransportSettings, *, total_s: float, left_alone: Callable[[], bool]) -> AsyncRetrying:
    """Return tenacity's loop: exponential waits with full jitter, Retry-After honoured, never past the total time.

    `left_alone` True = the breaker has opened meanwhile: no further try.
    """
    jitter = wait_random_exponential(multiplier=settings.backoff_first_s, max=settings.backoff_max_s)

    def wait(state: RetryCallState) -> float:
        exc = state.outcome.exception() if state.outcome else None
        asked = exc.retry_after_s if isinstance(exc, RetriableError) else None
        return max(jitter(state), asked or 0.0)

    def worth_it(exc: BaseException) -> bool:
        return isinstance(exc, RetriableError) and FAILURES[exc.code].again and not left_alone()

    return AsyncRetrying(
        retry=retry_if_exception(worth_it),
        stop=stop_after_attempt(settings.attempts) | stop_before_delay(total_s),
        wait=wait,
        sleep=asyncio.sleep,
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: RetryCallState) -> None:
    exc = state.outcome.exception() if state.outcome else None
    if isinstance(exc, RetriableError):
        log.debug(
            "neighbour.asked_again",
            neighbour=exc.neighbour,
            code=exc.code,
            attempt=state.attempt_number,
            next_try_s=round(state.upcoming_sleep, 2),
        )
