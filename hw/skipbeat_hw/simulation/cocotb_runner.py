"""Runs a cocotb test module on Verilator or Icarus; each Verilog text is compiled once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import InputError, ToolError
from skipbeat_arch.partial import partial

from .toolchain import find_icarus, find_verilator
from .verilog_text import verilog_text

_TIMESCALE = ("1ns", "1ps")
_VERILATOR_ARGS = (
    "-O3",
    "--no-timing",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "-Wno-fatal",
    "--no-public-flat-rw",
)
_LOG_TAIL = 40


@dataclass(frozen=True)
class CocotbResult:
    """Tests that passed and failed, and the simulation's whole log."""

    passed: int
    failed: int
    log: str


def run_cocotb(
    verilog: str | Path,
    top: str,
    test_module: str,
    ports: Sequence[str],
    simulator: Literal["verilator", "icarus"],
    env: Mapping[str, str],
    seed: int,
) -> CocotbResult:
    """Compile module `top`, unless that was done before, and run the cocotb tests of `test_module` on it.

    Args:
        verilog: the text, or the Path of the file.
        ports: names or patterns (`act__*`) of the signals of `top` that the tests touch; Verilator hides the rest
            and is faster for it.
        env: environment variables for the tests.
        seed: cocotb's random seed.

    Raises:
        InputError: a tool is missing, or `simulator` is not known.
        RuntimeError: the compilation fails, or the simulation ends without results; the message holds the end of
            the log. Tests that fail are counted in the result, and the end of the log goes to standard error.
    """
    text = verilog_text(verilog)
    built = _build(text, top, ports, simulator)
    with partial(Path(tempfile.mkdtemp(prefix="cocotb-"))) as scratch:
        tests, failed, log = _test(built, top, test_module, simulator, env, seed, scratch)
    if failed:
        print(f"cocotb {test_module} on {top}, seed {seed}: {failed} of {tests} failed\n{_tail(log)}", file=sys.stderr)
    return CocotbResult(passed=tests - failed, failed=failed, log=log)


def _build(verilog: str, top: str, ports: Sequence[str], simulator: str) -> Path:
    arguments: tuple[str, ...] = ()
    if simulator == "verilator":
        tools = find_verilator()
        environment, fingerprint, arguments = tools.environment(), tools.fingerprint, _VERILATOR_ARGS
    elif simulator == "icarus":
        environment, fingerprint = dict(os.environ), find_icarus()
    else:
        raise InputError(f"simulator {simulator!r}: expected verilator or icarus")
    from cocotb import __version__ as cocotb_version

    control = "`verilator_config\n" + "".join(f'public_flat_rw -module "{top}" -var "{port}"\n' for port in ports)
    key = content_key(verilog, top, control, simulator, fingerprint, cocotb_version, " ".join(arguments))
    runtime_key = content_key(fingerprint, " ".join(arguments))

    def build(folder: Path) -> None:
        (folder / "top.v").write_text(verilog)
        (folder / "ports.vlt").write_text(control)
        if simulator == "verilator":
            runtime = kept_folder("cocotb-verilator", runtime_key, lambda kept: first(folder, kept))
            if (folder / "Vtop.mk").exists():
                return
            _copy_runtime(runtime, folder)
        _compile(simulator, top, folder, environment, arguments)

    def first(folder: Path, kept: Path) -> None:
        _compile(simulator, top, folder, environment, arguments)
        _copy_runtime(folder, kept)

    return kept_folder("cocotb", key, build, only=(top, "sim.vvp"))


def _compile(simulator: str, top: str, folder: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> None:
    from cocotb_tools.runner import get_runner

    log = folder / "build.log"
    with _environment(environment), _without_space(folder) as place:
        try:
            get_runner(simulator).build(
                sources=[place / "top.v"] if simulator == "icarus" else [place / "ports.vlt", place / "top.v"],
                hdl_toplevel=top,
                build_dir=place,
                build_args=list(arguments),
                timescale=_TIMESCALE,
                log_file=log,
            )
        except RuntimeError:
            raise ToolError(f"{simulator}: compiling {top} failed:\n{_tail(log.read_text())}") from None


@contextlib.contextmanager
def _without_space(folder: Path) -> Iterator[Path]:
    """The folder, or one whose name make can read and whose files are put there: GNU Make knows no spaces."""
    if " " not in str(folder):
        yield folder
        return
    with partial(Path(tempfile.mkdtemp(prefix="skipbeat-"))) as place:
        shutil.copytree(folder, place, dirs_exist_ok=True)
        yield place
        shutil.copytree(place, folder, dirs_exist_ok=True)


def _copy_runtime(source: Path, target: Path) -> None:
    """Hand Verilator's compiled run-time, five sixths of a small build, from the first build to all others.

    Verilator's makefile takes an object file for current if it is newer than the generated makefile, so it gets a
    time in the future.
    """
    for path in source.glob("verilated*.o"):
        shutil.copyfile(path, target / path.name)
        later = time.time() + 3600
        os.utime(target / path.name, (later, later))


def _test(
    built: Path, top: str, test_module: str, simulator: str, env: Mapping[str, str], seed: int, scratch: Path
) -> tuple[int, int, str]:
    """Tests run, tests failed, and the log."""
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    log, results = scratch / "simulation.log", scratch / "results.xml"
    # The runner behaves in another way inside pytest; and what is in os.environ wins over its argument for it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} | dict(env)
    with _environment(environment), contextlib.suppress(SystemExit):
        get_runner(simulator).test(
            test_module=test_module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=built,
            test_dir=scratch,
            results_xml=str(results),
            log_file=log,
            seed=seed,
            timescale=_TIMESCALE,
        )
    text = log.read_text(errors="replace")
    if not results.exists():
        raise RuntimeError(f"{simulator}: the simulation of {top} ended without results:\n{_tail(text)}")
    tests, failed = get_results(results)
    return tests, failed, text


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Replace os.environ for a while: cocotb's runner reads it directly."""
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _tail(log: str) -> str:
    return "\n".join(log.splitlines()[-_LOG_TAIL:])
