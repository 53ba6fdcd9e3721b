"""`bistandsrobot alarm`: do alarms come, and does the robot run at all?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from robot import logs
from robot.cli.options import EXIT_FAILED, EXIT_NOT_ALLOWED, ConfigOption
from robot.cli.output import fail, say
from robot.looking_in import NotTold, Outside, look, outside, try_out
from robot.settings import SettingsError

alarm = typer.Typer(help="Try the alarms, and look at the robot from outside.", no_args_is_help=True)

KeptOption = Annotated[
    Path, typer.Option("--kept", dir_okay=False, help="File in which is kept since when the robot is silent; its folder must be there.")
]


@alarm.command("test")
def try_alarms(config: ConfigOption = Path("config.yaml")) -> None:
    """Send a message that says that it is a test by each way in `alarms`, and tell whether it was taken.

    The robot need not run. Taken is not yet read: see that the message has come.

    Exit 0: each way took it. 1: one did not, and why. 2: the configuration cannot be used, or names nobody to tell.

    Example: bistandsrobot alarm test -c /etc/bistandsrobot/config.yaml
    """
    to = _outside(config)
    if not to.is_somebody:
        fail("CLI-065 nobody is told of anything: set `alarms.webhook_url` or `alarms.mail`", EXIT_NOT_ALLOWED)
    with logs.silenced():
        came = try_out(to, datetime.now(UTC))
    for way, why in came.items():
        say(f"{way}: {f'NOT TAKEN: {why}' if why else 'taken'}")
    if any(came.values()):
        raise typer.Exit(EXIT_FAILED)


@alarm.command("look")
def look_in(kept: KeptOption, config: ConfigOption = Path("config.yaml")) -> None:
    """Ask the robot's page once; when it has not answered for `alarms.after_s` tell by `alarms`, and again when it does.

    For a timer, as the unit `bistandsrobot-look.timer`: a robot that does not run cannot tell so itself. `health.listen` must be on.

    Exit 0: the robot answers, or what there was to tell was told. 1: that could not be done; the next look tries again. 2: the
    configuration cannot be used, or names nobody to ask or to tell.

    Example: bistandsrobot alarm look -c /etc/bistandsrobot/config.yaml --kept /run/bistandsrobot-look/silent.json
    """
    at = _outside(config)
    if not at.is_somebody or not at.health.listen:
        fail("CLI-066 a look from outside needs `health.listen: true`, and `alarms.webhook_url` or `alarms.mail`", EXIT_NOT_ALLOWED)
    try:
        with logs.silenced():
            found = look(at, kept, datetime.now(UTC))
    except NotTold as error:
        fail(f"CLI-067 the robot's state could not be told: {error}", EXIT_FAILED)
    except OSError as error:
        fail(f"CLI-068 {kept} cannot be written ({type(error).__name__})", EXIT_FAILED)
    say(found.value)


def _outside(config: Path) -> Outside:
    try:
        return outside(config)
    except SettingsError as error:
        fail("CFG-001 the configuration cannot be used:\n  " + "\n  ".join(error.problems), EXIT_NOT_ALLOWED)
