"""Who ran a command stands in the audit by what the system knows: nobody names somebody else by a variable."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from robot.cli import options

NOBODY = str(2**32 - 1)


def who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, login: str, own: int, **environment: str) -> str:
    names = {0: "root", 1001: "anna", 1002: "bo"}
    file = tmp_path / "loginuid"
    file.write_text(login, encoding="ascii")
    monkeypatch.setattr(options, "_LOGIN", file)
    monkeypatch.setattr(os, "getuid", lambda: own)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: pwd.struct_passwd((names[number], "x", number, number, "", "/", "/bin/sh")))
    for name in ("SUDO_UID", "SUDO_USER", "LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return options.user()


@pytest.mark.parametrize(
    ("login", "own", "environment", "expected"),
    [
        ("1001", 1001, {}, "anna"),
        ("1001", 0, {"SUDO_UID": "1001"}, "anna as root"),
        ("1001", 0, {"SUDO_UID": "1002"}, "anna as root"),
        ("1001", 1001, {"LOGNAME": "bo", "USER": "bo", "SUDO_USER": "bo", "SUDO_UID": "1002"}, "anna"),
        (NOBODY, 0, {"SUDO_UID": "1001"}, "anna as root"),
        (NOBODY, 1001, {"SUDO_UID": "1002"}, "anna"),
        (NOBODY, 0, {}, "root"),
        (NOBODY, 0, {"SUDO_UID": "no number"}, "root"),
        ("", 1002, {}, "bo"),
        (NOBODY, 1003, {}, "user 1003"),
    ],
)
def test_who_runs_a_command_is_who_the_system_knows(
    login: str, own: int, environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert who(monkeypatch, tmp_path, login=login, own=own, **environment) == expected


def test_where_the_system_does_not_keep_who_logged_in_it_is_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert who(monkeypatch, tmp_path, login="1001", own=1002).startswith("anna")
    monkeypatch.setattr(options, "_LOGIN", tmp_path / "empty" / "none")
    assert options.user() == "bo"
