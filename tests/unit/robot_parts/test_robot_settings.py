"""Every mistake in the configuration is told as file, line, key and what is allowed; none is a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.database import key_place
from robot.demo import default_config
from robot.settings import Settings, SettingsError, load

DEFAULT = default_config().read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the documented default, copied to where it may be spoilt."""
    path = tmp_path / "config.yaml"
    path.touch(0o640)
    path.write_text(DEFAULT, encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    """Return what is wrong with a configuration."""
    with pytest.raises(SettingsError) as error:
        load(path)
    return error.value.problems


def line_of(text: str) -> int:
    """Return the line of the default on which a text stands."""
    return next(number for number, line in enumerate(DEFAULT.splitlines(), 1) if line.strip().startswith(text))


@pytest.mark.parametrize(
    ("before", "behind", "key", "says"),
    [
        ("level: info", "level: loud", "logs.level", "'debug', 'info', 'warning' or 'error'"),
        ("lease_s: 45", "lease_s: -1", "work.lease_s", "greater than 0"),
        ("lease_s: 45", "lease_s: 3601", "work.lease_s", "less than or equal to 3600"),
        ("cases_in_flight: 16", "cases_in_flight: many", "work.cases_in_flight", "valid integer"),
        ("pull_every_s: 60", "pull_evry_s: 60", "schedule.pull_evry_s", "no such setting"),
        ("sources: [FK, PM, SO, CSN, AF, SKV, TNS, MIV]", "sources: [FK, ICA]", "registers.sources.1", "'FK'"),
        ("url: http://127.0.0.1:8081/ssbtek", "url: ftp://example.invalid", "registers.ssbtek.url", "http:// or https://"),
        ("party_url: http://127.0.0.1:8082/party", "party_url: http://me:word@host/party", "case_system.party_url", "without user"),
        ("party_url: http://127.0.0.1:8082/party", "party_url: http://host:99999/party", "case_system.party_url", "an address is"),
        ("pool_size: 16", "ca_file: nowhere.pem", "case_system.transport", "ca_file"),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_what_is_allowed(config: Path, before: str, behind: str, key: str, says: str) -> None:
    config.write_text(DEFAULT.replace(before, behind, 1), encoding="utf-8")

    (problem,) = problems(config)

    where = line_of("transport:") if key.endswith("transport") else line_of(before)
    assert problem.startswith(f"{config}:{where}: {key}: ")
    assert says in problem


def test_a_configuration_without_a_key_is_refused_whoever_the_neighbours_are(config: Path) -> None:
    """So nobody is ever asked, on this machine or beyond it, while no key is configured."""
    lines = [line for line in DEFAULT.splitlines() if not line.strip().startswith("key_file:")]
    config.write_text("\n".join(lines), encoding="utf-8")

    (problem,) = problems(config)
    assert problem.startswith(f"{config}:{line_of('storage:')}: storage.key_file: ")
    assert "credential" in problem


def test_a_credential_of_systemd_may_stand_in_for_the_key_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in DEFAULT.splitlines() if not line.strip().startswith("key_file:")]
    config.write_text("\n".join(lines), encoding="utf-8")
    folder = config.parent / "credentials"
    folder.mkdir()
    (folder / "master-key").touch(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    settings = load(config)
    assert settings.storage.key_file is None
    assert key_place(settings) == folder / "master-key"


def test_all_mistakes_are_told_at_once(config: Path) -> None:
    config.write_text(DEFAULT.replace("level: info", "level: loud").replace("lease_s: 45", "lease_s: 0"), encoding="utf-8")

    assert len(problems(config)) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\n", 2),
        ("- a\n", 1),
        ("", 1),
        ("# \x00\n", 1),
        (DEFAULT + "\nlogs: {}\n", len(DEFAULT.splitlines()) + 2),
        (DEFAULT + "\non: 1\n", len(DEFAULT.splitlines()) + 2),
        (DEFAULT + "\nworld:\n  start: 2026-13-45\n", 1),
        (DEFAULT + "\nworld: &again {start: *again}\n", 1),
    ],
    ids=["not YAML", "a list", "empty", "odd character", "key twice", "key that is no text", "no date", "endless"],
)
def test_a_file_that_is_no_configuration_is_told_with_its_line(config: Path, text: str, line: int) -> None:
    config.write_text(text, encoding="utf-8")

    (problem,) = problems(config)

    assert problem.startswith(f"{config}:{line}: ")


def test_a_missing_file_says_how_to_give_one(tmp_path: Path) -> None:
    assert "give the file with -c" in problems(tmp_path / "none.yaml")[0]


def test_the_environment_wins_over_the_file_key_by_key(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISTANDSROBOT_LOGS__LEVEL", "debug")
    monkeypatch.setenv("BISTANDSROBOT_REGISTERS__SSBTEK__TRANSPORT__POOL_SIZE", "3")
    monkeypatch.setenv("BISTANDSROBOT_REGISTERS__SOURCES", '["FK", "PM"]')

    found = load(config)

    assert (found.logs.level, found.logs.style) == ("debug", "auto")
    assert found.registers.ssbtek.transport.pool_size == 3
    assert found.registers.sources == ("FK", "PM")
    assert found.registers.deadline_s == 45


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BISTANDSROBOT_LOGS__LEVEL", "loud", "logs.level: Input should be 'debug'"),
        ("BISTANDSROBOT_LOGS__LEVELL", "info", "logs.levell: no such setting"),
        ("BISTANDSROBOT_LOG__LEVEL", "info", "no such section; use one of alarms, audit, case_system, health, logs"),
        ("BISTANDSROBOT_REGISTERS__SOURCES", "FK,PM", "written as JSON"),
        ("BISTANDSROBOT_WORK", '{"lease_s": 0}', "work.lease_s: Input should be greater than 0"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_and_not_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)

    (problem,) = problems(config)

    assert problem.startswith(f"environment variable {name}: ")
    assert says in problem


def test_a_variable_that_is_right_is_not_blamed_for_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISTANDSROBOT_WORK", '{"stop_within_s": 20}')
    config.write_text(DEFAULT.replace("lease_s: 45", "lease_s: 0"), encoding="utf-8")

    assert problems(config)[0].startswith(f"{config}:{line_of('lease_s:')}: work.lease_s: ")


def test_paths_are_counted_from_the_file(config: Path) -> None:
    found = load(config)

    assert found.storage.database == config.parent / "var" / "bistandsrobot.db"
    assert found.storage.key_file == config.parent / "var" / "master.key"


def test_a_certificates_path_is_counted_from_the_file_too(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path | None] = []
    monkeypatch.setattr("connectors.transport.trust.ssl_context", lambda transport: seen.append(transport.ca_file))
    config.write_text(DEFAULT.replace("pool_size: 16", "ca_file: certificates/ca.pem", 1), encoding="utf-8")

    found = load(config)

    assert found.case_system.transport.ca_file == config.parent / "certificates" / "ca.pem"
    assert seen == [found.case_system.transport.ca_file]


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("10.0.0.1", False), ("127.0.0.1.example.se", False)]
)
def test_who_is_on_this_machine(config: Path, host: str, alone: bool) -> None:
    config.write_text(DEFAULT.replace("//127.0.0.1:8081", f"//{host}:8081"), encoding="utf-8")

    assert load(config).only_loopback() is alone


def test_the_documented_default_says_what_the_program_does_without_it() -> None:
    """A default that stands in both places has one value."""
    found = load(default_config())
    for section in ("schedule", "work"):
        written = getattr(found, section)
        assert written == type(written)()
    assert isinstance(found, Settings)
