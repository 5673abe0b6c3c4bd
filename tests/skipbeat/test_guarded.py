"""The command as a process: whatever ends it, one line says it, and the exit status tells which."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

#: Runs `skipbeat hardware` with another `load_hardware`.
SCRIPT = """
import sys, time
import skipbeat_arch.hardware
from skipbeat.process import run

def load_hardware(*_):
    {body}

skipbeat_arch.hardware.load_hardware = load_hardware
sys.argv = ["skipbeat", "hardware"]
sys.exit(run())
"""


def ended(body: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(body=body)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env)


def test_a_defect_is_one_line_and_a_file_with_its_traceback(tmp_path: Path) -> None:
    done = ended("raise ZeroDivisionError('of ours')", env={**os.environ, "TMPDIR": str(tmp_path)})
    (report,) = tmp_path.iterdir()
    line = f"a defect of skipbeat: ZeroDivisionError: of ours; please report it with {report}"
    assert (done.returncode, done.stdout, done.stderr) == (70, "", f"skipbeat: error: {line}\n")
    assert "ZeroDivisionError: of ours" in report.read_text()
    assert report.read_text().startswith("skipbeat hardware\n")


def test_a_defect_with_no_room_for_a_file_is_shown(tmp_path: Path) -> None:
    body = "import tempfile; tempfile.NamedTemporaryFile = lambda *_, **__: open('/no/such/folder/x', 'w'); 1 / 0"
    done = ended(body)
    assert done.returncode == 70
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("please report it with the lines above\n")


def test_a_warning_is_one_line_that_is_cut() -> None:
    done = ended("import warnings; warnings.warn('of a user\\n' + 'x' * 9999 + chr(27)); raise MemoryError")
    warning, end = done.stderr.splitlines()
    assert warning.startswith("skipbeat: warning: <string>:7: UserWarning: of a user xxx")
    assert warning.endswith("x\\u001b")
    assert len(warning) < 400
    assert done.returncode == 71
    assert end.startswith("skipbeat: error: not enough memory")


def test_memory_that_there_is_not(tmp_path: Path) -> None:
    done = ended("import numpy; numpy.ones((1 << 46,), numpy.int8)")
    assert done.returncode == 71
    assert done.stderr.startswith("skipbeat: error: not enough memory: Unable to allocate 64.0 TiB")
    assert done.stderr.count("\n") == 1
    assert "this machine has " in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_cannot_be_written() -> None:
    command = [sys.executable, "-m", "skipbeat", "hardware", "--presets"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    line = "skipbeat: error: the output: cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (74, line)


@pytest.mark.parametrize("words", [("hardware", "--presets"), ("--version",), ("zoo", "--csv", "x.csv")])
def test_an_output_that_is_closed(words: tuple[str, ...], tmp_path: Path) -> None:
    """Nothing is begun: a file that a command opens would become its output."""
    command = [sys.executable, "-m", "skipbeat", *words]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path, preexec_fn=lambda: os.close(1)
    )
    line = "skipbeat: error: the output: cannot be written: Bad file descriptor\n"
    assert (done.returncode, done.stderr) == (74, line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_other_streams_that_are_closed(closed: tuple[int, ...]) -> None:
    """A command needs its output only; where its complaints would go, no file gets in their place."""

    def close() -> None:
        for number in closed:
            os.close(number)

    script = SCRIPT.format(body="import os; os.fstat(2); raise MemoryError")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, preexec_fn=close)
    assert done.returncode == (74 if 1 in closed else 71)
    assert done.stderr.count("\n") == (0 if 2 in closed else 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_file_that_does_not_fit() -> None:
    """The same status, and what was printed before is still to be read."""
    body = "print('begun'); from skipbeat_arch.files import write_text; write_text('/dev/full', 'x')"
    done = ended(body)
    line = "skipbeat: error: /dev/full: cannot be written: No space left on device\n"
    assert (done.returncode, done.stdout, done.stderr) == (74, "begun\n", line)


def test_a_reader_that_went_away() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "skipbeat", "hardware", "--presets"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it(number: signal.Signals, status: int) -> None:
    script = SCRIPT.format(body="print('begun', flush=True); time.sleep(100)")
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said.strip()) == (status, "skipbeat: interrupted")


def test_a_tool_that_fails_is_one_line_and_a_file_with_its_output(tmp_path: Path) -> None:
    body = "from skipbeat_arch.errors import ToolError; raise ToolError('c++ failed with exit status 1:\\nx.cpp: no')"
    done = ended(body, env={**os.environ, "TMPDIR": str(tmp_path)})
    (report,) = tmp_path.iterdir()
    line = f"c++ failed with exit status 1; its output is in {report}"
    assert (done.returncode, done.stdout, done.stderr) == (69, "", f"skipbeat: error: {line}\n")
    assert report.read_text().endswith("x.cpp: no")


def test_similar_characters_stand_for_those_that_a_terminal_has_not_got() -> None:
    """Each of those of our tables is one character again, so that columns stand; others are numbers."""
    code = "from skipbeat import guarded; guarded.main = lambda: print('1.99× – 5 µJ … ─ 電') or 0; guarded.run()"
    for encoding, expected in (("ascii", "1.99x - 5 uJ ~ - "), ("latin-1", "1.99× - 5 µJ ~ - ")):
        env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=env)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode(encoding) == f"{expected}\\u96fb\n"


def test_a_terminal_of_few_characters(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "skipbeat", "hardware", "--hw", "\u96fb.yaml"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 2
    assert done.stderr.startswith("skipbeat: error: hardware ")
    assert done.stderr.isascii()
