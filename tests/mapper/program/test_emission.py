"""Instructions say what the operations of a schedule say, and nothing else has a part in it."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_mapper.program.emission import emit, emit_columns, emit_words, instruction
from skipbeat_mapper.program.schedule import Mark, Operation
from skipbeat_mapper.program.sequencing import schedule_of
from skipbeat_mapper.units.unit import Load, Local, PassOp, Range, Space, StoreOp, Walk, Zero
from skipbeat_sim.timing.columns import FIELDS, columns_of
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed
from tests.mapper.units.test_unit import a_store

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8"]))
START = 4096
#: Fields that an operation and its instruction have alike.
ALIKE: dict[type[object], tuple[type[isa.Instruction], tuple[str, ...]]] = {
    Load: (isa.Load, ("to", "width", "pitch", "period", "bank", "kind", "count")),
    PassOp: (isa.Pass, ("command", "words", "weights", "base", "table")),
    StoreOp: (isa.Store, ("block", "low", "high", "raw", "count", "pool")),
    Local: (isa.Place, ("to", "width", "pitch", "period", "bank")),
    Walk: (isa.Setup, ("counts", "steps")),
    Zero: (isa.Zero, ()),
}


@pytest.mark.parametrize("seed", range(6))
def test_every_operation_is_one_instruction_with_its_fields_and_tokens(seed: int) -> None:
    schedule = schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    program = emit(schedule)
    assert program == emit(schedule)
    for (what, wait, signal), made in zip(schedule.operations, program, strict=True):
        assert (made.wait, made.signal) == (wait, signal)
        assert type(made).from_bits(made.to_word()) == made
        if not isinstance(what, Mark):
            kind, names = ALIKE[type(what)]
            assert isinstance(made, kind)
            assert [getattr(made, name) for name in names] == [getattr(what, name) for name in names]
        if isinstance(what, Load) and isinstance(made, isa.Load):
            assert made.source == schedule.start + what.source * MACHINE.vector
        if isinstance(what, StoreOp) and isinstance(made, isa.Store):
            assert made.address == schedule.start + what.address * MACHINE.vector
            residual = what.residual_at is not None
            assert (made.memory, made.local, made.residual) == (
                what.writes is not None,
                what.local is not None,
                residual,
            )


@pytest.mark.parametrize("seed", range(6))
def test_columns_are_those_of_the_instructions(seed: int) -> None:
    schedule = schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    quick, slow = emit_columns(schedule), columns_of(MACHINE, emit(schedule), schedule.tiles)
    assert all(np.array_equal(getattr(quick, name), getattr(slow, name)) for name in FIELDS)
    assert np.array_equal(quick.passes.fields, slow.passes.fields)
    assert [quick.passes.tiles[n] for n in quick.passes.tile] == [slow.passes.tiles[n] for n in slow.passes.tile]


@pytest.mark.parametrize("seed", range(6))
def test_words_are_those_of_the_instructions(seed: int) -> None:
    schedule = schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    words = b"".join(each.to_word().to_bytes(INSTRUCTION_BYTES, "little") for each in emit(schedule))
    assert emit_words(schedule).tobytes() == words


def test_the_first_and_the_last() -> None:
    header = instruction(Operation(Mark.HEADER), MACHINE, START)
    assert header == isa.Header(version=isa.VERSION, fingerprint=MACHINE.fingerprint)
    assert instruction(Operation(Mark.END, wait=(Engine.LOAD,)), MACHINE, START) == isa.End(wait=(Engine.LOAD,))


def test_zeros_and_addresses() -> None:
    zeros = Operation(Zero(Range(Space.ACTIVATIONS, 5, 9)), signal=(Engine.EXECUTE,))
    assert instruction(zeros, MACHINE, START) == isa.Zero(to=5, count=4, signal=(Engine.EXECUTE,))
    store = instruction(Operation(a_store(writes=Range(Space.MEMORY, 0, 1))), MACHINE, START)
    assert isinstance(store, isa.Store)
    assert (store.address, store.memory, store.local, store.residual) == (START, True, False, False)
