"""Where the command begins: an interruption is told in one line from here on, also while the rest is imported."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn


def run() -> int:
    """Run the command that `sys.argv` has, and return its exit status: as `guarded.run`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and shells' background jobs have it
            signal.signal(number, _end)
    from . import guarded

    return guarded.run()


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """Nothing has begun yet that would have to be removed; `guarded.run` puts handlers of its own in place."""
    try:
        os.write(2, b"skipbeat: interrupted\n")
    finally:
        os._exit(128 + number)
