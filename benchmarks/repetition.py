"""What repetition saves in the timing model: one linear layer with more and more tokens.

    python benchmarks/repetition.py [C K TOKENS ...]

A layer of C x K weights, pruned to 2:4, on large-32x32: its plain program, how many of its instructions are followed
(the others are copied from a stretch before them in which everything was the same), and CPU-seconds: to make the
program, to find its clocks, and to find them by following every instruction.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

import skipbeat_sim.timing.machine_timing as timing_module
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Gemm, one_image
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.lowering import lower
from skipbeat_mapper.timed_network import placements
from skipbeat_models.synthetic import synthetic_mask
from skipbeat_sim.timing.machine_run import MachineRun
from skipbeat_sim.timing.machine_timing import machine_timing
from skipbeat_sim.timing.replay import Replay

SIZES = (4096, 4096, 128, 512, 2048, 8192, 32768)
Answer = TypeVar("Answer")


def timed(work: Callable[[], Answer]) -> tuple[Answer, float]:
    """What it gives, and the CPU-seconds that it takes."""
    before = time.process_time()
    return work(), time.process_time() - before


def row(c: int, k: int, tokens: int) -> str:
    """A line of the table."""
    made: list[Replay] = []

    def replay(run: MachineRun) -> Replay:
        made.append(Replay(run))
        return made[-1]

    machine = Machine.of(load_hardware("large-32x32"))
    mask = synthetic_mask((c, k), Pattern.parse("2:4"), 0).astype(np.int8)
    graph = layer_graph(one_image(Gemm(p=tokens, c=c, k=k))[0], mask, "linear")
    memory = placements(graph, machine)[-1].memory
    program, emission = timed(lambda: lower(memory, "linear"))
    timing_module.Replay = replay
    quick, skipping = timed(lambda: machine_timing(machine, program.instructions, program.tiles))
    slow, following = timed(lambda: machine_timing(machine, program.instructions, program.tiles, skip=False))
    if (quick.cycles, quick.finish) != (slow.cycles, slow.finish):
        raise RuntimeError(
            f"{tokens} tokens: {quick.cycles} clocks, but {slow.cycles} if every instruction is followed"
        )
    count, skipped = len(program.instructions), sum(each.skipped for each in made)
    return (
        f"| {tokens:,} | {quick.cycles:,} | {count:,} | {count - skipped:,} | {emission:.2f} | {skipping:.2f} | "
        f"{following:.2f} |"
    )


def main(c: int, k: int, *tokens: int) -> None:
    """Print a table of Markdown."""
    print("| tokens | clocks | instructions | followed | emission, CPU s | timing, CPU s | all followed, CPU s |")
    print("|---|---|---|---|---|---|---|")
    for each in tokens:
        print(row(c, k, each), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:])) if len(sys.argv) > 3 else main(*SIZES)
