"""Local vectors that meet a LOAD of activations or a ZERO at the one write port of the banks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.machine import Machine

from .columns import Columns
from .kernel import places as at
from .kernel.places import Followed
from .output_pace import vector_clocks


def check_bank_conflicts(machine: Machine, program: Columns, run: Followed, begin: Int64Array) -> None:
    """All clocks in which the banks are written are known: none may be that of two writes.

    Args:
        machine: the hardware.
        program: that was followed.
        run: its clocks.
        begin: of each instruction.

    Raises:
        InputError: two writes in one clock, which the machine answers with BANK_CONFLICT.
    """
    if not program.local.any():
        return
    clocks, which = _local_vectors(machine, program, run)
    met: list[tuple[int, int]] = []
    for first, beats, before, size, number in _other_writes(machine, program, run, begin):
        # the local vectors from its first beat to its last; a write is a clock after its beat
        start, stop = (np.searchsorted(clocks, first + 1 + after) for after in (0, beats))
        for each in np.flatnonzero(stop > start).tolist():
            beat = clocks[start[each] : stop[each]] - 1 - first[each]
            meet = np.flatnonzero((before[each] + beat + 1) % size == 0)[:1].tolist()
            met += [(int(start[each]) + vector, int(number[each])) for vector in meet]
    if met:
        vector, other = min(met)
        store = int(program.at(Opcode.STORE)[which[vector]])
        raise InputError(
            f"program: in clock {int(clocks[vector])} the activation banks are written by "
            f"{program.title(store)} and {program.title(other)}"
        )


def _other_writes(
    machine: Machine, program: Columns, run: Followed, begin: Int64Array
) -> Iterator[tuple[Int64Array, Int64Array, Int64Array, int, Int64Array]]:
    """Bursts of LOADs of activations, and ZEROs as if they were bursts.

    First beats, beats, beats of the instruction before them, beats of a vector, instructions.
    """
    loads, zeros = program.at(Opcode.LOAD), program.at(Opcode.ZERO)
    loads = loads[program.kind[loads] == Kind.ACTIVATIONS]
    first, beats, before = (run.clocks(each) for each in (at.BURST_FIRSTS, at.BURST_BEATS, at.BEATS_BEFORE))
    number = loads[np.cumsum(before == 0) - 1]
    own = program.banks[number] == 1
    yield first[own], beats[own], before[own], machine.vector_beats, number[own]
    yield begin[zeros], program.count[zeros], np.zeros_like(zeros), 1, zeros


def _local_vectors(machine: Machine, program: Columns, run: Followed) -> tuple[Int64Array, Int64Array]:
    """The clocks of all local vectors, which ascend, and which STOREs they are of."""
    stores = program.at(Opcode.STORE)
    count, pool = program.count[stores], program.pool[stores]
    before = np.cumsum(count * pool) - count * pool
    local = np.flatnonzero(program.local[stores] == 1)
    which = np.repeat(local, count[local])
    # of each vector its number in its STORE, and its last item, counted over the whole program
    number = np.arange(which.size) - np.repeat(np.cumsum(count[local]) - count[local], count[local])
    item = before[which] + (number + 1) * pool[which] - 1
    clocks = run.clocks(at.TAKEN)[item] + vector_clocks(machine.hw, 1)  # only single vectors are local
    return clocks, which
