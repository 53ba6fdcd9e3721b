"""Settings: config.yaml, overridden by environment variables (BISTANDSROBOT_SECTION__KEY). Secrets come from files only.

A mistake is told as file, line, key and what is allowed.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field, PlainValidator, ValidationError, WithJsonSchema, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentRefused

from connectors.case_systems.caremanagement import CareManagementSettings
from connectors.registers.ssbtek import SsbtekSettings
from connectors.transport.settings import TransportSettings
from robot.alarm_settings import is_address, is_loopback, unusable
from robot.clock import STOCKHOLM, Clock, SystemClock, WorldClock
from robot.hours import Windows
from robot.secret_files import unsafe_key, unsafe_password
from robot.settings_file import PREFIX, ConfigFile, NotAnswered, SettingsError, read, unknown_in_environment, unreadable_in_environment
from robot.settings_watching import Alarms, Health, Seconds, Section
from rules.facts import Source
from workqueue import PostgresAddress, credential

__all__ = ["NotAnswered", "Settings", "SettingsError", "load", "world_start"]


def _place(value: object) -> Path | PostgresAddress:
    """Return a file or a server's database; what is wrong with an address is told without quoting it."""
    if isinstance(value, Path | PostgresAddress):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("a file, or postgresql://user@host:port/database")
    if value.startswith("postgresql:"):
        return PostgresAddress.parse(value)
    if "://" in value:
        raise ValueError("of servers only PostgreSQL: postgresql://user@host:port/database; else a file")
    return Path(value)


Place = Annotated[Path | PostgresAddress, PlainValidator(_place), WithJsonSchema({"type": "string"})]


class Municipality(Section):
    """Who runs the robot, and by which guidelines."""

    name: Annotated[str, Field(min_length=1, description="The municipality's name, for people.")]
    guidelines: Annotated[Path, Field(description="The guidelines file, relative to config.yaml.")]


class Storage(Section):
    """Where the robot keeps its queue and the key that its personal data is encrypted with."""

    database: Annotated[
        Place,
        Field(
            description="SQLite file, relative to config.yaml, made at first start; or, for several robots, the address of a database on a "
            "PostgreSQL server (15 or later): postgresql://user@host:port/database. Beyond this machine with "
            "?sslmode=verify-full&sslrootcert=FILE. Never with a password."
        ),
    ]
    key_file: Annotated[
        Path | None,
        Field(
            description="Master key, relative to config.yaml. Made at first start, readable by the robot alone. Several lines are several "
            "keys, the newest first. The systemd credential `master-key` goes before it, where there is one."
        ),
    ] = None
    password_file: Annotated[
        Path | None,
        Field(
            description="The PostgreSQL user's password, relative to config.yaml, readable by the robot alone. Without it the systemd "
            "credential `database-password` is used when there is one. Read anew for each connection."
        ),
    ] = None


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
    pull_lease_s: Annotated[
        float, Field(ge=1, le=3600, description="Of several robots one pulls; when it is not heard of for this long another takes over.")
    ] = 20
    pull_overlap_s: Annotated[Seconds, Field(description="Each pull looks back this far before the last, in the world's time.")] = 600
    case_system_open: Annotated[
        Windows,
        Field(description="When the case system may be asked and written; empty = always. Outside nothing goes on, deadlines neither."),
    ] = ()
    registers_open: Annotated[
        Windows, Field(description="When registers may be asked; empty = always. Cases rest until then, or until their deadline.")
    ] = ()
    quiet: Annotated[Windows, Field(description="When no new cases are taken, but for urgent ones and those at their deadline.")] = ()
    ask_for_incomes_at_hour: Annotated[int, Field(ge=0, le=23, description="Hour of the day when resting cases are asked for again.")] = 6


class Band(Section):
    """How far what the robot prepares may move before it pauses itself (docs/operations.md)."""

    watch: Annotated[bool, Field(description="Whether it is watched.")] = True
    cases: Annotated[int, Field(ge=25, le=10_000, description="So many of the latest cases are compared; with fewer nothing is.")] = 200
    before: Annotated[int, Field(ge=25, le=100_000, description="With so many before them; not while there are fewer than `cases`.")] = 2000
    share: Annotated[
        float, Field(gt=0, le=100, description="Percentage points that the share of cases with a proposal, blank or flag may move.")
    ] = 25
    average: Annotated[float, Field(gt=0, le=1000, description="Percent that the average norm, cost, income or need may move.")] = 40

    @model_validator(mode="after")
    def _enough_before(self) -> Self:
        if self.before < self.cases:
            raise ValueError("`before` is at least as many as `cases`")
        return self


