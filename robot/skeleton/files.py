"""Writes a municipality's first files. Nothing that is there is ever touched: all are made, or none."""

from __future__ import annotations

import grp
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import robot
from robot.settings_file import ConfigFile, read
from robot.skeleton.answers import QUESTIONS
from rules.month import Month
from rules.strict_yaml import UNDECIDED
from workqueue import MasterKey

CONFIG, GUIDELINES, KEY, UNIT = "config.yaml", "guidelines.yaml", "master.key", "bistandsrobot.service"
LOOK, LOOK_TIMER = "bistandsrobot-look.service", "bistandsrobot-look.timer"
"""The units that have the robot looked at from outside."""
UNITS = (UNIT, LOOK, LOOK_TIMER)
GROUP = "bistandsrobot"
"""The service's group: it may read the configuration, and nobody else but its owner."""
_OF_THE_GROUP, _OF_ALL = 0o640, 0o644
_FOLDER_MODE = 0o750
_LINE = re.compile(r"(?P<key>\s*[\w-]+: )(?P<value>.*?)(?P<comment>\s+#.*)?")
_TO_CHANGE = re.compile(r"# CHANGE(: )?")
_PACKAGE = Path(robot.__file__).resolve().parent
_HEAD = """\
# bistandsrobot for {name}. Made by `bistandsrobot init`: what still says CHANGE ME waits for its answer, and the robot does not start
# before it has one. `bistandsrobot check -c FILE` lists what is missing.
"""


@dataclass(frozen=True, slots=True)
class Made:
    """Which files were made; `group` = that which may read the configuration, None = it could not be given to one."""

    files: tuple[Path, ...]
    group: str | None


def make(folder: Path, texts: Mapping[str, str]) -> Made:
    """Write these files and a new master key into a folder, which is made when it is not there.

    Raises FileExistsError, with the file's name, when one of them is there already: then nothing is made. Raises OSError when one
    cannot be written: what had been made is taken away again.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    there = next((folder / name for name in (*texts, KEY) if os.path.lexists(folder / name)), None)
    if there is not None:
        raise FileExistsError(str(there))
    group = _group()
    if is_new:
        _give(folder, _FOLDER_MODE, group)
    made: list[Path] = []
    try:
        for name, text in texts.items():
            made.append(_write(folder / name, text, _OF_ALL if name in UNITS else _OF_THE_GROUP, None if name in UNITS else group))
        MasterKey.load_or_create(folder / KEY)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return Made((*made, folder / KEY), group.gr_name if group else None)


def config_text(answers: Mapping[str, str], *, database: str) -> str:
    """Return the documented config.yaml with these answers in it, by the names of QUESTIONS; what has none is left to be answered."""
    shipped = _shipped(CONFIG, CONFIG)
    file = read(shipped)
    lines = shipped.read_text(encoding="utf-8").splitlines()
    known = {place: answers.get(question.name) for question in QUESTIONS for place in question.places}
    known |= {("municipality", "guidelines"): GUIDELINES, ("storage", "database"): database, ("storage", "key_file"): KEY}
    for place, answer in known.items():
        _set(file, lines, place, answer)
    return _HEAD.format(name=answers.get("name", "a municipality")) + "\n".join(lines[1:]) + "\n"


def guidelines_text(answers: Mapping[str, str], *, since: Month) -> str:
    """Return a guidelines file in which everything waits to be decided, its values from a month on."""
    name = answers.get("name")
    text = (_PACKAGE / "skeleton" / GUIDELINES).read_text(encoding="utf-8")
    text = text.replace("SINCE", str(since)).replace("{name: MUNICIPALITY", f"{{name: {_quoted(name) if name else UNDECIDED}")
    return text.replace("MUNICIPALITY", name or "a municipality", 1)


def unit_text(folder: Path, program: Path, unit: str = UNIT) -> str:
    """Return a shipped systemd unit for a configuration in this folder and a program at this place."""
    text = _shipped(unit, f"deploy/{unit}").read_text(encoding="utf-8")
    return text.replace("/opt/bistandsrobot/bin/bistandsrobot", str(program)).replace("/etc/bistandsrobot", str(folder))


def _set(file: ConfigFile, lines: list[str], place: tuple[str, ...], answer: str | None) -> None:
    """Put an answer on its key's line, whose comment stays where it was."""
    number = file.lines[place] - 1
    found = _LINE.fullmatch(lines[number])
    assert found is not None
    comment = (found["comment"] or "").strip()
    if answer is not None:
        comment = _TO_CHANGE.sub("# ", comment).strip().removesuffix("#").strip()
    column = len(lines[number]) - len((found["comment"] or "").lstrip())
    said = found["key"] + (UNDECIDED if answer is None else _quoted(answer))
    lines[number] = f"{said.ljust(column - 1)} {comment}".rstrip() if comment else said


def _quoted(text: str) -> str:
    """Return text as YAML that is read as just this text."""
    return json.dumps(text, ensure_ascii=False)


def _shipped(name: str, in_checkout: str) -> Path:
    """Return a file that goes with the program: in the installed package, or in a checkout."""
    for installed in (_PACKAGE / name, _PACKAGE / "skeleton" / name):
        if installed.exists():
            return installed
    return _PACKAGE.parent / in_checkout


def _group() -> grp.struct_group | None:
    """Return the service's group, when there is one and files may be given to it."""
    with suppress(KeyError):
        if os.geteuid() == 0:
            return grp.getgrnam(GROUP)
    return None


def _write(path: Path, text: str, mode: int, group: grp.struct_group | None) -> Path:
    """Make a file that was not there, with its rights from the first moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        try:
            _give(descriptor, mode, group)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return path


def _give(place: Path | int, mode: int, group: grp.struct_group | None) -> None:
    """Set the rights of a file or folder, and let the group have it."""
    os.chmod(place, mode)
    if group is not None:
        os.chown(place, -1, group.gr_gid)
