"""Instructions say what the operations of a schedule say, and nothing else has a part in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_mapper.order import places as at
from skipbeat_mapper.program.emission import emit, emit_columns, emit_words, instructions
from skipbeat_mapper.program.schedule import Schedule
from skipbeat_mapper.program.sequencing import schedule_of, sequence
from skipbeat_mapper.units.units import Space
from skipbeat_sim.timing.columns import FIELDS, columns_of
from tests.mapper.listed import Clear, Range, StoreOp, a_store, listed, units_of
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed
from tests.mapper.program.test_sequencing import COMMAND, unit_of

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8"]))
START = 4096
LINES = "to", "width", "pitch", "period", "bank"


def alike(what: object, made: isa.Instruction, names: Sequence[str]) -> bool:
    """Whether fields of both are the same."""
    return [getattr(made, name) for name in names] == [getattr(what, name) for name in names]


@pytest.mark.parametrize("seed", range(6))
def test_every_operation_is_one_instruction_with_its_fields_and_tokens(seed: int) -> None:
    schedule = schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    program, units, ordered = emit(schedule), listed(schedule.units), schedule.ordered
    assert program == emit(schedule)
    loads, passes = ([e for unit in units for e in unit.loads], [e for unit in units for e in unit.passes])
    stores = [unit.store for unit in units if unit.store is not None]
    rows = zip(*(each.tolist() for each in (ordered.kind, ordered.refers, ordered.wait, ordered.signal)), strict=True)
    for (kind, number, wait, signal), made in zip(rows, program, strict=True):
        assert sum(1 << engine for engine in made.wait) == wait
        assert sum(1 << engine for engine in made.signal) == signal
        assert type(made).from_bits(made.to_word()) == made
        if isinstance(made, isa.Load):
            assert kind == at.A_LOAD
            assert alike(loads[number], made, (*LINES, "kind", "count"))
            assert made.source == schedule.start + loads[number].source * MACHINE.vector
        elif isinstance(made, isa.Pass):
            assert alike(passes[number], made, ("command", "words", "weights", "base", "table"))
        elif isinstance(made, isa.Store):
            check_store(made, stores[number], schedule)
        elif isinstance(made, isa.Place):
            assert alike(stores[number].local, made, LINES)
        elif isinstance(made, isa.Setup):
            assert (made.counts, made.steps) == (
                schedule.units.walks[number].counts,
                schedule.units.walks[number].steps,
            )
        elif isinstance(made, isa.Zero):
            assert [made.to, made.to + made.count] == ordered.zeros[number].tolist()


def check_store(made: isa.Store, what: StoreOp, schedule: Schedule) -> None:
    """Its fields are those of the store and of its node."""
    node = schedule.memory.graph.nodes[what.node]
    assert alike(what, made, ("block", "count", "pool"))
    assert (made.low, made.high, made.raw) == (node.layer.low, node.layer.high, node.raw)
    assert made.address == schedule.start + what.address * MACHINE.vector
    assert (made.residual, made.residual_at) == (what.residual_at is not None, what.residual_at or 0)
    assert (made.memory, made.local) == (what.writes is not None, what.local is not None)


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
    header, *_, end = instructions(made := units_of([]), sequence(made, MACHINE, 0), MACHINE, START)
    assert header == isa.Header(version=isa.VERSION, fingerprint=MACHINE.fingerprint)
    assert end == isa.End()


def test_zeros_and_addresses() -> None:
    zeros = Clear(spans=((5, 9),), writes=Range(Space.ACTIVATIONS, 5, 9))
    unit = unit_of([zeros], COMMAND, store=False)
    unit.store = a_store(writes=Range(Space.MEMORY, 0, 1))
    program = instructions(made := units_of([unit]), sequence(made, MACHINE, 10), MACHINE, START)
    assert [(e.to, e.count) for e in program if isinstance(e, isa.Zero)] == [(5, 4)]
    (store,) = (each for each in program if isinstance(each, isa.Store))
    assert (store.address, store.memory, store.local, store.residual) == (START, True, False, False)
