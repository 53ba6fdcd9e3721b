"""What ops put in place is whole: the unit is hardened, alerts fire and stay silent, and all of it speaks of metrics that exist.

Tools that are not on the machine are said, and their tests skipped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from robot.figures import Figures
from robot.metrics import Metrics
from workqueue import State

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT, LOOK, TIMER = (DEPLOY / name for name in ("bistandsrobot.service", "bistandsrobot-look.service", "bistandsrobot-look.timer"))
ALERTS = DEPLOY / "prometheus-alerts.yaml"
WORST_EXPOSURE = 1.5
_METRIC = re.compile(r"\b(?:bistandsrobot|process)_[a-z_]+")
_SUFFIXES = ("_bucket", "_sum", "_count")


def tool(name: str) -> str:
    """Return where a tool is; skip the test on a machine without it."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def ran(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)


def metrics() -> set[str]:
    """Return the names of all metrics as Prometheus sees them."""
    made = Metrics()
    made.take(Figures(at=datetime.now(UTC), database_up=True))
    return {line.split()[2] for line in made.text().decode().splitlines() if line.startswith("# TYPE")}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("unit", [UNIT, LOOK], ids=lambda unit: unit.name)
def test_the_unit_is_hardly_exposed(unit: Path) -> None:
    answer = ran(tool("systemd-analyze"), "security", "--offline=true", f"--threshold={WORST_EXPOSURE * 10:.0f}", unit)

    assert answer.returncode == 0, answer.stdout[-1500:]
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", answer.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= WORST_EXPOSURE


@pytest.mark.parametrize("unit", [UNIT, LOOK, TIMER], ids=lambda unit: unit.name)
def test_systemd_knows_every_word_of_the_unit(unit: Path) -> None:
    answer = ran(tool("systemd-analyze"), "verify", unit)
    wrong = [line for line in answer.stderr.splitlines() if "is not executable" not in line]

    assert wrong == []


def test_alerts_are_read_by_prometheus_and_each_fires_and_stays_silent() -> None:
    assert ran(tool("promtool"), "check", "rules", ALERTS).returncode == 0
    answer = ran(tool("promtool"), "test", "rules", DEPLOY / "prometheus-alerts-test.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_is_tried_both_ways() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus-alerts-test.yaml").read_text(encoding="utf-8"))["tests"]
    tried = [(one["alertname"], bool(one["exp_alerts"])) for test in tests for one in test["alert_rule_test"]]

    assert sorted(tried) == sorted((rule["alert"], fires) for rule in rules() for fires in (True, False))


def test_alerts_dashboard_and_docs_speak_of_metrics_that_exist() -> None:
    spoken = [rule["expr"] for rule in rules()] + [(ROOT / "docs" / "operations.md").read_text(encoding="utf-8")]
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    spoken += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    known = metrics()
    known |= {name + suffix for name in known for suffix in _SUFFIXES}
    used = {name for expression in spoken for name in _METRIC.findall(expression)}

    assert used - known == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_states_in_alerts_and_dashboard_are_states() -> None:
    text = ALERTS.read_text(encoding="utf-8") + (DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8")
    named = {state for found in re.findall(r'state=~?\\?"([a-z_|]+)', text) for state in found.split("|")}

    assert named
    assert named <= {state.value for state in State}


def test_prometheus_finds_nothing_odd_in_the_metrics_themselves() -> None:
    answer = subprocess.run([tool("promtool"), "check", "metrics"], input=Metrics().text(), capture_output=True, timeout=60, check=False)
    odd = [line for line in (answer.stdout + answer.stderr).decode().splitlines() if line.startswith("bistandsrobot")]

    assert odd == []


def test_the_dockerfile_is_well_made() -> None:
    answer = ran(tool("hadolint"), "--no-color", "--failure-threshold", "warning", ROOT / "Dockerfile")

    assert answer.returncode == 0, answer.stdout
