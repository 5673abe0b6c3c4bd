"""Workers end with their block, whatever they are doing, and leave neither processes nor files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from skipbeat_arch.partial import partial
from skipbeat_arch.workers import begun_by, worker_processes

pytest.importorskip("joblib")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")

#: A parent that waits for its worker.
SCRIPT = """
import sys
from pathlib import Path
from skipbeat_arch.workers import worker_processes
from tests.arch.test_workers import busy

with worker_processes(2) as submit:
    submit(busy, Path(sys.argv[1])).result()
"""


def busy(place: Path, deaf: bool = False) -> None:
    """Half-made files, one of them a tool's, and a tool that does not end."""
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with partial(place / "half") as half:
        half.mkdir()
        made = tempfile.mkdtemp()
        with subprocess.Popen(["sleep", "100"]) as tool:
            (place / "begun").write_text(f"{os.getpid()} {tool.pid} {made}")
        if deaf:
            time.sleep(100)


def begun(place: Path) -> tuple[list[int], Path]:
    """The worker and its tool, and the folder of its own, when they have begun."""
    end = time.monotonic() + 60
    while not (place / "begun").exists() or not (place / "begun").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    worker, tool, made = (place / "begun").read_text().split()
    return [int(worker), int(tool)], Path(made)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("deaf", [False, True])
def test_the_end_of_the_block_is_that_of_all(deaf: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with suppress(KeyboardInterrupt), worker_processes(2) as submit:
        submit(busy, tmp_path, deaf)
        processes, made = begun(tmp_path)
        assert made.is_relative_to(temporary)
        assert processes[1] in begun_by(os.getpid())
        begin = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - begin < 5  # a fifth of a second, on a machine with nothing else to do
    eventually(lambda: not any(map(alive, processes)))
    assert list(temporary.iterdir()) == []
    assert (tmp_path / "half").exists() == deaf


def test_workers_of_a_parent_that_was_killed_end_by_themselves(tmp_path: Path) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], env=env) as parent:
        processes, _ = begun(tmp_path)
        parent.kill()
    eventually(lambda: not any(map(alive, processes)) and not list(temporary.iterdir()))
    eventually(lambda: not (tmp_path / "half").exists())


def test_a_worker_that_died_is_replaced() -> None:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with worker_processes(2) as submit:
        assert submit(pow, 2, 3).result() == 8
        with pytest.raises(TerminatedWorkerError):
            submit(os._exit, 1).result()
        assert submit(pow, 2, 4).result() == 16


def test_an_interruption_does_not_reach_workers(tmp_path: Path) -> None:
    """A terminal sends it to all; those that have hardly begun would print tracebacks."""
    env = os.environ | {"TMPDIR": str(tmp_path)}
    script = SCRIPT.replace(".result()", "; submit(pow, 2, 3); import os, signal; os.killpg(0, signal.SIGINT)")
    script = script.replace("with ", "sys.excepthook = lambda *_: print('interrupted')\nwith ")
    done = subprocess.run(
        [sys.executable, "-W", "ignore:resource_tracker", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        env=env,
        process_group=0,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
