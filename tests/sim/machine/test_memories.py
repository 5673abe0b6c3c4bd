"""The on-chip memories: what is written is read, and what a pass uses is not written in the same clock."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_sim.machine.load import ENABLES, MemoryWrite
from skipbeat_sim.machine.memories import Memories
from skipbeat_sim.machine.placer import BankWrite

MACHINE = Machine.of(load_hardware("edge-8x8"))
ROWS = 8


def test_what_is_read_is_not_written_in_the_same_clock() -> None:
    memories = Memories(MACHINE)
    for kind, read in (
        (Kind.WEIGHTS, memories.read_weight),
        (Kind.PARAMETERS, memories.read_parameter),
        (Kind.RESIDUAL, memories.read_residual),
    ):
        read(9)
        memories.write(MemoryWrite(ENABLES[kind], 8, 5))
        with pytest.raises(InputError, match=f"entry 9 of the memory {kind.name.lower()} is read in the clock"):
            memories.write(MemoryWrite(ENABLES[kind], 9, 5))
        memories.begin_clock()
        memories.write(MemoryWrite(ENABLES[kind], 9, 5))
    memories.read_output(7)
    with pytest.raises(InputError, match="entry 7 of the memory output"):
        memories.write_output(7, 1)
    memories.read_banks(np.arange(ROWS) + 48, ROWS)
    memories.write_banks(BankWrite(0b1100, 48, 0))
    with pytest.raises(InputError, match="entry 50 of the memory activations"):
        memories.write_banks(BankWrite(0b1100, 50, 0))
    memories.read_banks(np.full(ROWS, 50), 2)
    memories.write_banks(BankWrite(0b1100, 50, 0))
    with pytest.raises(InputError, match="entry 50 of the memory activations"):
        memories.write_banks(BankWrite(0b0110, 50, 0))


@pytest.mark.parametrize(("rows", "used"), [(0, 0), (1, 1), (4, 1), (5, 2), (ROWS, 2)])
def test_offsets_of_rows_that_a_pass_does_not_use_may_be_written(rows: int, used: int) -> None:
    memories, first = Memories(MACHINE), 3 * MACHINE.table_vectors
    memories.read_table(3, rows)
    for part in range(-1, MACHINE.table_vectors + 1):
        write = MemoryWrite(ENABLES[Kind.TABLE], first + part, 5)
        if part in range(used):
            with pytest.raises(InputError, match="entry 3 of the memory table is read in the clock"):
                memories.write(write)
        else:
            memories.write(write)
    memories.begin_clock()
    memories.write(MemoryWrite(ENABLES[Kind.TABLE], first, 5))


def test_writes_wait_a_clock() -> None:
    memories, vector = Memories(MACHINE), MemoryWrite(ENABLES[Kind.WEIGHTS], 9, 1000)
    memories.update(vector, BankWrite(0b1100, 50, ports.pack_array([1, -2, 3, -4, 5, 6, 7, 8], 8)))
    memories.read_weight(9)
    memories.read_banks(np.full(ROWS, 50), ROWS)
    assert memories.weight == 0
    assert not memories.banks.any()
    memories.begin_clock()
    memories.update(vector._replace(data=1001), None)
    memories.read_weight(9)
    memories.read_banks(np.full(ROWS, 50), ROWS)
    assert (memories.weight, memories.banks[2].tolist()) == (1000, [1, -2, 3, -4])
    memories.reset()
    memories.begin_clock()
    memories.update(None, None)
    memories.read_weight(9)
    assert memories.weight == 1000


def test_memories() -> None:
    memories = Memories(MACHINE)
    for kind, read in (
        (Kind.WEIGHTS, memories.read_weight),
        (Kind.PARAMETERS, memories.read_parameter),
        (Kind.RESIDUAL, memories.read_residual),
    ):
        memories.write(MemoryWrite(ENABLES[kind], 9, 1000 + kind))
        read(9)
    assert (memories.weight, memories.parameter, memories.residual) == (1000, 1002, 1003)
    memories.write_output(MACHINE.output_depth + 1, 77)
    memories.read_output(MACHINE.output_depth + 1)
    assert memories.output == 77
    for part in range(MACHINE.table_vectors):
        offsets = [4 * part + i for i in range(4)]
        memories.write(
            MemoryWrite(ENABLES[Kind.TABLE], 3 * MACHINE.table_vectors + part, ports.pack_array(offsets, 16))
        )
    memories.read_table(3, ROWS)
    assert memories.table.tolist() == list(range(ROWS))
    memories.write_banks(BankWrite(0b1100, 50, ports.pack_array([1, -2, 3, -4, 5, 6, 7, 8], 8)))
    memories.read_banks(np.full(ROWS, 50), ROWS)
    assert memories.banks.tolist() == [[0] * 4] * 2 + [[1, -2, 3, -4], [5, 6, 7, 8]] + [[0] * 4] * 4
    memories.begin_clock()
    memories.read_banks(np.arange(ROWS) + 48, ROWS)
    assert memories.banks[2].tolist() == [1, -2, 3, -4]
    assert memories.banks[3].tolist() == [0] * 4
