"""mutmut inside one pytest session: tests are collected and rulebooks read once, and each mutant is a fork of that.

mutmut starts pytest anew for each mutant, which takes longer than the tests. Only how tests are run is different here; mutants,
limits and results are mutmut's own. Nothing of the rules is called before the fork, so that no mutant finds an answer already cached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import islice
from math import ceil
from pathlib import Path
from time import process_time

import pytest
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation import mutators, trampoline
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.runners import harness
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd, copy_also_copy_files, copy_src_dir, setup_source_paths
from mutmut.workers import isolation
from mutmut.workers.isolation import run_in_fork, run_in_fork_with_result

WORK = Path.cwd()
_FIRST = ("test_golden_receipts", "test_reviewed_reasons")
Found = dict[str, tuple[float, set[str]]]


class OneSession:
    """The pytest plugin: when all tests are there, mutmut is run in the place of them."""

    def __init__(self, patterns: list[str], processes: int) -> None:
        self._patterns, self._processes = patterns, processes
        self._broken: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected, to be told."""
        if report.failed:
            self._broken.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run mutmut. It ends the process itself when the tests fail without any mutant."""
        if session.testsfailed:
            raise RuntimeError(f"tests cannot be collected: {'; '.join(self._broken)}")
        _Runner.session = session
        _Runner.items = {item.nodeid: item for item in session.items}
        set_mutant_under_test("")
        _set_fixtures_up(session)
        with change_cwd(WORK):
            mutmut._run(self._patterns, self._processes)
            _must_survive()
        return True


class _Runner(harness.PytestRunner):
    """Runs the tests that mutmut names among the session's, in the order they were collected."""

    session: pytest.Session
    items: dict[str, pytest.Item]

    def run_stats(self, *, tests: Iterable[str]) -> int:
        """Find which test reaches which function, and how long each takes, in a fork of its own."""
        found: Found = run_in_fork_with_result(self._reached, list(tests))
        for name, (seconds, functions) in found.items():
            state().duration_by_test[name] = seconds
            for function in functions:
                state().tests_by_mangled_function_name[function].add(name)
        return 0 if found else 1

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Run tests until one fails; without a mutant in a fork, since mutmut is then in the parent."""
        names = set(tests) or set(self.items)
        if mutant_name is None:
            return run_in_fork(self._passes, names)
        # Every call of a function of the rules asks which mutant is tried: a fork tries one only.
        trampoline.get_mutant_under_test = lambda: mutant_name
        return self._passes(names)

    def list_all_tests(self) -> harness.ListAllTestsResult:
        """Return the names of the session's tests."""
        return harness.ListAllTestsResult(ids=set(self.items))

    def _passes(self, names: set[str]) -> int:
        chosen = sorted((item for name, item in self.items.items() if name in names), key=_place)
        for item in chosen:
            self._run(item)
            if self.session.testsfailed:
                return 1
        return 0

    def _reached(self, names: list[str]) -> Found:
        found: Found = {}
        for name in names or self.items:
            started = process_time()
            failed = self.session.testsfailed
            self._run(self.items[name])
            if self.session.testsfailed > failed:
                raise RuntimeError(f"fails without any mutant: {name}")
            found[name] = (process_time() - started, set(state()._stats))
            state()._stats.clear()
        return found

    def _run(self, item: pytest.Item) -> None:
        """Run one test. That the session itself comes next keeps the session's fixtures, and nothing else."""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=self.session)


def _place(item: pytest.Item) -> int:
    """Return where a test comes: first those that look at everything that is said of a case, since most mutants end there."""
    return next((place for place, name in enumerate(_FIRST) if name in item.nodeid), len(_FIRST))


def _change_texts_once() -> None:
    """Change a text in one way instead of three: whoever notices one notices the others."""
    for place, (kind, operator) in enumerate(mutators.mutation_operators):
        if operator is mutators.operator_string:
            mutators.mutation_operators[place] = (kind, lambda node: islice(mutators.operator_string(node), 1))  # type: ignore[index]


def _must_survive() -> None:
    """Run all tests as for a mutant, with none: were they to fail, every mutant would have counted as killed. Raises RuntimeError."""
    runner = isolation.ForkRunner(1, _Runner())
    seconds = sum(state().duration_by_test.values())
    runner.submit("rules.none.x_none__mutmut_1", list(_Runner.items), ceil(seconds * 20), seconds * 10)
    result = runner.wait_for_result()
    if result.exit_code != 0:
        raise RuntimeError(f"the tests fail without a mutant, where mutants are tried (exit {result.exit_code})")


def _set_fixtures_up(session: pytest.Session) -> None:
    """Make the fixtures of the whole run, without running a test."""
    session.config.option.setuponly = True
    for item in session.items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)
        if session.testsfailed:
            raise RuntimeError(f"its fixtures cannot be made: {item.nodeid}")
    session.config.option.setuponly = False


def main(processes: int, patterns: list[str]) -> int:
    """Write the mutants, collect the tests, run mutmut."""
    set_mutant_under_test("mutant_generation")
    (WORK / "mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    _change_texts_once()
    mutmut.create_mutants(processes)
    set_mutant_under_test("")
    vars(isolation)["PytestRunner"] = _Runner
    # A child's output goes to a file that mutmut leaves open: no fault of the test that Python tells in.
    arguments = ["--rootdir=.", "-q", "--tb=native", "--assert=plain", "-p", "no:unraisableexception", *config().pytest_add_cli_args]
    with change_cwd(WORK / "mutants"):
        return int(pytest.main([*arguments, *config().pytest_add_cli_args_test_selection], plugins=[OneSession(patterns, processes)]))


if __name__ == "__main__":
    os.environ["PY_IGNORE_IMPORTMISMATCH"] = "1"
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
