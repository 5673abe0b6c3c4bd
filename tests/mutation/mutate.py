"""`make mutate`: plants faults in the machine's RTL and says how many of them the regression notices.

python tests/mutation/mutate.py [--mutants N] [--seed S] [--least SHARE] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import MACHINE_TOP, VerilatedMachine
from skipbeat_hw.tools.equivalence import proves_equivalent
from skipbeat_hw.tools.mutation import Mutation, mutate
from skipbeat_hw.tools.unread_registers import proves_unread
from skipbeat_hw.tools.verilog import machine_verilog
from tests.mutation.equivalent import SUMS, why_equivalent
from tests.mutation.regression_cases import Case, cases

#: Two machines, so that both ways of a generated part are there: narrow and shared bus, wide and duplex.
DESIGNS = {
    "tiny-4x4, shared narrow bus": [
        "accumulators.depth=1024",
        "memory.bytes_per_clock=2",
        "memory.latency_clocks=60",
        "memory.outstanding=16",
        "outputs.lanes=2",
        "outputs.buffer_kib=1",
        "weights.decode_lanes=2",
        "weights.buffer_kib=1",
        "activations.buffer_kib=8",
    ],
    "2x8, M = 8, duplex bus": [
        "array.rows=2",
        "array.cols=8",
        "array.group=8",
        "weights.decode_lanes=1",
        "weights.buffer_kib=1",
        "activations.buffer_kib=8",
        "accumulators.depth=1024",
        "memory.bytes_per_clock=16",
        "memory.latency_clocks=1",
        "memory.burst_beats=4",
        "memory.outstanding=2",
        "outputs.lanes=8",
        "outputs.buffer_kib=2",
    ],
}

#: For one attempt to prove that a fault changes nothing.
PROOF_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A mutant and the case that noticed it; None: it survived. `equivalent`: why nothing could have noticed it."""

    design: str
    mutation: Mutation
    killer: str | None
    equivalent: str | None


class Trial:
    """A design with its faults, compiled, and the regression.

    Raises:
        RuntimeError: the design without faults fails a case.
    """

    def __init__(self, name: str, machine: Machine, mutants: int, seed: int, regression: list[Case]) -> None:
        self.name, self.regression, self._machine = name, regression, machine
        self.mutated = mutate(machine_verilog(machine), MACHINE_TOP, mutants, seed)
        self._rtl = VerilatedMachine(self.mutated.verilog, machine)
        self._counters: dict[str, dict[Counter, int]] = {}
        for case in regression:
            run = case.run(self._rtl, 0)
            self._counters[case.name] = run.counters
            if not case.holds(run):
                raise RuntimeError(f"{name}: the design without a fault fails on {case.name}")
        self._most = max(max(counts.values()) for counts in self._counters.values())

    def try_all(self) -> list[Tried]:
        """All mutants.

        Raises:
            RuntimeError: a fault that was said to change nothing was noticed.
        """
        tried = []
        for mutation in track(self.mutated.mutations, self.name, console=Console(stderr=True)):
            killer = self.killer(mutation.number)
            equivalent = why_equivalent(mutation, self._machine, self._most.bit_length())
            if killer is None and equivalent is None:
                equivalent = self._proof(mutation)
            if killer and equivalent:
                raise RuntimeError(f"{self.name}: {killer} noticed {mutation}, of which was said: {equivalent}")
            tried.append(Tried(design=self.name, mutation=mutation, killer=killer, equivalent=equivalent))
        return tried

    def killer(self, mutant: int) -> str | None:
        """The name of the first case that notices a mutant.

        What the memories of the chip hold at first does not depend on the mutants before. Performance counters are
        compared with those of the sound design, which other tests hold against the models.
        """
        self.regression[-1].run(self._rtl, 0)
        for case in self.regression:
            run = case.run(self._rtl, mutant)
            if not case.holds(run) or run.counters != self._counters[case.name]:
                return case.name
        return None

    def _proof(self, mutation: Mutation) -> str | None:
        """The module that was shown to be the same with the fault: its own, or one of those that it stands in."""
        root, prepared = mutation.module, self.mutated.prepared
        while root:
            large = root == MACHINE_TOP
            sums = SUMS.get(root, ())
            if not large:
                flag = proves_unread(prepared, root, mutation.command, seconds=PROOF_SECONDS, sums=sums)
                if flag is not None:
                    return f"proved in {root}{flag and f', where nobody looks at it without {flag}'}"
            if proves_equivalent(prepared, root, mutation.command, seconds=PROOF_SECONDS, large=large):
                return f"proved in {root}"
            root = root.rpartition(".")[0]
        return None


def _table(tried: list[Tried], seed: int) -> Table:
    table = Table("module", "faults", "noticed", "equivalent", "survived", title=f"Mutation test, seed {seed}")
    for module in sorted({t.mutation.module for t in tried}):
        of = [t for t in tried if t.mutation.module == module]
        noticed, equivalent = sum(t.killer is not None for t in of), sum(t.equivalent is not None for t in of)
        table.add_row(module, *map(str, (len(of), noticed, equivalent, len(of) - noticed - equivalent)))
    return table


@click.command(help="Plants faults in the machine's RTL and says how many of them the regression notices.")
@click.option("--mutants", type=click.IntRange(1), default=200, show_default=True, help="Faults in each design.")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the faults.")
@click.option("--least", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Share to be noticed.")
@click.option("--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write every fault to a file.")
def main(mutants: int, seed: int, least: float, target: Path | None) -> None:
    tried = []
    for name, keys in DESIGNS.items():
        machine = Machine.of(load_hardware("tiny-4x4", keys))
        tried += Trial(name, machine, mutants, seed, cases(machine)).try_all()
    killed, equivalent = sum(t.killer is not None for t in tried), sum(t.equivalent is not None for t in tried)
    console = Console()
    console.print(_table(tried, seed))
    for t in tried:
        if t.killer is None:
            what = f"equivalent ({t.equivalent})" if t.equivalent else "survived"
            console.print(f"{what}: {t.design}: {t.mutation}", highlight=False, soft_wrap=True)
    share = killed / (len(tried) - equivalent)
    console.print(
        f"{len(tried)} faults: {equivalent} equivalent, {killed} of the other {len(tried) - equivalent} noticed: "
        f"{share:.1%}, at least {least:.0%} wanted"
    )
    if target is not None:
        rows = [
            {"design": t.design, "mutation": str(t.mutation), "killer": t.killer, "equivalent": t.equivalent}
            for t in tried
        ]
        counts = {"seed": seed, "faults": len(tried), "equivalent": equivalent, "noticed": killed}
        target.write_text(json.dumps(counts | {"all": rows}, indent=1))
    if share < least:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
