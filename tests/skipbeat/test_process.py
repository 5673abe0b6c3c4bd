"""An interruption that comes early, while the command is still imported, is one line as well."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

#: Runs `skipbeat hardware --presets`, of which a module takes its time to be imported.
SCRIPT = """
import sys, time

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "skipbeat_arch.budget":
            print("begun", flush=True)
            time.sleep({seconds})

sys.meta_path.insert(0, Slow())
from skipbeat.process import run

sys.argv = ["skipbeat", "hardware", "--presets"]
sys.exit(run())
"""


def interrupted(number: signal.Signals, seconds: int, before: Callable[[], object]) -> tuple[int, str, str]:
    """Status, output and complaints of a command that gets a signal during its imports."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    return process.returncode, out, said


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_is_one_line(number: signal.Signals, status: int) -> None:
    found = interrupted(number, 100, lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert found == (status, "", "skipbeat: interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_command_in_the_background_of_a_script_is_not_interrupted(number: signal.Signals) -> None:
    """A shell that has no jobs ignores Ctrl-C for it, and `nohup` that the terminal is closed."""
    status, out, said = interrupted(number, 1, lambda: signal.signal(number, signal.SIG_IGN))
    assert (status, said) == (0, "")
    assert "tiny-4x4" in out.split()
