"""Structures in Amaranth lie as arch packs them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from amaranth.lib import data

from skipbeat_arch import ports
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import Fields
from skipbeat_hw.layouts import struct
from tests.hw.twins import Size

TABLES: list[Callable[[Hardware], Fields]] = [
    ports.control_fields,
    ports.pass_fields,
    ports.tile_fields,
    ports.unpack_fields,
    ports.slot_fields,
    ports.write_fields,
    ports.pe_write_fields,
    ports.pe_weight_fields,
    ports.weight_fields,
    lambda _: ports.COMMAND,
    lambda _: ports.ACTIVITY,
]


def _packed(shape: int | tuple[int, int], value: object) -> int:
    if isinstance(shape, int):
        assert isinstance(value, int)
        return value
    assert isinstance(value, list)
    return ports.pack_array(value, shape[1])


@pytest.mark.parametrize("size", [Size(1, 1, 4), Size(3, 5, 8, weight_bits=3), Size(8, 8, 32)], ids=str)
@pytest.mark.parametrize("table", TABLES)
def test_struct_is_packed_as_in_arch(size: Size, table: Callable[[Hardware], Fields]) -> None:
    fields, rng = table(size.hw), random.Random(3)
    layout = struct(fields)
    assert layout.size == ports.word_bits(fields)
    values = {
        name: rng.getrandbits(shape) if isinstance(shape, int) else [rng.getrandbits(shape[1]) for _ in range(shape[0])]
        for name, shape in fields
    }
    constant: data.Const = layout.const(values)
    assert constant.as_value().value == ports.pack(fields, values)
    word = ports.unpack(fields, constant.as_value().value)
    assert word == {name: _packed(shape, values[name]) for name, shape in fields}
