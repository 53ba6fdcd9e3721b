"""Mutation testing of `rules/`: mutmut changes the code in some thousands of places, and each change must make a test fail.

mutmut leaves functions with a decorator alone, and every rule has one. So it works on a copy in which decorators are written out
(`f = rule(...)(f)` after the function), which is the same program. It reports success whatever it found; this says what it found, and
fails under the limit or when a change met no test at all. See docs/decisions/0004-mutation-testing.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import libcst as cst

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var" / "mutation"
COPIED = ("rules", "tests", "docs", "pyproject.toml")
AT_LEAST_PERCENT = 90
LONGEST_RUN_S = 3 * 3600
_LEFT_AS_THEY_ARE = ("staticmethod", "classmethod")
_STATUS: dict[int | None, str] = {None: "not checked", 0: "survived", 1: "killed", 3: "killed", 5: "no tests", 33: "no tests"}
_STATUS |= dict.fromkeys((36, 24, -24, 152, 255, -9), "timeout")
_KILLED = ("killed", "timeout")


class WriteOutDecorators(cst.CSTTransformer):
    """Puts `name = decorator(name)` after a function in place of `@decorator` before it, innermost first."""

    def leave_FunctionDef(
        self,
        original_node: cst.FunctionDef,  # noqa: ARG002 - libcst gives it
        updated_node: cst.FunctionDef,
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        """Write the decorators of one function out."""
        decorators = [one.decorator for one in updated_node.decorators]
        if not decorators or any(isinstance(one, cst.Name) and one.value in _LEFT_AS_THEY_ARE for one in decorators):
            return updated_node
        name = cst.Name(updated_node.name.value)
        lines: list[cst.BaseStatement] = [updated_node.with_changes(decorators=())]
        for decorator in reversed(decorators):
            made = cst.Assign([cst.AssignTarget(name)], cst.Call(decorator, [cst.Arg(name)]))
            lines.append(cst.SimpleStatementLine([made]))
        return cst.FlattenSentinel(lines)


def make_copy(root: Path, work: Path) -> None:
    """Copy what the tests need, with the rules' decorators written out."""
    shutil.rmtree(work, ignore_errors=True)
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            work.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, work / name)
    for path in (work / "tests").rglob("*.py"):
        # Fixtures that a file's tests share are made once for all mutants.
        path.write_text(path.read_text("utf-8").replace('scope="module"', 'scope="session"'), "utf-8")
    for path in sorted((work / "rules").glob("*.py")):
        path.write_text(cst.parse_module(path.read_text("utf-8")).visit(WriteOutDecorators()).code, "utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def results(work: Path) -> dict[str, dict[str, str]]:
    """Return what became of each mutant, by module."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((work / "mutants" / "rules").glob("*.py.meta")):
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        codes = data["exit_code_by_key"]
        found[path.name.removesuffix(".py.meta")] = {name: _STATUS.get(code, f"exit {code}") for name, code in codes.items()}
    return {module: of_module for module, of_module in found.items() if of_module}


def percent(counts: Counter[str]) -> float:
    """Return the share of the mutants tried that a test has killed; one that never ends is killed too."""
    tried = sum(count for status, count in counts.items() if status != "not checked")
    return 100 * sum(counts[status] for status in _KILLED) / tried if tried else 0.0


def report(found: dict[str, dict[str, str]]) -> Counter[str]:
    """Print one row for each module, and name what was not killed. Return the sum."""
    total: Counter[str] = Counter()
    _say(f"{'module':<20}{'mutants':>8}{'killed':>8}{'timeout':>8}{'survived':>9}{'no tests':>9}{'other':>7}{'score':>8}")
    for module, of_module in found.items():
        counts = Counter(status for status in of_module.values() if status != "not checked")
        if counts:
            _say(_row(module, counts))
        total += counts
    _say(_row("all", total))
    return total


def _row(name: str, counts: Counter[str]) -> str:
    named = [counts[status] for status in ("killed", "timeout", "survived", "no tests")]
    rest = sum(counts.values()) - sum(named)
    killed, timeout, survived, no_tests = named
    return f"{name:<20}{sum(counts.values()):>8}{killed:>8}{timeout:>8}{survived:>9}{no_tests:>9}{rest:>7}{percent(counts):>7.1f}%"


def main() -> int:
    """Run mutmut on the copy and hold it to the limit."""
    parser = argparse.ArgumentParser(description="Mutation testing of rules/.")
    parser.add_argument("modules", nargs="*", help="modules of rules/, without .py; all when left out")
    parser.add_argument("--sample", choices=list("0123456789"), help="only the tenth of the mutants whose numbers end with that digit")
    parser.add_argument("--at-least", type=float, default=AT_LEAST_PERCENT, metavar="PERCENT")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="only tell what the last run found")
    arguments = parser.parse_args()
    if not arguments.keep:
        make_copy(ROOT, WORK)
        patterns = [f"rules.{module}.x*__mutmut_*{arguments.sample or ''}" for module in arguments.modules or ("*",)]
        started = time.monotonic()
        command = [sys.executable, str(Path(__file__).with_name("mutation_session.py")), str(arguments.processes), *patterns]
        with (WORK / "mutmut.log").open("wb") as log:
            ended = subprocess.run(command, cwd=WORK, stdout=log, stderr=subprocess.STDOUT, timeout=LONGEST_RUN_S, check=False)
        if ended.returncode != 0:
            _say((WORK / "mutmut.log").read_text("utf-8", errors="replace")[-4000:])
            return ended.returncode
        _say(f"{time.monotonic() - started:.0f} s")
    found = results(WORK)
    total = report(found)
    left = {name: status for of_module in found.values() for name, status in of_module.items() if status not in (*_KILLED, "not checked")}
    (WORK / "left.txt").write_text("".join(f"{status:<10}{name}\n" for name, status in left.items()), "utf-8")
    _say(f"not killed: {WORK.relative_to(ROOT) / 'left.txt'}; one of them: cd {WORK.relative_to(ROOT)} && mutmut show NAME")
    if not total or total["no tests"] or percent(total) < arguments.at_least:
        _say(f"FAILED: at least {arguments.at_least} % must be killed, and no mutant may be without tests")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
