"""Settings: config.yaml, overridden by environment variables (BISTANDSROBOT_SECTION__KEY). Secrets come from files only.

A mistake is told as file, line, key and what is allowed.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.case_systems.caremanagement import CareManagementSettings
from connectors.registers.ssbtek import SsbtekSettings
from robot.clock import Clock, SystemClock, WorldClock
from rules.facts import Source

Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]


class Section(BaseModel):
    """Base of the sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Municipality(Section):
    """Who runs the robot, and by which guidelines."""

    name: Annotated[str, Field(min_length=1, description="The municipality's name, for people.")]
    guidelines: Annotated[Path, Field(description="The guidelines file, relative to config.yaml.")]


class Storage(Section):
    """Where the robot keeps its queue and the key that its personal data is encrypted with."""

    database: Annotated[Path, Field(description="SQLite file, relative to config.yaml. Made at first start.")]
    key_file: Annotated[Path, Field(description="Master key, relative to config.yaml. Made at first start, readable by the robot alone.")]


class RegisterPolicy(Section):
    """Which sources are asked and how long they are waited for."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1, description="Sources asked, each with its legal ground in SoL 15 kap.")]
    deadline_s: Annotated[Seconds, Field(description="Longest wait for all answers about one case.")] = 45
    ask_again_s: Annotated[Seconds, Field(description="A source that failed is asked again after this long.")] = 300
    give_up_after_s: Annotated[
        float, Field(ge=0, le=20 * 3600, description="After this long the case goes with a blank. With `run --once` it is 0.")
    ] = 4 * 3600
    ssbtek: SsbtekSettings


class Schedule(Section):
    """How often the robot looks. Seconds of the machine."""

    pull_every_s: Annotated[Seconds, Field(description="Ask the case system for new applications.")] = 60
    relist_every_s: Annotated[Seconds, Field(description="List all that nobody has begun, to see changed applications.")] = 900
    maintain_every_s: Annotated[Seconds, Field(description="Rescue expired leases, wake what is due or past its deadline.")] = 5
    misfire_grace_s: Annotated[int, Field(ge=1, le=3600, description="A job that is this late is still run, once.")] = 60
    pull_overlap_s: Annotated[Seconds, Field(description="Each pull looks back this far before the last, in the world's time.")] = 600
    ask_for_incomes_at_hour: Annotated[int, Field(ge=0, le=23, description="Hour of the day when resting cases are asked for again.")] = 6


class Work(Section):
    """How much is in hand at once, and for how long."""

    cases_in_flight: Annotated[int, Field(ge=1, le=500, description="Cases in hand at the same time.")] = 16
    lease_s: Annotated[Seconds, Field(description="A worker that has not been heard of for this long loses its case.")] = 60
    stop_within_s: Annotated[Seconds, Field(description="At SIGTERM: what is in hand may take this long to finish.")] = 30
    try_again_first_s: Annotated[Seconds, Field(description="First wait after a write that failed; doubles up to the last.")] = 5
    try_again_last_s: Annotated[Seconds, Field(description="Longest wait between tries.")] = 600
    once_limit_s: Annotated[Seconds, Field(description="`run --once` ends with an error after this long.")] = 1800


class Logs(Section):
    """What is logged and how."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="Least level that is logged.")] = "info"
    style: Annotated[Literal["auto", "json", "console"], Field(description="auto = console on a terminal, else JSON lines.")] = "auto"


class World(Section):
    """The demo's own time. Leave it out in production: the world's time is then the machine's."""

    start: Annotated[AwareDatetime | None, Field(description="The world's time at `epoch`.")] = None
    epoch: Annotated[float | None, Field(description="Seconds since 1970 at which the world began.")] = None
    day_length_s: Annotated[float | None, Field(gt=0, description="Real seconds that a day takes there.")] = None


class Settings(BaseSettings):
    """All that config.yaml may say."""

    model_config = SettingsConfigDict(
        env_prefix="BISTANDSROBOT_", env_nested_delimiter="__", extra="forbid", frozen=True, nested_model_default_partial_update=True
    )

    municipality: Municipality
    storage: Storage
    case_system: CareManagementSettings
    registers: RegisterPolicy
    schedule: Schedule = Schedule()
    work: Work = Work()
    logs: Logs = Logs()
    world: World = World()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def clock(self) -> Clock:
        """Return the world's clock: the machine's own unless `world.start` is set."""
        if self.world.start is None:
            return SystemClock()
        return WorldClock(self.world.start, day_length_s=self.world.day_length_s, epoch=self.world.epoch)


class SettingsError(Exception):
    """config.yaml cannot be used; `problems` has one sentence for each mistake: file, line, key, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("CFG-001 " + "; ".join(problems))
        self.problems = problems


def load(path: Path) -> Settings:
    """Return the settings in a file, paths in it made absolute from the file's folder.

    Raises SettingsError when the file is missing, is no YAML mapping, has a key twice, or a value is not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read ({type(error).__name__}); give the file with -c"]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SettingsError([f"{path}:{line}: not valid YAML: {error.problem}"]) from None
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError([f"{path}:1: a mapping of sections is expected; see the documented config.yaml"])
    lines: dict[tuple[str, ...], int] = {}
    twice = [f"{path}:{line}: {key}: the key stands twice" for key, line in _index(node, (), lines)]
    if twice:
        raise SettingsError(twice)
    try:
        settings = Settings(**data)
    except ValidationError as error:
        raise SettingsError([_sentence(path, lines, problem) for problem in error.errors(include_url=False, include_input=False)]) from None
    return _absolute(settings, path.resolve().parent)


def _index(node: yaml.Node, at: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> list[tuple[str, int]]:
    """Note the line of every key; return the keys that stand twice."""
    twice: list[tuple[str, int]] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            if place in lines:
                twice.append((".".join(place), key.start_mark.line + 1))
            lines[place] = key.start_mark.line + 1
            twice += _index(value, place, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*at, str(number)] = value.start_mark.line + 1
            twice += _index(value, (*at, str(number)), lines)
    return twice


def _sentence(path: Path, lines: dict[tuple[str, ...], int], problem: Any) -> str:
    place = tuple(str(part) for part in problem["loc"])
    known = place
    while known and known not in lines:
        known = known[:-1]
    allowed = problem["msg"]
    if problem["type"] == "extra_forbidden":
        allowed = "no such setting; `bistandsrobot schema config` lists them"
    return f"{path}:{lines.get(known, 1)}: {'.'.join(place)}: {allowed}"


def _absolute(settings: Settings, folder: Path) -> Settings:
    def at(path: Path) -> Path:
        return Path(os.path.normpath(folder / path))

    return settings.model_copy(
        update={
            "municipality": settings.municipality.model_copy(update={"guidelines": at(settings.municipality.guidelines)}),
            "storage": settings.storage.model_copy(
                update={"database": at(settings.storage.database), "key_file": at(settings.storage.key_file)}
            ),
        }
    )


def world_start(day: str) -> datetime:
    """Return eight in the morning of a day written YYYY-MM-DD, in Sweden: when the demo's world wakes up."""
    from robot.clock import STOCKHOLM

    return datetime.fromisoformat(day).replace(hour=8, tzinfo=STOCKHOLM)