class Work(Section):
    """How much is in hand at once, and for how long."""

    workers: Annotated[int, Field(ge=1, le=64, description="Processes that `run` starts; each has so many cases in hand.")] = 1
    cases_in_flight: Annotated[int, Field(ge=1, le=500, description="Cases in hand at the same time, in each process.")] = 16
    shadow: Annotated[
        bool, Field(description="Compute and record everything, and write nothing to the case system (docs/operations.md). For all robots.")
    ] = False
    lease_s: Annotated[float, Field(gt=0, le=3600, description="A worker that has not been heard of for this long loses its case.")] = 45
    most_crashes: Annotated[
        int, Field(ge=1, le=100, description="A case whose worker has died so many times goes to a person; once more, and ops get it.")
    ] = 3
    silent_s: Annotated[
        float,
        Field(
            ge=0.5,
            le=3600,
            description="Of several workers: one whose event loop has stood still for this long is ended, and another started. For one "
            "alone systemd does that (WatchdogSec).",
        ),
    ] = 60
    stop_within_s: Annotated[Seconds, Field(description="At SIGTERM: what is in hand may take this long to finish.")] = 30
    try_again_first_s: Annotated[Seconds, Field(description="First wait after a write that failed; doubles up to the last.")] = 5
    try_again_last_s: Annotated[Seconds, Field(description="Longest wait between tries.")] = 600
    band: Annotated[Band, Field(description="When the robot pauses itself.")] = Band()
    once_limit_s: Annotated[Seconds, Field(description="`run --once` ends with an error after this long.")] = 1800


class Audit(Section):
    """Where the end of the audit's chain is kept out of the robot's reach: without that nobody can see that its end was cut off."""

    head_file: Annotated[
        Path | None,
        Field(description="File that the chain's last line is appended to, relative to config.yaml: on another machine, or `chattr +a`."),
    ] = None
    head_every_s: Annotated[Seconds, Field(description="How often it is appended, when there is something new.")] = 300


class RetentionDecision(Section):
    """The municipality's own decision on how long what the robot keeps of a case is kept. It holds from a day on, until the next one."""

    since: Annotated[date, Field(description="The first day it holds for.")]
    keep_months: Annotated[int, Field(ge=1, le=1200, description="Months after the last thing that happened to a case.")]
    reference: Annotated[str, Field(min_length=5, max_length=500, description="Who decided it, when, and where it stands.")]
    research: Annotated[
        Literal["keep", "forget"],
        Field(description="Cases that the law keeps for research in the file: kept here too, or not because the file is kept elsewhere."),
    ] = "keep"


class Retention(Section):
    """Gallring: how long what the robot keeps is kept, and who says that it may be deleted (docs/retention.md)."""

    policy: Annotated[
        Literal["person", "decided"],
        Field(description="person = somebody approves each list; decided = the decision below is enough, and the robot does it by itself."),
    ] = "person"
    decisions: Annotated[
        tuple[RetentionDecision, ...],
        Field(max_length=100, description="The municipality's decisions, dated. While none holds, the law's five years for a file do."),
    ] = ()
    from_hour: Annotated[int, Field(ge=0, le=23, description="decided: from this hour of the day, in Sweden.")] = 1
    until_hour: Annotated[int, Field(ge=0, le=24, description="decided: until this hour; the rest is done the next night.")] = 5
    look_every_s: Annotated[Seconds, Field(description="decided: how often it is looked whether it is time.")] = 900
    batch: Annotated[int, Field(ge=1, le=100, description="Cases deleted in one transaction.")] = 20
    pause_ms: Annotated[int, Field(ge=0, le=60_000, description="Milliseconds between two, so that work goes on beside.")] = 100

    @model_validator(mode="after")
    def _whole(self) -> Self:
        days = [decision.since for decision in self.decisions]
        if len(set(days)) != len(days):
            raise ValueError("two decisions hold from the same day")
        if self.policy == "decided" and not days:
            raise ValueError("`decided` needs a decision with its date and reference")
        if self.from_hour >= self.until_hour:
            raise ValueError("`from_hour` comes before `until_hour`")
        return self


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
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, nested_model_default_partial_update=True
    )

    municipality: Municipality
    storage: Storage
    case_system: CareManagementSettings
    registers: RegisterPolicy
    schedule: Schedule = Schedule()
    work: Work = Work()
    audit: Audit = Audit()
    retention: Retention = Retention()
    logs: Logs = Logs()
    health: Health = Health()
    alarms: Alarms = Alarms()
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

    def addresses(self) -> dict[tuple[str, ...], str]:
        """Return the address of every neighbour, by its place in the file."""
        return {
            ("case_system", "base_url"): self.case_system.base_url,
            ("case_system", "party_url"): self.case_system.party_url,
            ("registers", "ssbtek", "url"): self.registers.ssbtek.url,
        }

    def transports(self) -> dict[tuple[str, ...], TransportSettings]:
        """Return how each neighbour is talked to, by its place in the file."""
        return {
            ("case_system", "transport"): self.case_system.transport,
            ("registers", "ssbtek", "transport"): self.registers.ssbtek.transport,
        }

    def only_loopback(self) -> bool:
        """Say whether every neighbour is on this machine. Others are never asked while there is no key that may be used."""
        database = self.storage.database
        return all(_is_loopback(url) for url in self.addresses().values()) and (isinstance(database, Path) or database.is_local())


