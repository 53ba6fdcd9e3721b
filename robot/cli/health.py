"""`bistandsrobot health`: ask the running robot whether it is ready, as a container's health check does."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Annotated

import typer

from robot.cli.options import EXIT_FAILED, ConfigOption, settings_from
from robot.cli.output import fail, say

_LONGEST_ANSWER = 100_000
_ANSWERS = (200, 503)


def health(
    config: ConfigOption = Path("config.yaml"),
    timeout_s: Annotated[float, typer.Option("--timeout-s", min=0.1, max=60, help="Longest wait for each worker's answer.")] = 3,
) -> None:
    """Ask each worker of the running robot whether it is ready: `health.listen` must be on. Opens neither database nor key.

    Exit 0: ready. 1: not ready, or no answer. 2: the configuration cannot be used.

    Example: bistandsrobot health -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    for number in range(settings.work.workers):
        _ready(settings.health.host, settings.health.port + number, timeout_s)
    say("ready")


def _ready(host: str, port: int, timeout_s: float) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", "/health/ready")
        with connection.getresponse() as answer:
            text = answer.read(_LONGEST_ANSWER)
        found = json.loads(text) if answer.status in _ANSWERS else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        fail(f"CLI-062 no answer from {host}:{port} ({type(error).__name__})", EXIT_FAILED)
    finally:
        connection.close()
    if not isinstance(found, dict) or found.get("ready") is not True:
        because = found.get("because") if isinstance(found, dict) else None
        why = ", ".join(map(str, because)) if isinstance(because, list) else f"answer {answer.status}"
        fail(f"CLI-063 {host}:{port} is not ready: {why}", EXIT_FAILED)
