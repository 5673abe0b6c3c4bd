"""`make mutate`: plants faults in the machine's RTL and says how many of them the regression notices.

python tests/mutation/mutate.py [--mutants N] [--seed S] [--least SHARE] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from collections import Counter as Tally
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
from skipbeat_hw.mutation import Mutation, mutate
from skipbeat_hw.simulation.machine_driver import MACHINE_TOP, VerilatedMachine
from skipbeat_hw.verilog import machine_verilog
from tests.mutation.regression_cases import Case, cases

#: Two machines, so that both ways of a generated part are there: narrow and shared bus, wide and duplex.
DESIGNS = {
    "tiny-4x4, shared narrow bus": [
        "accumulators.depth=128", "memory.bytes_per_clock=2", "memory.latency_clocks=9", "memory.outstanding=2",
        "outputs.lanes=2", "weights.decode_lanes=2",
    ],
    "2x8, M = 8, duplex bus": [
        "array.rows=2", "array.cols=8", "array.group=8", "weights.decode_lanes=1", "activations.buffer_kib=64",
        "accumulators.depth=128", "memory.bytes_per_clock=16", "memory.latency_clocks=1", "memory.burst_beats=4",
        "memory.outstanding=2", "outputs.lanes=8", "outputs.buffer_kib=4",
    ],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A mutant and the case that noticed it; None: it survived."""

    design: str
    mutation: Mutation
    killer: str | None


def try_design(name: str, keys: list[str], mutants: int, seed: int) -> list[Tried]:
    """All mutants of one design.

    Raises:
        RuntimeError: the design without faults fails a case.
    """
    machine = Machine.of(load_hardware("tiny-4x4", keys))
    mutated = mutate(machine_verilog(machine), MACHINE_TOP, mutants, seed)
    rtl = VerilatedMachine(mutated.verilog, machine)
    regression = cases(machine)
    sound = {case.name: case.run(rtl, 0).counters for case in regression}
    for case in regression:
        if not case.holds(case.run(rtl, 0)):
            raise RuntimeError(f"{name}: the design without a fault fails on {case.name}")
    return [
        Tried(design=name, mutation=mutation, killer=_killer(rtl, regression, sound, mutation.number))
        for mutation in track(mutated.mutations, name, console=Console(stderr=True))
    ]


def _killer(
    rtl: VerilatedMachine, regression: list[Case], sound: dict[str, dict[Counter, int]], mutant: int
) -> str | None:
    """The first case that notices a mutant.

    Performance counters are compared with those of the sound design, which other tests hold against the models.
    """
    for case in regression:
        run = case.run(rtl, mutant)
        if not case.holds(run) or (case.exact and run.counters != sound[case.name]):
            return case.name
    return None


@click.command(help="Plants faults in the machine's RTL and says how many of them the regression notices.")
@click.option("--mutants", type=click.IntRange(1), default=200, show_default=True, help="Faults in each design.")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the faults.")
@click.option("--least", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Share to be noticed.")
@click.option("--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write every fault to a file.")
def main(mutants: int, seed: int, least: float, target: Path | None) -> None:
    tried = [t for name, keys in DESIGNS.items() for t in try_design(name, keys, mutants, seed)]
    killed = sum(t.killer is not None for t in tried)
    console = Console()
    table = Table("module", "faults", "noticed", title=f"Mutation test, seed {seed}")
    total, dead = Tally(t.mutation.module for t in tried), Tally(t.mutation.module for t in tried if t.killer)
    for module in sorted(total):
        table.add_row(module, str(total[module]), str(dead[module]))
    console.print(table)
    for t in tried:
        if t.killer is None:
            console.print(f"survived: {t.design}: {t.mutation}", highlight=False, soft_wrap=True)
    console.print(f"{killed} of {len(tried)} faults noticed: {killed / len(tried):.1%}, at least {least:.0%} wanted")
    if target is not None:
        rows = [{"design": t.design, "mutation": str(t.mutation), "killer": t.killer} for t in tried]
        target.write_text(json.dumps({"seed": seed, "killed": killed, "mutants": len(tried), "all": rows}, indent=1))
    if killed < least * len(tried):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
