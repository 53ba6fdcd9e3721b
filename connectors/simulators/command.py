"""`bistandsrobot simulate registers|case-system`: the outside world of the demo, each in a process of its own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer
from starlette.types import ASGIApp

from connectors.simulators.day import WorldDay
from connectors.simulators.serve import serve
from connectors.simulators.world import World

simulate = typer.Typer(
    help="Serve a made-up municipality's neighbours over HTTP, on the real contracts. For demo, tests and training only.",
    no_args_is_help=True,
)

Seed = Annotated[int, typer.Option(min=0, help="Same seed, same world.")]
Cases = Annotated[
    int,
    typer.Option(min=1, max=100_000, help="How many applications there are. One seed has people for 1440: they apply again."),
]
Today = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The world's day.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="0 = any free port; it is printed.")]
Host = Annotated[str, typer.Option(help="Loopback unless you say otherwise.")]
DayLength = Annotated[float | None, typer.Option(min=1, help="Real seconds that a day takes in the world. Left out: as long as ours.")]

_DEMO_DAY = datetime(2026, 11, 30)  # noqa: DTZ001  a day, not a moment


@simulate.command()
def registers(
    seed: Seed = 7,
    cases: Cases = 300,
    today: Today = _DEMO_DAY,
    host: Host = "127.0.0.1",
    port: Port = 8081,
    day_length_s: DayLength = None,
) -> None:
    """Serve SSBTEK v10 at /ssbtek.

    Exit 0: stopped by SIGTERM or Ctrl-C. 1: the address is taken.

    Example: bistandsrobot simulate registers --seed 7 --cases 300 --port 8081
    """
    from connectors.simulators import ssbtek
    from connectors.simulators.population import MOST_APPLICATIONS

    # Who applies in several cases is one person here.
    world, day = _world(seed, min(cases, MOST_APPLICATIONS), today.date(), day_length_s)
    _serve(ssbtek.create_app(world, day=day, seed=seed), host, port)


@simulate.command("case-system")
def case_system(
    seed: Seed = 7,
    cases: Cases = 300,
    today: Today = _DEMO_DAY,
    host: Host = "127.0.0.1",
    port: Port = 8082,
    day_length_s: DayLength = None,
) -> None:
    """Serve CareManagement at /2281/DRAKEL and Party at /party.

    Exit 0: stopped by SIGTERM or Ctrl-C. 1: the address is taken.

    Example: bistandsrobot simulate case-system --seed 7 --cases 300 --port 8082
    """
    from connectors.simulators import caremanagement

    world, day = _world(seed, cases, today.date(), day_length_s)
    _serve(caremanagement.create_app(world, day=day), host, port)


def _serve(app: ASGIApp, host: str, port: int) -> None:
    try:
        serve(app, host=host, port=port)
    except OSError as error:
        typer.echo(f"bistandsrobot: {host}:{port} cannot be listened on: {error.strerror}", err=True)
        raise typer.Exit(1) from None


def _world(seed: int, cases: int, today: date, day_length_s: float | None) -> tuple[World, WorldDay]:
    from connectors.simulators.population import build

    return build(seed, cases, today), WorldDay(today, day_length_s=day_length_s)
