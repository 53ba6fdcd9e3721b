"""Promises about the file of master keys: put in place whole, never without a key, and brought to every machine before it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from robot.cli.commands import program
from robot.database import open_queue
from robot.demo import DEMO_GUIDELINES, default_config
from robot.settings import load
from tests.queue.queue_stores import PostgresStores, place_url
from workqueue import KeyRefused, MasterKey, MasterKeys, add_key, credential, new_key_file, remove_keys
from workqueue.keyfile import LINES_LIMIT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file."""
    path = tmp_path / "master.key"
    MasterKey.load_or_create(path)
    return path


def test_a_new_key_is_put_before_the_others_and_they_stay(file: Path) -> None:
    first = MasterKeys.load(file).ids
    second = add_key(file)
    assert MasterKeys.load(file).ids == (second, *first)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name], "no half-made file is left beside it"


def test_a_new_file_holds_the_keys_that_are_there_and_is_never_put_over_another(file: Path, tmp_path: Path) -> None:
    new = new_key_file(tmp_path / "new" / "master.key", beside=file)
    assert MasterKeys.load(tmp_path / "new" / "master.key").ids == (new, *MasterKeys.load(file).ids)
    before = file.read_bytes()
    with pytest.raises(KeyRefused):
        new_key_file(file, beside=None)
    assert file.read_bytes() == before


def test_a_key_file_has_room_for_some_keys_only(file: Path) -> None:
    for _ in range(LINES_LIMIT - 1):
        add_key(file)
    before = MasterKeys.load(file).ids
    with pytest.raises(KeyRefused) as caught:
        add_key(file)
    assert caught.value.code == "QUE-041"
    assert MasterKeys.load(file).ids == before


def test_what_a_killed_exchange_of_the_file_left_is_taken_away_at_the_next(file: Path) -> None:
    left = file.with_name(f".{file.name}.0123456789abcdef")
    left.write_bytes(file.read_bytes())
    add_key(file)
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_the_last_key_is_never_taken_out(file: Path) -> None:
    with pytest.raises(KeyRefused):
        remove_keys(file, MasterKeys.load(file).ids)
    assert len(MasterKeys.load(file).ids) == 1


def test_a_credential_of_systemd_is_read_though_its_group_may_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    credential = folder / "master-key"
    credential.write_bytes(file.read_bytes())
    credential.chmod(0o440)
    with pytest.raises(KeyRefused):
        MasterKeys.load(credential)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert MasterKeys.load(credential).ids == MasterKeys.load(file).ids


def test_a_credential_that_cannot_be_reached_is_there_and_no_other_key_is_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where systemd's mounts do not reach the service: root sees the folder, and the service may not look into it."""
    found = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parent == tmp_path:
            raise PermissionError
        return found(path, follow_symlinks=follow_symlinks)

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential() is None
    monkeypatch.setattr(Path, "stat", stat)
    assert credential() == tmp_path / "master-key"
    with pytest.raises(KeyRefused, match="QUE-034"):
        MasterKeys.load(tmp_path / "master-key")


def test_on_a_server_a_new_key_is_brought_to_all_machines_first(databases: PostgresStores, tmp_path: Path) -> None:
    """Robots on other machines would not know it: it is made by a command of its own, or when ops say that there are none."""
    settings = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    settings["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
    settings["storage"] = {"database": place_url(databases.empty_database()), "key_file": "master.key"}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    loaded = load(config)
    open_queue(loaded, loaded.clock()).close()
    before = (tmp_path / "master.key").read_bytes()

    def keys(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(program("keys"), ["keys", *arguments, "-c", str(config)])
        return result.exit_code, result.output

    code, said = keys("rotate")
    assert code == 2
    assert "CLI-014" in said
    assert (tmp_path / "master.key").read_bytes() == before
    assert keys("new")[0] == 0
    assert keys("rotate")[0] == 0
    assert keys("rotate", "--alone")[0] == 0
    assert keys("rotate", "--remove-old")[0] == 0
    assert len(MasterKeys.load(tmp_path / "master.key").ids) == 1
