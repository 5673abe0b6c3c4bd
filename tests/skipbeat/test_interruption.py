"""An interruption ends a command within a second, whatever it is doing; nothing half-made is left."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

#: Runs `skipbeat hardware` with a `load_hardware` that makes half a file and then does not listen.
SCRIPT = """
import sys, time
from pathlib import Path
import skipbeat_arch.hardware
from skipbeat_arch.partial import partial
from skipbeat.process import run

def load_hardware(*_):
    with partial(Path("half")) as path:
        path.write_text("half")
        print("begun", flush=True)
        {body}

skipbeat_arch.hardware.load_hardware = load_hardware
sys.argv = ["skipbeat", "hardware"]
sys.exit(run())
"""
BODIES = {
    "asleep": "time.sleep(100)",
    "in a library": "import ctypes; ctypes.CDLL(None).poll(None, 0, 100_000)",
    "deaf": """
        while True:
            try:
                time.sleep(100)
            except KeyboardInterrupt:
                pass""",
    "with an object that does not know how to end": """
        class Broken:
            def __del__(self):
                raise AttributeError("it was never made")
        broken = Broken()
        time.sleep(100)""",
    "in a finalizer": """
        class Slow:
            def __del__(self):
                time.sleep(100)
        Slow()
        time.sleep(100)""",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("doing", BODIES)
def test_it_ends_in_time_in_one_line_and_leaves_nothing(tmp_path: Path, doing: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=BODIES[doing])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    begin = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert time.monotonic() - begin < 5  # one second, on a machine with nothing else to do
    assert (process.returncode, said.strip()) == (128 + number, "skipbeat: interrupted")
    assert not list(tmp_path.iterdir())


def test_a_terminal_that_is_closed_ends_it(tmp_path: Path) -> None:
    """Its line cannot be said any more."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=BODIES["asleep"])],
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    assert os.read(ours, 5) == b"begun"
    os.close(ours)
    assert process.wait(timeout=10) == 129
    assert not list(tmp_path.iterdir())
