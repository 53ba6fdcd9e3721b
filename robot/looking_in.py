"""Looks at the robot from outside, once: when it has not answered for a while somebody is told, and again when it does.

A robot that runs tells of its own illnesses; that it does not run it cannot tell. A timer of systemd has this done every other minute.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from robot.alarm_settings import unusable
from robot.alarms import Alarm, Alarming
from robot.asking import NoAnswer, NotReady, ask
from robot.condition import Condition, Illness
from robot.settings import NotAnswered, Settings, SettingsError, load
from robot.settings_file import read
from robot.settings_watching import Alarms, Health

ANSWER_LIMIT_S = 10.0
_KEPT_LIMIT_BYTES = 1024
_DOWN = "the robot does not answer: it is not running, or stands still"
_REMEDY = "`systemctl status bistandsrobot` and the end of `journalctl -u bistandsrobot` say why; docs/operations.md, Robot down"


class Found(StrEnum):
    """What a look has shown, and what was done about it."""

    ANSWERS = "the robot answers"
    SILENT = "the robot does not answer; somebody is told when that has lasted (`alarms.after_s`)"
    TOLD = "the robot does not answer; somebody was told now"
    TOLD_BEFORE = "the robot does not answer; somebody was told before"
    OVER = "the robot answers again; somebody was told now"


class NotTold(Exception):
    """An alarm was not taken by any way. The text says why."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What of the settings is needed to look from outside."""

    health: Health
    alarms: Alarms
    municipality: str

    @property
    def is_somebody(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self.alarms.webhook_url or self.alarms.mail)


def outside(config: Path) -> Outside:
    """Return the settings; of a configuration that the robot refuses, these alone. Raises SettingsError when they are refused, too.

    For a robot that has ended because its configuration cannot be used is one that somebody must be told of.
    """
    try:
        settings: Settings = load(config)
    except NotAnswered:
        raise
    except SettingsError as error:
        return _salvaged(config, error)
    return Outside(settings.health, settings.alarms, settings.municipality.name)


def _salvaged(config: Path, refused: SettingsError) -> Outside:
    data = read(config).data
    folder = config.resolve().parent
    try:
        alarms = Alarms.model_validate(data.get("alarms") or {}).with_files(folder.joinpath)
        health = Health.model_validate(data.get("health") or {})
    except ValidationError:
        raise refused from None
    if list(unusable(alarms)):
        raise refused
    municipality = data.get("municipality")
    return Outside(health, alarms, str(municipality.get("name", "")) if isinstance(municipality, dict) else "")


def try_out(to: Outside, now: datetime) -> dict[str, str]:
    """Send a message that says that it is a test by every way; return what came of each: '' = it was taken."""
    words = Illness("this is a test of the alarms, and nothing is wrong", "", now, now, "nothing")
    return asyncio.run(_alarming(to, now).by_each_way(Alarm(words, over=False, test=True)))


def look(at: Outside, kept: Path, now: datetime) -> Found:
    """Ask the robot, and tell what there is to tell. `kept` = file in which it stands since when the robot has been silent.

    Raises NotTold, and OSError when the file cannot be written: then the next look tells anew.
    """
    silent = _Silent.read(kept)
    if _answers(at.health):
        if silent is None:
            return Found.ANSWERS
        if silent.told:
            _tell(at, Alarm(_down(silent.since, now), over=True), now)
        kept.unlink(missing_ok=True)
        return Found.OVER if silent.told else Found.ANSWERS
    if silent is None:
        silent = _Silent(now, told=False)
        silent.write(kept)
    if silent.told:
        return Found.TOLD_BEFORE
    if now - silent.since < timedelta(seconds=at.alarms.after_s):
        return Found.SILENT
    _tell(at, Alarm(_down(silent.since, now), over=False), now)
    _Silent(silent.since, told=True).write(kept)
    return Found.TOLD


def _answers(health: Health) -> bool:
    """Say whether the first worker answers; one that says that it is not ready tells why by itself."""
    try:
        ask(health, 1, ANSWER_LIMIT_S)
    except NoAnswer:
        return False
    except NotReady:
        return True
    return True


def _down(since: datetime, now: datetime) -> Illness:
    return Illness(_DOWN, "CLI-062", since, now, _REMEDY)


def _tell(to: Outside, alarm: Alarm, now: datetime) -> None:
    came = asyncio.run(_alarming(to, now).by_each_way(alarm))
    if "" not in came.values():
        raise NotTold("; ".join(f"{way}: {why}" for way, why in came.items()))


def _alarming(to: Outside, now: datetime) -> Alarming:
    return Alarming(to.alarms, to.municipality, Condition(), lambda: now)


@dataclass(frozen=True, slots=True)
class _Silent:
    """Since when the robot has been silent, and whether somebody was told."""

    since: datetime
    told: bool

    @classmethod
    def read(cls, file: Path) -> _Silent | None:
        """Return what is kept; None = nothing, or nothing that can be read."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            with file.open("rb") as opened:
                found = json.loads(opened.read(_KEPT_LIMIT_BYTES))
            return cls(datetime.fromisoformat(found["since"]).astimezone(UTC), found["told"] is True)
        return None

    def write(self, file: Path) -> None:
        """Keep it: whole, or what was there."""
        beside = file.with_name(file.name + ".new")
        beside.write_text(json.dumps({"since": self.since.isoformat(), "told": self.told}), encoding="utf-8")
        os.replace(beside, file)
