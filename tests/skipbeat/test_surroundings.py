"""Machines as they are: folders that cannot be written, no home, terminals of few characters, tools that fail."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.skipbeat.command_line import TINY
from tests.skipbeat.test_extras import _MODEL

#: Of prctl(2), and the capabilities by which root writes where nobody may.
_DROP, _OVERRIDES = 24, (1, 2)
_COSIM = ("cosim", "--hw", "tiny-4x4", "--gemm", "4,8,4")
_ESTIMATE = ("estimate", "own:small", "--hw", "tiny-4x4")


def command(
    *words: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
    start_new_session: bool = False,
) -> subprocess.Popen[str]:
    """A command that was begun; `before` runs in its process first."""
    return subprocess.Popen(
        [sys.executable, "-m", "skipbeat", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=env,
        preexec_fn=before,
        start_new_session=start_new_session,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Status, output and complaints of a command at its end."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def as_anybody() -> None:
    """Root may write everywhere: this takes it away from what is run next."""
    libc = ctypes.CDLL(None)
    for capability in _OVERRIDES:
        libc.prctl(_DROP, capability, 0, 0, 0)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a model of the user's."""
    (tmp_path / "own.py").write_text(_MODEL)
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize(
    "words",
    [
        ("compile", "own:small", "-o", "x.skb"),
        ("verilog", "-o", "out"),
        (*_COSIM, "--dump", "d.npz"),
        (*_ESTIMATE, "--html", "x.html"),
    ],
    ids=lambda words: str(words[0]),
)
def test_a_folder_that_cannot_be_written_is_told_before_work_begins(words: Sequence[str], own: Path) -> None:
    own.chmod(0o555)
    try:
        status, out, said = ended(command(*words, before=as_anybody, cwd=own))
    finally:
        own.chmod(0o755)
    assert (status, out, said.count("\n")) == (2, "", 1)
    assert said.startswith(f"skipbeat: error: {words[-1]}: cannot be ")
    assert said.endswith("Permission denied\n")
    assert [path.name for path in own.iterdir()] == ["own.py"]


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_no_home(home: str | None, own: Path) -> None:
    env = {key: value for key, value in os.environ.items() if key not in ("HOME", "SKIPBEAT_CACHE", "XDG_CACHE_HOME")}
    env |= {} if home is None else {"HOME": home}
    env |= {} if home else {"SKIPBEAT_CACHE": str(own / "cache")}
    for words in (_ESTIMATE, ("verilog", *TINY, "-o", "out")):
        status, _, said = ended(command(*words, cwd=own, env=env))
        assert status == 0, said
        assert "going on without it" in said or "cache" not in said
    assert (own / "out" / "core.v").exists()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_few_characters_gets_similar_ones(encoding: str, own: Path) -> None:
    env = os.environ | {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = subprocess.run(
        [sys.executable, "-m", "skipbeat", *_ESTIMATE], cwd=own, env=env, capture_output=True, check=False
    )
    assert process.returncode == 0
    text = process.stdout.decode(encoding)
    assert ("1.00x" if encoding == "ascii" else "1.00×") in text
    assert "\\x" not in text
    assert "\\u" not in text


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    status, out, said = ended(command("zoo", "--csv", "models.csv", before=full_disk, cwd=tmp_path))
    assert (status, out) == (74, "")
    assert said == "skipbeat: error: models.csv: cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []


def full_disk() -> None:
    """Nothing more than 100 bytes fits into any file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.slow
def test_a_build_on_a_full_disk_fails_once(own: Path) -> None:
    """What is half built is no part of the cache: with room the same command works."""
    env = os.environ | {"SKIPBEAT_CACHE": str(own / "cache"), "TMPDIR": str(own)}
    status, _, said = ended(command(*_COSIM, before=full_disk, cwd=own, env=env))
    assert status in (69, 74)
    assert said.count("skipbeat: error: ") == 1
    assert not list((own / "cache").rglob("*.so"))
    status, _, said = ended(command(*_COSIM, cwd=own, env=env))
    assert status == 0, said


@pytest.mark.slow
def test_a_killed_build_is_made_again_by_the_same_command(own: Path) -> None:
    env = os.environ | {"SKIPBEAT_CACHE": str(own / "cache")}
    first = command(*_COSIM, cwd=own, env=env, start_new_session=True)
    while not list(own.glob("cache/rtl/tmp-*/cpp/*.cpp")):
        assert first.poll() is None, ended(first)
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    assert ended(first)[0] == -signal.SIGKILL
    status, out, said = ended(command(*_COSIM, cwd=own, env=env))
    assert (status, said) == (0, "")
    assert out.endswith("RTL, cycle model and timing model agree.\n")


@pytest.mark.slow
def test_two_commands_that_build_the_same_rtl_at_once(own: Path) -> None:
    env = os.environ | {
        "SKIPBEAT_CACHE": str(own / "cache"),
        "PATH": f"{_counting(own)}{os.pathsep}{os.environ['PATH']}",
    }
    both = [command(*_COSIM, cwd=own, env=env) for _ in range(2)]
    for process in both:
        assert ended(process)[0] == 0
    assert (own / "linked").read_text().count("\n") == 1


def _counting(folder: Path) -> Path:
    """A folder with a compiler that notes each library that it links."""
    tools = folder / "tools"
    tools.mkdir()
    script = (
        f'#!/bin/sh\ncase " $* " in *" -shared "*) echo linked >> "{folder}/linked";; esac\nexec /usr/bin/c++ "$@"\n'
    )
    (tools / "c++").write_text(script)
    (tools / "c++").chmod(0o755)
    return tools


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True], ids=["none", "fails"])
def test_a_compiler_that_is_not_there_or_fails(fails: bool, own: Path) -> None:
    (own / "tools").mkdir()
    for name in ("perl", "make", *(("c++",) if fails else ())):
        (own / "tools" / name).write_text('#!/bin/sh\n[ "$1" = --version ] && echo 1.0 || exit 1\n')
        (own / "tools" / name).chmod(0o755)
    env = os.environ | {"PATH": str(own / "tools"), "SKIPBEAT_CACHE": str(own / "cache"), "TMPDIR": str(own)}
    status, out, said = ended(command(*_COSIM, cwd=own, env=env))
    assert (status, out) == (69 if fails else 2, "")
    if fails:
        assert said.startswith("skipbeat: error: c++ failed with exit status 1; its output is in ")
    else:
        assert said.startswith("skipbeat: error: c++: not found on PATH, expected to compile simulations (on Debian: ")
    assert said.count("\n") == 1
    assert not list((own / "cache").rglob("*.so"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "wanted"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_the_end_of_a_regression_leaves_no_process(number: signal.Signals, wanted: int) -> None:
    process = command("regress", "--cases", "500", "--jobs", "2", "--seed", "0", *TINY, start_new_session=True)
    assert process.stderr is not None
    said = ""
    while "1/500" not in said:
        line = process.stderr.readline()
        assert line, f"it ended: {said}"
        said += line
    assert len(_of_session(process.pid)) > 1
    process.send_signal(number)  # to it alone, as a scheduler does
    status, out, said = ended(process)
    assert (status, out) == (wanted, "")
    assert "Traceback" not in said
    end = time.monotonic() + 20
    while (left := _of_session(process.pid)) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []


def _of_session(session: int) -> list[str]:
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:  # it ended
            continue
        state, _, _, its = rest.split()[:4]
        if int(its) == session and state != "Z":
            found.append(name)
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "words",
    [_COSIM, ("regress", "--cases", "1", "--seed", "0", *TINY), ("verilog", *TINY, "-o", "its out")],
    ids=lambda words: str(words[0]),
)
def test_a_folder_with_a_space(words: Sequence[str], tmp_path: Path) -> None:
    folder = tmp_path / "my chips"
    folder.mkdir()
    env = os.environ | {"SKIPBEAT_CACHE": str(folder / "cache")}
    status, out, said = ended(command(*words, cwd=folder, env=env))
    assert status == 0, said
    assert out
