"""The description of the registers contradicts itself nowhere."""

from __future__ import annotations

from itertools import pairwise

import pytest

from skipbeat_arch.hardware import load_hardware, preset_names
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import COUNTERS_AT, OFFSET_BITS, REGISTER_BITS, Access, Counter, Register, constants, kept


def test_registers_and_counters_lie_apart() -> None:
    offsets = [*Register, *(counter.offset for counter in Counter)]
    assert all(after - before >= 4 for before, after in pairwise(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    assert max(Register) < COUNTERS_AT
    assert max(offsets) + 8 <= 1 << OFFSET_BITS


@pytest.mark.parametrize("register", Register, ids=lambda register: register.name)
def test_fields_lie_apart(register: Register) -> None:
    ends = [0, *(field.first + field.bits for field in register.fields)]
    assert all(field.first >= end for field, end in zip(register.fields, ends, strict=False))
    assert ends[-1] <= REGISTER_BITS
    assert register.mask.bit_count() == sum(field.bits for field in register.fields)
    assert len({field.name for field in register.fields}) == len(register.fields)


@pytest.mark.parametrize("preset", preset_names())
def test_constants_fit_their_fields(preset: str) -> None:
    machine = Machine.of(load_hardware(preset))
    for register, word in constants(machine).items():
        assert register.access == Access.READ
        assert word & ~register.mask == 0
    assert constants(machine)[Register.SHAPE] & 0xFF == machine.hw.array.rows


def test_the_largest_machine_fits_its_fields() -> None:
    sizes = ["array.rows=64", "array.cols=64", "array.group=32", "memory.bytes_per_clock=4096", "memory.burst_beats=64"]
    sizes += ["memory.outstanding=64", "memory.address_bits=64", "weights.buffer_kib=4096", "accumulators.depth=65535"]
    machine = Machine.of(load_hardware("tiny-4x4", [*sizes, "activations.buffer_kib=65536"]))
    words = constants(machine)
    assert words[Register.WEIGHTS] == machine.weight_depth == 1 << 16
    assert words[Register.BUS] == 64 | 64 << 8 | 63 << 16 | 64 << 24


@pytest.mark.parametrize(("bits", "upper"), [(32, 0), (40, 0xFF), (64, 0xFFFFFFFF)])
def test_the_base_is_as_long_as_an_address(bits: int, upper: int) -> None:
    machine = Machine.of(load_hardware("tiny-4x4", [f"memory.address_bits={bits}"]))
    assert (kept(Register.BASE_LOW, machine), kept(Register.BASE_HIGH, machine)) == (0xFFFFF000, upper)


def test_a_word_of_fields() -> None:
    assert Register.STATUS.word(busy=1, done=0, error=24) == 0x1801