def load(path: Path) -> Settings:
    """Return the settings in a file, paths in it made absolute from the file's folder.

    Raises SettingsError when the file is missing, is no YAML mapping, has a key twice, a value is not allowed, or too many may read or
    write it; NotAnswered when it was made by `init` and is not filled in.
    """
    file = read(path)
    problems = unknown_in_environment(frozenset(Settings.model_fields))
    if problems:
        raise SettingsError(problems)
    if waiting := file.not_answered():
        raise NotAnswered(waiting)
    try:
        settings = Settings(**file.data)
    except EnvironmentRefused as error:
        raise SettingsError([unreadable_in_environment(str(error))]) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise SettingsError([file.sentence(one["loc"], one["type"], one["msg"]) for one in found]) from None
    settings = _absolute(settings, path.resolve().parent)
    problems = _unusable(settings, file) or file.rights(may_be_read=settings.only_loopback())
    if problems:
        raise SettingsError(problems)
    return settings


def _unusable(settings: Settings, file: ConfigFile) -> list[str]:
    """Return what no single value shows by itself: addresses that are none, certificates that cannot be read."""
    problems = [
        file.sentence(place, "address", "an address is http:// or https:// with a host, without user, ? and #")
        for place, url in settings.addresses().items()
        if not _is_address(url)
    ]
    if settings.storage.key_file is None and credential() is None:
        problems.append(file.sentence(("storage", "key_file"), "missing", "a file, unless systemd gives the credential `master-key`"))
    problems += [file.sentence(("alarms", *key), "alarms", allowed) for key, allowed in unusable(settings.alarms)]
    if settings.alarms.mail and (unsafe := unsafe_password(settings.alarms.mail.password_file)) is not None:
        problems.append(file.sentence(("alarms", "mail", "password_file"), "rights", unsafe))
    for place, transport in settings.transports().items():
        if (unsafe := unsafe_key(transport)) is not None:
            problems.append(file.sentence(place, "rights", unsafe))
        if transport.ca_file or transport.crl_file or transport.client_certificate_file:
            # Loaded here alone: the client behind it is heavy, and most commands ask nobody.
            from connectors.transport.trust import ssl_context

            try:
                ssl_context(transport)
            except ValueError as error:
                problems.append(file.sentence(place, "certificate", str(error)))
    return problems


def _is_address(url: str) -> bool:
    return is_address(url) and not (urlsplit(url).query or urlsplit(url).fragment or "@" in urlsplit(url).netloc)


def _is_loopback(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname)


def _absolute(settings: Settings, folder: Path) -> Settings:
    """Return the settings with every path in them counted from the file's folder."""

    def at(path: Path) -> Path:
        return Path(os.path.normpath(folder / path))

    def files(transport: TransportSettings) -> TransportSettings:
        names = ("ca_file", "crl_file", "client_certificate_file", "client_key_file")
        return transport.model_copy(update={name: at(path) for name in names if (path := getattr(transport, name)) is not None})

    head_file = at(settings.audit.head_file) if settings.audit.head_file else None
    registers, case_system, storage = settings.registers, settings.case_system, settings.storage
    password_file = at(storage.password_file) if storage.password_file else None
    key_file = at(storage.key_file) if storage.key_file else None
    database = storage.database
    database = at(database) if isinstance(database, Path) else database.within(folder, password_file)
    ssbtek = registers.ssbtek.model_copy(update={"transport": files(registers.ssbtek.transport)})
    return settings.model_copy(
        update={
            "municipality": settings.municipality.model_copy(update={"guidelines": at(settings.municipality.guidelines)}),
            "storage": storage.model_copy(update={"database": database, "key_file": key_file, "password_file": password_file}),
            "audit": settings.audit.model_copy(update={"head_file": head_file}),
            "alarms": settings.alarms.with_files(at),
            "case_system": case_system.model_copy(update={"transport": files(case_system.transport)}),
            "registers": registers.model_copy(update={"ssbtek": ssbtek}),
        }
    )


def world_start(day: str) -> datetime:
    """Return eight in the morning of a day written YYYY-MM-DD, in Sweden: when the demo's world wakes up."""
    return datetime.fromisoformat(day).replace(hour=8, tzinfo=STOCKHOLM)
