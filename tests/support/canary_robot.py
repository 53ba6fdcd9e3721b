"""The real program with bugs that quote what they have in hand: `python canary_robot.py run -c config.yaml`."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from itertools import count
from typing import Any

import robot.watching
from robot.cli import main
from robot.delivery import Delivery
from robot.worker import Worker

TEXT = "Kanarie-0001 Fågelsson 19900101-2385 kanarie-token-of-a-bug"
_EVERY = 25
_number = count()


def _in_a_thread() -> None:
    raise RuntimeError(TEXT)


async def _never_awaited() -> None:
    raise LookupError(TEXT)


class _Unraisable:
    def __del__(self) -> None:
        raise ValueError(TEXT)


def _quote(error: type[Exception], *values: Any) -> None:
    """Say the values in every way that a library might, and raise them."""
    for name in ("aiohttp.client", "asyncio", "sqlalchemy.engine", "some.library"):
        logging.getLogger(name).error("%s %r", TEXT, values, extra={"who": TEXT})
    logging.getLogger("some.library").debug(TEXT)
    logging.getLogger(TEXT).warning("%d", TEXT)
    warnings.warn(f"{TEXT} {values!r}", stacklevel=2)
    threading.Thread(target=_in_a_thread, name=TEXT).start()
    _Unraisable()
    asyncio.get_running_loop().create_task(_never_awaited())
    asyncio.get_running_loop().call_exception_handler({"message": TEXT, "exception": KeyError(TEXT)})
    try:
        raise KeyError(TEXT)
    except KeyError as cause:
        raise error(f"{TEXT} {values!r}") from cause


def _break(owner: type, step: str, error: type[Exception]) -> None:
    real = getattr(owner, step)

    async def breaking(self: Any, *arguments: Any, **named: Any) -> Any:
        if next(_number) % _EVERY == _EVERY - 1:
            _quote(error, arguments, named)
        return await real(self, *arguments, **named)

    setattr(owner, step, breaking)


def _no_figures(*_arguments: Any, **_named: Any) -> Any:
    if next(_number) % _EVERY == 0:
        raise RuntimeError(TEXT)
    return _look(*_arguments, **_named)


_look = vars(robot.watching)["look"]

if __name__ == "__main__":
    _break(Worker, "_assess", ValueError)
    _break(Worker, "_store", TypeError)
    _break(Delivery, "_receipt", RuntimeError)
    vars(robot.watching)["look"] = _no_figures
    main()
