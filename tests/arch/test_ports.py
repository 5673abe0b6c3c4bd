"""Words at internal ports: packing loses nothing, and the tables fit what the hardware can need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch import ports
from skipbeat_arch.command import COMMAND_BITS, Command
from skipbeat_arch.hardware import load_hardware

TABLES = [
    ports.control_fields,
    ports.pass_fields,
    ports.tile_fields,
    ports.unpack_fields,
    ports.slot_fields,
    ports.write_fields,
    ports.pe_write_fields,
    ports.pe_weight_fields,
    ports.weight_fields,
]
LARGEST = load_hardware(
    "tiny-4x4", ["array={rows: 64, cols: 64, group: 32}", "numbers.accumulator_bits=48", "accumulators.depth=65535"]
)


@st.composite
def filled(draw: st.DrawFn) -> tuple[ports.Fields, dict[str, ports.FieldValue]]:
    """A table of fields with a value for each; arrays as sequences."""
    shapes = draw(
        st.lists(st.integers(1, 70) | st.tuples(st.integers(1, 5), st.integers(1, 9)), min_size=1, max_size=6)
    )
    fields: ports.Fields = tuple((f"f{i}", shape) for i, shape in enumerate(shapes))
    values: dict[str, ports.FieldValue] = {}
    for name, shape in fields:
        if isinstance(shape, int):
            values[name] = draw(st.integers(0, (1 << shape) - 1))
        else:
            count, bits = shape
            values[name] = draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=count, max_size=count))
    return fields, values


@given(filled())
def test_what_is_packed_is_what_is_unpacked(case: tuple[ports.Fields, dict[str, ports.FieldValue]]) -> None:
    fields, values = case
    word = ports.pack(fields, values)
    assert 0 <= word < 1 << ports.word_bits(fields)
    unpacked = ports.unpack(fields, word)
    for name, shape in fields:
        assert ports.field_of(fields, word, name) == unpacked[name]
        packed = unpacked[name]
        assert values[name] == (packed if isinstance(shape, int) else ports.unpack_array(packed, *shape))
    assert ports.pack(fields, unpacked) == word


@given(bits=st.integers(2, 48), data=st.data())
def test_signed_elements_survive(bits: int, data: st.DataObject) -> None:
    half = 1 << (bits - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), max_size=9))
    word = ports.pack_array(values, bits)
    assert ports.unpack_array(word, len(values), bits, signed=True) == values
    assert ports.unpack_array(word, len(values), bits) == [value % (2 * half) for value in values]


def test_the_first_field_and_the_first_element_are_lowest() -> None:
    fields: ports.Fields = (("a", 4), ("b", (3, 2)), ("c", 1))
    assert ports.pack(fields, {"a": 0b1010, "b": [1, 2, 3], "c": 1}) == 0b1_11_10_01_1010
    assert ports.pack(fields, {"a": -1, "b": [-1, 0, 0], "c": 0}) == 0b0_00_00_11_1111


def test_a_field_without_a_value_or_without_a_place_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="b"):
        ports.pack((("a", 1), ("b", 1)), {"a": 1})
    with pytest.raises(KeyError, match="z"):
        ports.field_of((("a", 1),), 1, "z")


def test_the_command_of_the_table_is_the_command_of_the_program() -> None:
    command = Command(pixels=7, beat=2, rows=3, cols=4, first=False)
    assert ports.word_bits(ports.COMMAND) == COMMAND_BITS
    assert ports.unpack(ports.COMMAND, command.to_word()) == {
        "pixels": 7,
        "beat": 2,
        "rows": 3,
        "cols": 4,
        "encoding": 0,
        "load": 1,
        "first": 0,
        "last": 1,
    }


def test_the_fixed_widths_hold_the_largest_hardware() -> None:
    widths = dict(ports.COMMAND)
    assert (widths["pixels"], widths["beat"]) == (ports.pixels_bits(LARGEST), ports.beat_bits(LARGEST))
    assert (widths["rows"], widths["cols"], widths["encoding"]) == (
        ports.SIZE_BITS,
        ports.SIZE_BITS,
        ports.ENCODING_BITS,
    )
    assert ports.rows_bits(LARGEST) == ports.count_bits(LARGEST) == ports.SIZE_BITS


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 64])
def test_counts_and_numbers_of_rows_and_columns_fit(size: int) -> None:
    sizes = f"array={{rows: {size}, cols: {size}, group: 4}}"
    hw = load_hardware("tiny-4x4", [sizes, "weights.decode_lanes=1"])
    assert size - 1 < 1 << ports.row_bits(hw)
    assert size - 1 < 1 << ports.rank_bits(hw)
    assert size < 1 << ports.count_bits(hw)
    assert 2 * hw.array.group == 1 << ports.slot_bits(hw)
    assert ports.bundle_bits(hw) == 4 * 8


@pytest.mark.parametrize("table", TABLES)
def test_no_field_stands_twice_in_a_table(table: object) -> None:
    assert callable(table)
    names = [name for name, _ in table(LARGEST)]
    assert len(set(names)) == len(names)
