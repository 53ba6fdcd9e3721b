"""What the workers that run say of themselves, asked over loopback. How many there are is what they say, not what is set."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from robot.settings_watching import Health

MOST_WORKERS = 64
_LONGEST_ANSWER = 100_000
_ANSWERS = (200, 503)


class NoAnswer(Exception):
    """Nobody answers at the worker's address, or not with something that can be read. Its text is the kind of error, and no more."""


class NotReady(Exception):
    """Somebody answers, who is not the robot, or is one that says no more than that it is not ready. Its text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """One worker's word. `workers` = how many it says that there are, None = it does not; `ill` = what, code and since when of each."""

    number: int
    workers: int | None
    ready: bool
    because: tuple[str, ...]
    ill: tuple[tuple[str, str, str], ...]


def ask(settings: Health, number: int, timeout_s: float) -> Said:
    """Ask one worker. Raises NoAnswer, and NotReady when whoever answers is not it."""
    connection = http.client.HTTPConnection(settings.host, settings.port + number - 1, timeout=timeout_s)
    try:
        connection.request("GET", "/health/ready")
        with connection.getresponse() as answer:
            text = answer.read(_LONGEST_ANSWER)
        found = json.loads(text) if answer.status in _ANSWERS else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise NoAnswer(type(error).__name__) from None
    finally:
        connection.close()
    if not isinstance(found, dict) or not isinstance(found.get("ready"), bool) or found.get("worker", number) != number:
        raise NotReady(f"answer {answer.status}")
    return _said(number, found)


def ask_all(settings: Health, count: int, timeout_s: float) -> list[Said | None]:
    """Ask every worker, the first one first; None = it does not answer. `count` = how many there are when none of the first two says."""
    found: dict[int, Said | None] = {}
    told = None
    for number in (1, 2):
        # One that is just being started anew does not hide the others.
        found[number] = _asked(settings, number, timeout_s)
        if (said := found[number]) is not None:
            told = said.workers
            break
    return [found[number] if number in found else _asked(settings, number, timeout_s) for number in range(1, (told or count) + 1)]


def _asked(settings: Health, number: int, timeout_s: float) -> Said | None:
    try:
        return ask(settings, number, timeout_s)
    except (NoAnswer, NotReady):
        return None


def _said(number: int, found: dict[str, Any]) -> Said:
    workers, because, ill = found.get("workers"), found.get("because"), found.get("ill")
    return Said(
        number=number,
        workers=workers if isinstance(workers, int) and 1 <= workers <= MOST_WORKERS else None,
        ready=found["ready"],
        because=tuple(map(str, because)) if isinstance(because, list) else (),
        ill=tuple((str(one.get("what")), str(one.get("code")), str(one.get("since"))) for one in ill if isinstance(one, dict))
        if isinstance(ill, list)
        else (),
    )
