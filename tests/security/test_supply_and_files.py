"""What the program is made of is told whole, secrets' files are for the robot alone, and no name from outside becomes a path."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from connectors.transport import TransportSettings
from robot.demo import DEMO_GUIDELINES, default_config
from robot.secret_files import unsafe_key, unsafe_password
from robot.settings import SettingsError, load

ROOT = Path(__file__).resolve().parents[2]
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
TOUCHES_FILES = re.compile(r"\bopen\(|\bPath\(|os\.(?:open|link|replace|makedirs)|read_text|read_bytes|write_text|write_bytes|tempfile")


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes(tmp_path: Path) -> None:
    locked = set(LOCKED.findall((ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")))
    made = tmp_path / "sbom.json"
    program = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "requirements", str(ROOT / "requirements" / "run.txt")]
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--output-file", str(made)]
    subprocess.run([*program, *options], check=True, capture_output=True, timeout=240)
    bill = json.loads(made.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "bistandsrobot"
    assert {(one["name"], one["version"]) for one in bill["components"]} == locked
    assert len(locked) > 20
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])


def test_every_package_is_locked_with_hashes() -> None:
    for name in ("run", "dev", "build", "tools", "bench"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries), name
        assert "index-url" not in text


@pytest.mark.parametrize(("mode", "allowed"), [(0o600, True), (0o640, True), (0o644, False), (0o604, False), (0o660, False)])
def test_a_client_key_that_everybody_may_read_or_change_is_refused(mode: int, allowed: bool, tmp_path: Path) -> None:
    key, certificate = tmp_path / "robot.key", tmp_path / "robot.crt"
    for file in (key, certificate):
        file.write_text("none")
        file.chmod(mode)
    for transport in (
        TransportSettings(client_certificate_file=certificate, client_key_file=key),
        TransportSettings(client_certificate_file=certificate),
    ):
        assert (unsafe_key(transport) is None) is allowed
    assert (unsafe_password(key) is None) is allowed


def test_the_program_does_not_start_with_such_a_key_or_a_configuration_that_everybody_may_write(tmp_path: Path) -> None:
    data = yaml.safe_load(default_config().read_text(encoding="utf-8"))
    data["municipality"]["guidelines"] = str(DEMO_GUIDELINES)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(data), encoding="utf-8")
    config.chmod(0o640)
    load(config)
    config.chmod(0o646)
    with pytest.raises(SettingsError, match="may be written by everybody"):
        load(config)
    config.chmod(0o640)
    (tmp_path / "robot.pem").write_text("none")
    (tmp_path / "robot.pem").chmod(0o644)
    data["case_system"]["transport"]["client_certificate_file"] = "robot.pem"
    config.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(SettingsError, match="chmod 640"):
        load(config)


def test_what_comes_from_outside_is_never_made_a_path() -> None:
    """The rooms that handle answers, attachments' names among them, touch no file but those that the settings name."""
    known = {"connectors/transport/wire.py", "connectors/transport/settings.py"}
    rooms = [*(ROOT / "connectors" / "case_systems").rglob("*.py"), *(ROOT / "connectors" / "registers").rglob("*.py")]
    rooms += [*(ROOT / "connectors" / "transport").rglob("*.py")]
    rooms += [ROOT / "robot" / f"{name}.py" for name in ("ask", "delivery", "effects", "pull", "worker")]
    touching = {str(file.relative_to(ROOT)) for file in rooms if TOUCHES_FILES.search(file.read_text(encoding="utf-8"))}
    assert touching <= known, touching - known


def test_nothing_is_ever_run_or_unpickled_from_what_is_read() -> None:
    forbidden = {"eval", "exec", "compile", "__import__"}
    for folder in ("robot", "connectors", "rules", "queue/workqueue"):
        for file in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
            assert not called & forbidden, file
            imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not imported & {"pickle", "marshal", "shelve", "dill"}, file
