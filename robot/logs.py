"""Logs: JSON lines to standard output, or a console rendering on a terminal. No identity gets through.

Every event is listed in docs/events.md. The masking here is the last net, not the first: nobody may hand personal data to a log.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import Processor

from connectors.masking import mask, plain

LEVELS = ("debug", "info", "warning", "error")
_LINE_LIMIT = 4096
"""Characters. The kernel keeps a line of so many bytes whole when several workers write to one pipe; a longer one is shortened."""
_CUT_TEXT = 100
_REPEAT_S = 60.0
_REMEMBERED = 2000
_TIMES = frozenset({"until", "ms", "exc_info"})
"""Not what a line says, but when: they make no difference."""
_STRUCTLOG_OWN = ("_record", "_from_structlog")
"""What structlog carries along with a library's record, and takes away before anything is written."""


def _harmless(text: str) -> str:
    """Return a text without identity numbers, and without what could begin a line or steer the terminal that it is read on."""
    return plain(mask(text))


def _masked(value: Any) -> Any:
    """Return a value with every identity number in it masked; what is neither text, number nor collection is logged as text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        text = str(value)
        return value if mask(text) == text else mask(text)
    if isinstance(value, Mapping):
        return {_harmless(str(key)): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return _harmless(str(value))


def _mask_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key not in _STRUCTLOG_OWN:
            event[key] = _masked(value)
    return event


def _exception_without_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the type and the places of an exception, never its text: a message may quote a value from a case."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    error = info if isinstance(info, BaseException) else (info[1] if isinstance(info, tuple) else sys.exc_info()[1])
    if error is not None:
        event["exception"] = where(error)
    return event


def where(error: BaseException) -> dict[str, Any]:
    """Return an exception's type and its last places in the code, without its message."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"type": type(error).__name__, "at": places[-6:]}


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    line = orjson.dumps(event, default=str)
    if len(line) >= _LINE_LIMIT:
        line = orjson.dumps({key: _shortened(value) for key, value in event.items()}, default=str)
    return line.decode()


def _shortened(value: Any) -> Any:
    """Return how many there are in place of a collection, and the beginning of a text."""
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return f"({len(value)})"
    return value[:_CUT_TEXT] if isinstance(value, str) else value


def _numbered(worker: int) -> Processor:
    """Return what puts the number of this worker on every line."""

    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["worker"] = worker
        return event

    return add


def _from_level(level: int) -> Processor:
    """Return what lets through events of that level and above."""

    def drop(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if logging.getLevelNamesMapping().get(method.upper(), logging.ERROR) < level:
            raise structlog.DropEvent
        return event

    return drop


class Repeats:
    """Leaves out a line that says the same as one less than a minute ago; the next one tells how many were left out."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._said: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Pass an event on, or drop it."""
        same = (method, *(f"{key}={value}" for key, value in sorted(event.items()) if key not in _TIMES))
        now = self._monotonic()
        at, left_out = self._said.get(same, (-_REPEAT_S, 0))
        if now - at < _REPEAT_S:
            self._said[same] = (at, left_out + 1)
            raise structlog.DropEvent
        # Several threads log: each step is whole by itself, and none takes for granted what another may have taken away.
        self._said.pop(same, None)
        self._said[same] = (now, 0)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if left_out:
            event["repeated"] = left_out
        return event


def set_up(
    level: str = "info",
    style: Literal["auto", "json", "console"] = "auto",
    *,
    worker: int | None = None,
    watchers: Sequence[Processor] = (),
) -> None:
    """Send structlog's and the standard library's logs, and Python's warnings, to standard output in one form.

    `watchers` see every event of our own from info up, also when fewer are logged.

    Each event is one write, so that workers with the same standard output never mix inside a line. `worker` = this one's number, if it
    has one; it stands on every line.
    """
    least = getattr(logging, level.upper())
    console = style == "console" or (style == "auto" and sys.stdout.isatty())
    watching = [*watchers, _from_level(least)] if watchers else []
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        *([_numbered(worker)] if worker else []),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _exception_without_values,
        _mask_values,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty()) if console else _render_json
    structlog.configure(
        processors=[*watching, Repeats(), *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(min(least, logging.INFO) if watchers else least),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Else a warning, or a library's record that cannot be formatted, goes to standard error with the values it is about.
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    root.setLevel(least)
    # It warns whenever a job takes longer than its interval, which is in order: a long pull is one pull.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    for noisy in ("httpx", "httpcore", "aiohttp", "asyncio", "alembic", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def silenced() -> Iterator[None]:
    """Log nothing meanwhile: a command that asks the neighbours says itself what came of it, on a standard output of its own."""
    before, configured = structlog.get_config(), structlog.is_configured()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        if configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()


def _name_foreign(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A library's own record becomes the event `library.message`: which library, and the kind of record, never its arguments."""
    record = event.get("_record")
    event["library"] = record.name if record is not None else "unknown"
    event["event"] = "library.message"
    return event
