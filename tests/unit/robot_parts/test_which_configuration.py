"""Which configuration a command reads: the one that was said, else the one in this folder, else the one that the service has."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from robot.cli import options
from robot.cli.options import ConfigOption

app = typer.Typer()


@app.command()
def show(config: ConfigOption = Path("config.yaml")) -> None:
    """Print which file it is."""
    typer.echo(str(config))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration where `init` puts it, and an empty folder to work in."""
    place = tmp_path / "etc" / "config.yaml"
    place.parent.mkdir()
    place.touch()
    monkeypatch.setattr(options, "_INSTALLED", place)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return place


def shown(*words: str) -> str:
    return CliRunner().invoke(app, list(words)).stdout.strip()


def test_without_a_word_the_services_configuration_is_meant(installed: Path) -> None:
    assert shown() == str(installed)


def test_a_configuration_in_this_folder_goes_before_it(installed: Path) -> None:
    Path("config.yaml").touch()
    assert shown() == "config.yaml"


def test_a_configuration_that_was_said_and_is_not_there_is_never_another_one(installed: Path) -> None:
    assert shown("-c", "config.yaml") == "config.yaml"


def test_where_there_is_none_this_folder_is_named(installed: Path) -> None:
    installed.unlink()
    assert shown() == "config.yaml"
