"""Local vectors that meet a LOAD of activations or a ZERO at the one write port of the banks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError

from .bus import Bus
from .result_clocks import ResultClocks
from .store_clocks import vector_clocks
from .timed_program import Program


def check_bank_conflicts(program: Program, bus: Bus, results: ResultClocks, begin: Sequence[int]) -> None:
    """All clocks in which the banks are written are known: none may be that of two writes.

    Raises:
        InputError: two writes in one clock, which the machine answers with BANK_CONFLICT.
    """
    clocks, stores = _local_vectors(program, results)
    others = _other_writes(program, bus, begin)
    if not clocks.size or not others.size:
        return
    first, beats, before, size, number = others[np.argsort(others[:, 0], kind="stable")].T
    # what began last before each local vector: LOADs and ZEROs do not overlap; a write is a clock after its beat
    place = np.searchsorted(first, clocks - 1, side="right") - 1
    beat = clocks - 1 - first[place]
    meet = (place >= 0) & (beat < beats[place]) & ((before[place] + beat + 1) % size[place] == 0)
    if meet.any():
        which = int(np.argmax(meet))
        other = int(number[place[which]])
        raise InputError(
            f"program: in clock {int(clocks[which])} the activation banks are written by instruction "
            f"{int(stores[which])} (STORE) and instruction {other} ({program.instructions[other].title})"
        )


def _other_writes(program: Program, bus: Bus, begin: Sequence[int]) -> Int64Array:
    """Bursts of LOADs of activations, and ZEROs as if they were bursts, int64 [bursts, 5].

    First beat, beats, beats of the instruction before it, beats of a vector, instruction.
    """
    bursts = []
    loads = [(n, i) for n, i in program.queues[Engine.LOAD] if isinstance(i, isa.Load) and i.kind == Kind.ACTIVATIONS]
    enables = [_enables(program, load) for _, load in loads]
    load = -1
    for first, beats, before in zip(bus.burst_firsts, bus.burst_beats, bus.beats_before, strict=True):
        load += not before
        if enables[load]:
            bursts.append((first, beats, before, bus.vector_beats, loads[load][0]))
    for number, instruction in program.queues[Engine.LOAD]:
        if isinstance(instruction, isa.Zero):
            bursts.append((begin[number], instruction.count, 0, 1, number))
    return np.array(bursts, np.int64).reshape(-1, 5)


def _local_vectors(program: Program, results: ResultClocks) -> tuple[Int64Array, Int64Array]:
    """The clocks of all local vectors, and their STOREs."""
    clocks, numbers, item = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for number, instruction in program.queues[Engine.STORE]:
        if not isinstance(instruction, isa.Store):
            continue
        end = item + instruction.count * instruction.pool
        if instruction.local:
            last = results.taken[item + instruction.pool - 1 : end : instruction.pool]
            vectors = last + vector_clocks(instruction, program.machine.hw)
            clocks.append(vectors)
            numbers.append(np.full(vectors.size, number))
        item = end
    return np.concatenate(clocks), np.concatenate(numbers)


def _enables(program: Program, load: isa.Load) -> bool:
    """Whether a LOAD of activations enables any bank."""
    machine = program.machine
    period = (1 << load.period) - 1
    return any(((q ^ load.bank) & period) // machine.bundles == 0 for q in range(machine.hw.array.rows))
