"""`bistandsrobot health`: ask the running robot whether it is ready, as a container's health check does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robot.asking import NoAnswer, NotReady, Said, ask
from robot.cli.options import EXIT_FAILED, ConfigOption, settings_from
from robot.cli.output import fail, say
from robot.settings_watching import Health


def health(
    config: ConfigOption = Path("config.yaml"),
    timeout_s: Annotated[float, typer.Option("--timeout-s", min=0.1, max=60, help="Longest wait for each worker's answer.")] = 3,
) -> None:
    """Ask each worker of the running robot whether it is ready: `health.listen` must be on. Opens neither database nor key.

    How many workers there are is what the first one says of the robot that runs.

    Exit 0: ready. 1: not ready, or no answer. 2: the configuration cannot be used.

    Example: bistandsrobot health -c /etc/bistandsrobot/config.yaml
    """
    settings = settings_from(config)
    first = _ready(settings.health, 1, timeout_s)
    for number in range(2, (first.workers or settings.work.workers) + 1):
        _ready(settings.health, number, timeout_s)
    say("ready")


def _ready(health: Health, number: int, timeout_s: float) -> Said:
    place = f"{health.host}:{health.port + number - 1}"
    try:
        said = ask(health, number, timeout_s)
    except NoAnswer as error:
        fail(f"CLI-062 no answer from {place} ({error})", EXIT_FAILED)
    except NotReady as error:
        fail(f"CLI-063 {place} is not ready: {error}", EXIT_FAILED)
    if not said.ready:
        fail(f"CLI-063 {place} is not ready: {', '.join(said.because)}", EXIT_FAILED)
    return said
