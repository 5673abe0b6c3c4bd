"""What comes after what: zeros, walks and loads of later units."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import Clear, Load, Range, units_of
from tests.mapper.program.test_sequencing import COMMAND, TIGHT, emitted, unit_of, weights


def zeros(start: int, stop: int) -> Clear:
    return Clear(spans=((start, stop),), writes=Range(Space.ACTIVATIONS, start, stop))


def test_only_entries_that_are_not_zero_are_cleared() -> None:
    line = Load(kind=Kind.ACTIVATIONS, to=2, source=0, count=3, width=3, pitch=3, writes=Range(Space.ACTIVATIONS, 2, 5))
    loads: list[list[Load | Clear]] = [[zeros(0, 8), weights(0)], [zeros(1, 7)], [line], [zeros(0, 8)]]
    program = emitted(TIGHT, units_of([unit_of(each, COMMAND, store=True) for each in loads]))
    assert [(i.to, i.count) for i in program if isinstance(i, isa.Zero)] == [(0, 8), (2, 3)]


def test_a_walk_is_set_up_once_for_the_units_that_share_it() -> None:
    units = [unit_of([weights(0)] if not number else [], COMMAND, store=True) for number in range(3)]
    program = emitted(TIGHT, units_of(units))
    assert sum(isinstance(each, isa.Setup) for each in program) == 1
    assert isinstance(program[0], isa.Header)


def test_loads_of_the_next_units_come_between_passes() -> None:
    units = [unit_of([weights(at)], COMMAND, store=True, weights_at=at) for at in range(0, 16, 4)]
    program = emitted(TIGHT, units_of(units))
    loads = [number for number, each in enumerate(program) if isinstance(each, isa.Load)]
    passes = [number for number, each in enumerate(program) if isinstance(each, isa.Pass)]
    assert loads[0] < passes[0] < loads[1] < loads[2] < passes[1]
