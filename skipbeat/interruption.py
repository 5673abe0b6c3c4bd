"""An interruption ends a command within a second, whatever the command is doing.

Python tells the main thread of a signal, and that one may be inside a simulation or wait for something. So another
thread is told too: it gives the main thread a moment to come to its end, and ends the process if it does not.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from skipbeat_arch.partial import remove_partial
from skipbeat_arch.workers import begun_by, end_processes

#: Of an orderly end.
SECONDS = 0.7
LINE = "skipbeat: interrupted"

#: Ctrl-C, a request to end, and a terminal that was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: The main thread ends by itself, or writes what it has.
_answered = threading.Event()
#: Held by whoever decides who ends the process, for good by a thread that does it.
_deciding = threading.Lock()


@contextmanager
def ended_in_time() -> Iterator[None]:
    """The block ends soon after a signal, or the process does, with the signal's status. Only in the main thread."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    _answered.clear()
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True, name="interruption").start()
    try:
        yield
    finally:
        answered()
        signal.set_wakeup_fd(before)
        writing.close()


def answered() -> None:
    """What was interrupted has ended: its line is being said, and writing what there is may take longer."""
    with _deciding:
        _answered.set()


def _watch(reading: socket.socket) -> None:
    with reading:
        while number := reading.recv(1):
            if number[0] not in SIGNALS or _answered.wait(SECONDS):
                continue
            with _deciding:
                if not _answered.is_set():
                    _end(number[0])


def _end(number: int) -> NoReturn:
    """End now: nothing is written any more, and what the process began ends with it."""
    with suppress(OSError, ValueError):
        print(LINE, file=sys.stderr, flush=True)
    end_at_once(128 + number)


def deaf() -> None:
    """Further signals change nothing: the process is ending."""
    if threading.current_thread() is threading.main_thread():  # others cannot, and need not: they do not hear them
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def end_at_once(status: int) -> NoReturn:
    """End the process without Python's own end, which frees all that there is and may take long."""
    deaf()
    if (multiprocessing := sys.modules.get("multiprocessing")) is not None:
        end_processes(worker.pid for worker in multiprocessing.active_children())
    for child in begun_by(os.getpid()):
        with suppress(OSError):
            os.kill(child, signal.SIGTERM)
    remove_partial()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
