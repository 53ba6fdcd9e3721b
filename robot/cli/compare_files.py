"""Read case files for a comparison, one document at a time, and assess them in as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from robot.cli.assess import LARGEST_FILE_BYTES, BrokenCaseFile, read_bytes, read_case_file
from robot.compare import Change, Row, compare_case
from rules import load_rulebook
from rules.month import Month

LINES_SUFFIXES = (".jsonl", ".ndjson")
"""A file whose name ends so has one case file on each line; every other file is one case file."""
_MOST_PROCESSES = 8
_BATCH_CASES = 1_000
"""More cases than this are worth the second that it takes to start processes."""
_BATCH_BYTES = 8_000_000
_BATCHES_AHEAD = 2
"""For each process, how many batches are read before the first is done."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What to compare, in a form that goes between processes. `other` None = the same guidelines."""

    base: Path
    other: Path | None
    month: Month | None

    def change(self) -> Change:
        """Load what differs. Raises RulebookError."""
        before = load_rulebook(self.base)
        return Change(before, load_rulebook(self.other) if self.other else before, self.month)


@dataclass(frozen=True, slots=True)
class Document:
    """One case file, unread. `content` None = it could not be read, for the reason in `problem`."""

    place: str
    content: bytes | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """One case on both sides. `case` tells whether the same case came twice; it is not shown."""

    place: str
    case: tuple[str, Month]
    row: Row


@dataclass(frozen=True, slots=True)
class Broken:
    """A document that is no case file: a sentence for each mistake, with no value from it."""

    place: str
    mistakes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A case that the program could not compute, by an error of its own."""

    place: str
    kind: str


Result = Compared | Broken | Failed


def documents(files: Iterable[Path]) -> Iterator[Document]:
    """Yield every document of the files, in order. Empty lines are no documents."""
    for file in files:
        try:
            if file.suffix.lower() in LINES_SUFFIXES:
                yield from _lines(file)
            else:
                yield Document(str(file), read_bytes(file))
        except BrokenCaseFile as broken:
            yield Document(str(file), None, "; ".join(broken.mistakes))
        except OSError as error:
            yield Document(str(file), None, f"it cannot be read: {error.strerror or type(error).__name__}")


def _lines(file: Path) -> Iterator[Document]:
    with file.open("rb") as opened:
        number = 0
        while line := opened.readline(LARGEST_FILE_BYTES + 1):
            number += 1
            place = f"{file} line {number}"
            if len(line) > LARGEST_FILE_BYTES:
                yield Document(place, None, f"the line is larger than {LARGEST_FILE_BYTES} bytes; nothing after it was read")
                return
            if line.strip():
                yield Document(place, line)


def results(files: Iterable[Path], sides: Sides, change: Change) -> Iterator[Result]:
    """Yield a result for every document, in order. A few are computed here, many in processes of their own."""
    batches = _batches(documents(files))
    first: list[Document] = next(batches, [])
    second = next(batches, [])
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if not second or processes == 1:
        for batch in chain((first, second), batches):
            yield from _compute(batch, change)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        ahead: deque[Future[list[Result]]] = deque(pool.submit(_in_process, batch, sides) for batch in (first, second))
        while ahead:
            while len(ahead) < processes * _BATCHES_AHEAD and (batch := next(batches, [])):
                ahead.append(pool.submit(_in_process, batch, sides))
            yield from ahead.popleft().result()


def _batches(found: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in found:
        batch.append(document)
        size += len(document.content or b"")
        if len(batch) == _BATCH_CASES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@cache
def _change(sides: Sides) -> Change:
    """Load the rulebooks once in each process."""
    return sides.change()


def _in_process(batch: Sequence[Document], sides: Sides) -> list[Result]:
    return _compute(batch, _change(sides))


def _compute(batch: Sequence[Document], change: Change) -> list[Result]:
    return [_one(document, change) for document in batch]


def _one(document: Document, change: Change) -> Result:
    if document.content is None:
        return Broken(document.place, (document.problem,))
    try:
        case = read_case_file(document.content)
    except BrokenCaseFile as broken:
        return Broken(document.place, broken.mistakes)
    try:
        row = compare_case(case, change)
    except Exception as bug:
        return Failed(document.place, type(bug).__name__)
    return Compared(document.place, (case.application.case_id, case.application.month), row)
