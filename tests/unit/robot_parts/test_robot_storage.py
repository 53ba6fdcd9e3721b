"""Where the queue is kept: a file or a server's database, chosen by the configuration, and never with a password in it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from robot.database import Database, is_made
from robot.demo import default_config
from robot.settings import Settings, SettingsError, load
from workqueue import PermanentQueueError, PostgresAddress, RetriableQueueError

DEFAULT = default_config().read_text(encoding="utf-8")
AWAY = "postgresql://robot@db.example.se/bistand?sslmode=verify-full&sslrootcert=tls/ca.pem"


def _with(config: Path, database: str, more: str = "") -> Path:
    """Write the documented default with another database."""
    text = DEFAULT.replace("database: var/bistandsrobot.db", f"database: {database}\n{more}", 1)
    config.write_text(text, encoding="utf-8")
    return config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration goes."""
    (tmp_path / "config.yaml").touch(0o640)
    return tmp_path / "config.yaml"


def test_a_path_is_a_file_and_an_address_is_a_server(config: Path) -> None:
    assert load(_with(config, "var/other.db")).storage.database == config.parent / "var" / "other.db"

    storage = load(_with(config, "postgresql://robot@localhost:5433/bistand", "  password_file: var/word\n")).storage
    assert isinstance(storage.database, PostgresAddress)
    assert storage.password_file == storage.database.password_file == config.parent / "var" / "word"
    assert str(storage.database) == "postgresql://localhost:5433/bistand"


def test_the_address_may_come_from_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(DEFAULT, encoding="utf-8")
    monkeypatch.setenv("BISTANDSROBOT_STORAGE__DATABASE", AWAY)
    found = load(config).storage.database
    assert isinstance(found, PostgresAddress)
    assert found.options["sslrootcert"] == str(config.parent / "tls" / "ca.pem")


@pytest.mark.parametrize(
    ("database", "says"),
    [
        ("postgresql://robot:hemligt@localhost/bistand", "password_file"),
        ("postgresql://robot@db.example.se/bistand?sslmode=require", "sslmode=verify-full"),
        ("postgresql://robot@localhost/bistand?hemligt=1", "postgresql://user@host:port/database"),
        ("mysql://robot:hemligt@localhost/bistand", "only PostgreSQL"),
        ("''", "a file, or postgresql://"),
        ("[1]", "a file, or postgresql://"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_by_line_and_never_quoted(config: Path, database: str, says: str) -> None:
    _with(config, database)
    with pytest.raises(SettingsError) as caught:
        load(config)
    (problem,) = caught.value.problems
    line = next(number for number, text in enumerate(DEFAULT.splitlines(), 1) if "database:" in text)
    assert problem.startswith(f"{config}:{line}: storage.database: ")
    assert says in problem
    assert "hemligt" not in problem


def test_a_server_beyond_this_machine_is_a_neighbour_beyond_this_machine(config: Path) -> None:
    assert load(_with(config, "postgresql://robot@localhost/bistand")).only_loopback()
    assert not load(_with(config, AWAY)).only_loopback()


def test_no_password_stands_in_what_the_settings_show(config: Path) -> None:
    file = config.parent / "word"
    file.write_text("hemligt", encoding="utf-8")
    file.chmod(0o600)
    settings = load(_with(config, "postgresql://robot@localhost/bistand", "  password_file: word\n"))
    assert "hemligt" not in repr(settings) + str(settings.storage.database) + settings.model_dump_json(exclude={"storage": {"database"}})


def test_the_schema_calls_the_place_a_text() -> None:
    assert Settings.model_json_schema()["$defs"]["Storage"]["properties"]["database"]["type"] == "string"


def test_a_server_that_does_not_answer_is_something_to_try_again(config: Path) -> None:
    settings = load(_with(config, "postgresql:///bistand?host=/nowhere/at/all"))
    with pytest.raises(RetriableQueueError, match="QUE-005"):
        is_made(settings)


class Flaky:
    """Stands in for a queue: closed without anything to close."""

    def group(self) -> AbstractContextManager[None]:
        """Nothing is stored."""
        return nullcontext()

    def close(self) -> None:
        """Nothing is held."""


async def test_a_database_that_is_gone_is_told_once_when_it_goes_and_once_when_it_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    from robot import logs

    def gone(_: object) -> None:
        raise RetriableQueueError("QUE-005")

    def refused(_: object) -> None:
        raise PermanentQueueError("QUE-015")

    logs.set_up("info", "json")
    database = Database(Flaky())  # type: ignore[arg-type]  # nothing of it is asked but to be closed
    for _ in range(3):
        with pytest.raises(RetriableQueueError):
            await database.call(gone)
    with pytest.raises(PermanentQueueError):
        await database.call(refused)
    for _ in range(2):
        await database.call(lambda _: None)
    database.close()
    said = capsys.readouterr().out
    assert said.count("database.unavailable") == said.count("database.back") == 1
