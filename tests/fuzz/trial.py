"""One bad input through the command line, in this process, and what is wrong with how it was taken."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from skipbeat.cli import complain, main
from skipbeat.network_file import load_network
from skipbeat_arch.errors import InputError, one_line
from skipbeat_models.stored_description import from_bytes

#: What a message may be, behind `skipbeat: error: `.
MOST_CHARACTERS = 620
MOST_SECONDS = 120.0
#: 0 and 1: it was taken for what it says; 3: an estimate without all products.
_TAKEN = (0, 1, 3)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Files of one folder, by name, and the words of a command that is run in it."""

    words: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        status: the command's; None if it ended by an exception.
        violation: what is wrong, or None.
    """

    status: int | None
    said: str
    seconds: float
    violation: str | None


class TooLong(BaseException):
    """It takes more than `MOST_SECONDS`; no `except Exception` may hide it."""


def attempt(trial: Trial, folder: Path) -> Outcome:
    """Run a command in a folder, which has nothing but its files before and must have nothing else after."""
    for name, content in trial.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    before = _listing(folder)
    said, out, begin, problem = io.StringIO(), io.StringIO(), time.process_time(), None
    status: int | None = None
    try:
        with contextlib.chdir(folder), _bounded(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(out):
            call = _CALLS.get(trial.words[0])
            status = main(trial.words) if call is None else _called(call, trial.words[1])
    except TooLong:
        problem = f"more than {MOST_SECONDS:.0f} seconds"
    except BaseException as error:
        problem = f"{type(error).__name__}: {str(error)[:200]}"
    left = sorted(_listing(folder) - before)
    problem = problem or _wrong(status, said.getvalue()) or (f"left {left} behind" if left else None)
    return Outcome(status=status, said=said.getvalue(), seconds=time.process_time() - begin, violation=problem)


def in_a_process(trial: Trial, folder: Path) -> Outcome:
    """The same in a process of its own."""
    for name, content in trial.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    before, begin = _listing(folder), time.monotonic()
    words = [sys.executable, "-m", "skipbeat", *trial.words]
    if trial.words[0] in _CALLS:
        code = f"from tests.fuzz.trial import call; call({trial.words[0]!r}, {trial.words[1]!r})"
        words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=folder, capture_output=True, errors="replace", check=False, timeout=120)
    left = sorted(_listing(folder) - before)
    problem = _wrong(done.returncode, done.stderr) or (f"left {left} behind" if left else None)
    return Outcome(status=done.returncode, said=done.stderr, seconds=time.monotonic() - begin, violation=problem)


def call(name: str, file: str) -> NoReturn:
    """What no command has, as a process."""
    sys.exit(_called(_CALLS[name], file))


def _called(function: Callable[[str], object], file: str) -> int:
    """What no command has, as one."""
    try:
        function(file)
    except InputError as error:
        complain(str(error))
        return 2
    return 0


def _kept(file: str) -> None:
    """What the cache does with a description that it has."""
    try:
        from_bytes(Path(file).read_bytes())
    except ValueError as error:  # it is as good as nothing
        raise InputError(one_line(str(error), 200)) from None


_CALLS: Mapping[str, Callable[[str], object]] = {"load_network": load_network, "kept description": _kept}


def _wrong(status: int | None, said: str) -> str | None:
    if _CONTROL.search(said):
        return f"a control character: {_CONTROL.search(said)!r}"
    if status in _TAKEN:
        return None
    if status != 2:
        return f"status {status}"
    told = [line for line in said.splitlines() if line.startswith("skipbeat: error: ")]
    if len(told) != 1 or said.splitlines()[-1] != told[0]:
        return f"{len(told)} lines of an error, or not the last one: {said[-300:]!r}"
    if len(told[0]) > MOST_CHARACTERS:
        return f"{len(told[0])} characters"
    strange = [line for line in said.splitlines() if not line.startswith("skipbeat: ")]
    return f"lines that are not ours: {strange[0][:200]!r}" if strange else None


def _listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if "__pycache__" not in path.parts}


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Time that ends the trial; warnings are printed, as in a process of its own."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    kept = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    recursion = sys.getrecursionlimit()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
        sys.setrecursionlimit(recursion)
