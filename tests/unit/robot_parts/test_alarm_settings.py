"""Alarms that could never come are refused at start, with file, line and key: nobody finds out when it is too late."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.demo import default_config
from robot.settings import Settings, SettingsError, load

MAIL = "{host: HOST, security: SECURITY, sender: robot@example.se, to: [drift@example.se]}"


def with_alarms(tmp_path: Path, *lines: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.touch(0o600)
    path.write_text(default_config().read_text(encoding="utf-8") + "\n".join(["alarms:", *lines]) + "\n", encoding="utf-8")
    return load(path)


def mail(host: str, security: str) -> str:
    return "  mail: " + MAIL.replace("HOST", host).replace("SECURITY", security)


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("  webhook_url: larm", "alarms.webhook_url", "https:// with a host"),
        ("  webhook_url: https://[larm/hook", "alarms.webhook_url", "https:// with a host"),
        ("  ca_file: nowhere.pem", "alarms.ca_file", "FileNotFoundError"),
        ("  ca_file: config.yaml", "alarms.ca_file", "SSLError"),
        (mail("mail.example.se", "none"), "alarms.mail.security", "only for a server on this machine"),
        (mail("127.0.0.1", "none").replace("sender", "user: robot, sender"), "alarms.mail.user", "go together"),
    ],
)
def test_what_can_never_reach_a_person_is_refused(line: str, key: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        with_alarms(tmp_path, line)
    (problem,) = refused.value.problems
    assert key in problem
    assert says in problem
    assert "config.yaml:" in problem


@pytest.mark.parametrize(
    "line",
    [
        "  webhook_url: https://larm.example.se/hook?key=1",
        "  webhook_url: http://larm.example.se:9999/hook",
        mail("mail.example.se", "tls"),
        mail("mail.example.se", "starttls"),
        mail("localhost", "none"),
    ],
)
def test_what_can_reach_a_person_is_taken(line: str, tmp_path: Path) -> None:
    assert with_alarms(tmp_path, line).alarms.after_s == 300
