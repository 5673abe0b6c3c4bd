"""Local vectors that meet a LOAD of activations or a ZERO at the one write port of the banks."""

from __future__ import annotations

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
    clocks, stores = _local_vectors(machine, program, run)
    others = _other_writes(machine, program, run, begin)
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
            f"program: in clock {int(clocks[which])} the activation banks are written by "
            f"{program.title(int(stores[which]))} and {program.title(other)}"
        )


def _other_writes(machine: Machine, program: Columns, run: Followed, begin: Int64Array) -> Int64Array:
    """Bursts of LOADs of activations, and ZEROs as if they were bursts, int64 [bursts, 5].

    First beat, beats, beats of the instruction before it, beats of a vector, instruction.
    """
    loads, zeros = program.at(Opcode.LOAD), program.at(Opcode.ZERO)
    loads = loads[program.kind[loads] == Kind.ACTIVATIONS]
    first, beats, before = (run.clocks(each) for each in (at.BURST_FIRSTS, at.BURST_BEATS, at.BEATS_BEFORE))
    number = loads[np.cumsum(before == 0) - 1]
    bursts = np.stack([first, beats, before, np.full_like(first, machine.vector_beats), number], axis=1)
    none, one = np.zeros_like(zeros), np.ones_like(zeros)
    cleared = np.stack([begin[zeros], program.count[zeros], none, one, zeros], axis=1)
    return np.concatenate([bursts[program.banks[number] == 1], cleared])


def _local_vectors(machine: Machine, program: Columns, run: Followed) -> tuple[Int64Array, Int64Array]:
    """The clocks of all local vectors, and their STOREs."""
    stores = program.at(Opcode.STORE)
    count, pool = program.count[stores], program.pool[stores]
    before = np.cumsum(count * pool) - count * pool
    local = np.flatnonzero(program.local[stores] == 1)
    which = np.repeat(local, count[local])
    # of each vector its number in its STORE, and its last item, counted over the whole program
    number = np.arange(which.size) - np.repeat(np.cumsum(count[local]) - count[local], count[local])
    item = before[which] + (number + 1) * pool[which] - 1
    clocks = run.clocks(at.TAKEN)[item] + vector_clocks(machine.hw, 1)  # only single vectors are local
    return clocks, stores[which]
