"""Local vectors that meet a LOAD of activations or a ZERO at the one write port of the banks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Engine, Opcode

from ..load_timing import IntArray
from .bus import BankBurst, Bus
from .program import Program
from .results import Results
from .spans import Spans
from .store import PIPELINE


def check_bank_conflicts(program: Program, bus: Bus, results: Results, spans: Spans) -> None:
    """All clocks in which the banks are written are known: none may be that of two writes.

    Raises:
        InputError: two writes in one clock, which the machine answers with BANK_CONFLICT.
    """
    clocks, stores = _local_vectors(program, results)
    if not clocks.size:
        return
    zeros = [n for n, i in program.queues[Engine.LOAD] if i.opcode == Opcode.ZERO]
    bursts = [burst for burst in bus.bank_bursts if _writes(program, program.instructions[burst.number].fields)]
    bursts += [BankBurst(n, spans.begin[n], spans.finish[n] - spans.begin[n], 0) for n in zeros]
    if not bursts:
        return
    # a vector is written a clock after its last beat, an entry of a ZERO in each clock after its begin
    sizes = np.array([1 if b.number in set(zeros) else bus.vector_beats for b in bursts])
    order = np.argsort([b.first for b in bursts], kind="stable")
    first, beats, before, number = (
        np.array([getattr(b, name) for b in bursts], np.int64)[order] for name in ("first", "beats", "before", "number")
    )
    size = sizes[order]
    # the burst that began last before each local vector; bursts do not overlap, but for ZEROs that no LOAD meets
    place = np.searchsorted(first, clocks - 1, side="right") - 1
    at = clocks - 1 - first[place]
    meet = (place >= 0) & (at < beats[place]) & ((before[place] + at + 1) % size[place] == 0)
    if meet.any():
        which = int(np.argmax(meet))
        store, other = int(stores[which]), int(number[place[which]])
        raise InputError(
            f"program: in clock {int(clocks[which])} the activation banks are written by instruction {store} (STORE) "
            f"and instruction {other} ({program.instructions[other].opcode.name})"
        )


def _local_vectors(program: Program, results: Results) -> tuple[IntArray, IntArray]:
    """The clocks of all local vectors, and their STOREs."""
    clocks, numbers, item = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for number, instruction in program.queues[Engine.STORE]:
        if instruction.opcode != Opcode.STORE:
            continue
        fields = instruction.fields
        end = item + fields["count"] * fields["pool"]
        if fields["local"]:
            vectors = results.taken[item + fields["pool"] - 1 : end : fields["pool"]] + PIPELINE
            clocks.append(vectors)
            numbers.append(np.full(vectors.size, number))
        item = end
    return np.concatenate(clocks), np.concatenate(numbers)


def _writes(program: Program, fields: Mapping[str, int]) -> bool:
    """Whether a LOAD of activations enables any bank."""
    machine = program.machine
    period = (1 << fields["period"]) - 1
    return any(((q ^ fields["bank"]) & period) // machine.bundles == 0 for q in range(machine.hw.array.rows))
