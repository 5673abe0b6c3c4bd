"""Worker processes: they end with the block that they work for, whatever they are doing, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from .partial import partial, remove_partial

#: Seconds that a process has to remove its files, before it is killed.
_PATIENCE = 0.15
#: A terminal sends them to all that run in it; they are for the parent.
_OF_TERMINALS = (signal.SIGINT, signal.SIGHUP)


@contextmanager
def worker_processes(jobs: int) -> Iterator[Callable[..., Any]]:
    """Gives a function that submits work to `jobs` processes and returns its future; workers that died are replaced.

    Temporary files of workers, and of compilers and simulators that they run, lie in a folder of the block. An
    interruption is for their parent alone, which ends them; where it was killed, they end by themselves.
    """
    from multiprocessing import active_children

    from joblib.externals.loky import get_reusable_executor

    others, made = set(active_children()), list[Any]()
    with partial(Path(tempfile.mkdtemp(prefix="skipbeat-"))) as folder:

        def submit(work: Callable[..., Any], *arguments: object) -> Any:
            first = (str(folder), os.getpid())
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_TERMINALS)  # what is begun here has them blocked
            try:
                made[:] = [get_reusable_executor(max_workers=jobs, initializer=_begin, initargs=first)]
                signal.pthread_sigmask(signal.SIG_BLOCK, _OF_TERMINALS)  # it unblocks what it blocked
                return made[0].submit(work, *arguments)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

        try:
            yield submit
        finally:
            with _silent():
                end_processes(worker.pid for worker in set(active_children()) - others if worker.pid is not None)
                for each in made:
                    each.shutdown(wait=True, kill_workers=True)


@contextmanager
def _silent() -> Iterator[None]:
    """Of workers that ended its executor says much, by warnings and in its own thread."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        threading.excepthook = before


def end_processes(roots: Iterable[int]) -> None:
    """End processes with all that they began: they are asked, so that they remove their files, and soon killed."""
    tree = [pid for root in roots for pid in (root, *begun_by(root))]
    _signal(tree, signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while (left := [pid for pid in tree if _lives(pid)]) and time.monotonic() < end:
        time.sleep(0.005)
    _signal(left, signal.SIGKILL)


def begun_by(pid: int) -> list[int]:
    """Processes that a process began, and that these began, where the system lists them, as Linux does."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listing.read_text().split()):
                found += [child, *begun_by(child)]
    return found


def _signal(processes: Iterable[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(OSError):  # it has ended
            os.kill(pid, number)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()


def _begin(folder: str, parent: int) -> None:
    """What a worker does first."""
    for number in _OF_TERMINALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _OF_TERMINALS)
    signal.signal(signal.SIGTERM, _end)
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    threading.Thread(target=_watch, args=(folder, parent), daemon=True).start()


def _end(*_: object) -> NoReturn:
    try:
        remove_partial()
    finally:
        os._exit(128 + signal.SIGTERM)


def _watch(folder: str, parent: int) -> None:
    """End the worker, what it began and its files, if its parent was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    end_processes(begun_by(os.getpid()))
    shutil.rmtree(folder, ignore_errors=True)
    _end()
