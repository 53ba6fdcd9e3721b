"""`bistandsrobot db show`: which version a database is at, and whether this program may work on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from robot.cli.db import db
from robot.demo import default_config
from workqueue import MasterKey, upgrade
from workqueue.database import database_at
from workqueue.upgrading import head

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(db, name="db")


def shown(database: Path, *words: str) -> Result:
    place = {"BISTANDSROBOT_STORAGE__DATABASE": str(database)}
    return CliRunner().invoke(app, ["db", "show", "-c", str(default_config()), *words], env=place)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of this version; the key goes: nothing here needs it."""
    file = tmp_path / "queue.db"
    upgrade(file, key=MasterKey.load_or_create(tmp_path / "master.key"))
    (tmp_path / "master.key").unlink()
    return file


def set_to(file: Path, revision: str, oldest: str | None) -> None:
    found = database_at(file)
    with found.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        tx.execute(text("DELETE FROM programs"))
        if oldest is not None:
            tx.execute(text("INSERT INTO programs VALUES (:revision, :oldest)"), {"revision": revision, "oldest": oldest})
    found.close()


@pytest.mark.parametrize(
    ("revision", "oldest", "code", "says"),
    [
        ("9999", "0006", 0, "lets in programs from 0006 on"),
        ("9999", "9999", 1, "may not work on them"),
        ("9999", None, 1, "may not work on them"),
        ("0001", None, 1, "db upgrade"),
    ],
)
def test_whether_a_version_may_work_on_a_database_is_told_in_words_and_by_exit_code(
    database: Path, revision: str, oldest: str | None, code: int, says: str
) -> None:
    set_to(database, revision, oldest)
    answer = shown(database)
    assert (answer.exit_code, says in answer.stdout) == (code, True), answer.output
    assert f"at {revision}" in answer.stdout


def test_its_own_database_fits(database: Path) -> None:
    assert shown(database).exit_code == 0
    told = json.loads(shown(database, "--json").stdout)
    assert (told["database"], told["program"], told["fit"]) == (head(), head(), True)


def test_where_there_is_none_none_is_made(tmp_path: Path) -> None:
    answer = shown(tmp_path / "none.db")
    assert answer.exit_code == 1
    assert "no database yet" in answer.stdout
    assert list(tmp_path.iterdir()) == []
