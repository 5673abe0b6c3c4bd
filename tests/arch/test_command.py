"""The command word: every field survives, and every command that makes no sense has its error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.command import COMMAND_BITS, Command, CoreError, Encoding, command_error, metadata_bits
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware

EDGE = load_hardware("edge-16x16")
SOUND = Command(pixels=100, beat=2, rows=16, cols=16, encoding=Encoding.BITMAP)

commands = st.builds(
    Command,
    pixels=st.integers(0, 65535),
    beat=st.integers(0, 63),
    rows=st.integers(0, 127),
    cols=st.integers(0, 127),
    encoding=st.sampled_from(Encoding),
    load=st.booleans(),
    first=st.booleans(),
    last=st.booleans(),
)


@given(commands)
def test_a_word_holds_the_whole_command(command: Command) -> None:
    word = command.to_word()
    assert 0 <= word < 1 << COMMAND_BITS
    assert Command.from_word(word) == command


@given(st.integers(0, (1 << COMMAND_BITS) - 1))
def test_every_word_is_a_command(word: int) -> None:
    assert Command.from_word(word).to_word() == word


def test_the_layout_of_a_word_is_fixed() -> None:
    command = Command(
        pixels=0x8001, beat=33, rows=65, cols=3, encoding=Encoding.COORDINATE, load=True, first=False, last=True
    )
    # last, first, load, encoding, cols, rows, beat, pixels
    assert command.to_word() == 0b1_0_1_10_0000011_1000001_100001_1000000000000001
    assert COMMAND_BITS == 41


@pytest.mark.parametrize(("name", "bits"), [("pixels", 16), ("beat", 6), ("rows", 7), ("cols", 7)])
def test_a_field_that_does_not_fit_is_refused(name: str, bits: int) -> None:
    for value in (1 << bits, -1):
        change: Any = {name: value}
        with pytest.raises(InputError, match=f"^command: {name} must fit in {bits} bits, not {value}$"):
            replace(SOUND, **change).to_word()


@pytest.mark.parametrize("word", [1 << COMMAND_BITS, -1])
def test_bits_beyond_the_last_field_are_refused(word: int) -> None:
    with pytest.raises(InputError, match="beyond the last field"):
        Command.from_word(word)


def test_metadata_bits() -> None:
    assert [metadata_bits(Encoding.DENSE, 4, m) for m in (4, 8, 16, 32)] == [0, 0, 0, 0]
    assert [metadata_bits(Encoding.BITMAP, 1, m) for m in (4, 8, 16, 32)] == [4, 8, 16, 32]
    assert [metadata_bits(Encoding.COORDINATE, 2, m) for m in (4, 8, 16, 32)] == [4, 6, 8, 10]


def test_sound_commands_have_no_error() -> None:
    for command in (
        SOUND,
        replace(SOUND, pixels=1, rows=1, cols=1, beat=1),
        replace(SOUND, pixels=EDGE.accumulators.depth),
        replace(SOUND, encoding=Encoding.COORDINATE),
        replace(SOUND, encoding=Encoding.DENSE, beat=4),
        replace(SOUND, load=False),
        replace(SOUND, load=False, beat=0, rows=0, cols=0),
        replace(SOUND, load=False, cols=0),
        replace(SOUND, load=False, cols=127, encoding=Encoding.DENSE),
    ):
        assert command_error(command, EDGE) is CoreError.NONE


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": 0},
        {"pixels": 1025},
        {"beat": 0},
        {"beat": 5},
        {"rows": 0},
        {"rows": 17},
        {"cols": 0},
        {"cols": 17},
        {"encoding": Encoding.DENSE},
        {"encoding": Encoding.COORDINATE, "beat": 3},
        {"load": False, "pixels": 0},
        {"load": False, "beat": 5},
        {"load": False, "rows": 0},
        {"load": False, "rows": 17},
        {"load": False, "beat": 0, "pixels": 0},
    ],
)
def test_a_command_that_the_array_cannot_run_has_bad_geometry(changes: dict[str, Any]) -> None:
    assert command_error(replace(SOUND, **changes), EDGE) is CoreError.BAD_GEOMETRY


def test_the_reserved_encoding_matters_only_where_a_tile_is_loaded() -> None:
    reserved = replace(SOUND, encoding=3)
    assert command_error(reserved, EDGE) is CoreError.RESERVED_ENCODING
    assert command_error(replace(reserved, load=False), EDGE) is CoreError.NONE


def test_a_dense_machine_reads_dense_tiles() -> None:
    dense, one = load_hardware("dense-16x16"), replace(SOUND, beat=1, encoding=Encoding.DENSE)
    assert command_error(one, dense) is CoreError.NONE
    assert command_error(replace(one, beat=2), dense) is CoreError.BAD_GEOMETRY
    for encoding in (Encoding.BITMAP, Encoding.COORDINATE, 3):
        assert command_error(replace(one, encoding=encoding), dense) is CoreError.RESERVED_ENCODING


@pytest.mark.parametrize(("group", "largest"), [(4, 2), (8, 2), (16, 4), (32, 6)])
def test_coordinates_end_where_they_outgrow_a_bitmap(group: int, largest: int) -> None:
    hardware = load_hardware("edge-16x16", [f"array.group={group}"])
    for beat in range(1, group + 1):
        error = command_error(replace(SOUND, beat=beat, encoding=Encoding.COORDINATE), hardware)
        assert error is (CoreError.NONE if beat <= largest else CoreError.BAD_GEOMETRY), beat


def test_codes_are_part_of_the_contract() -> None:
    assert [e.value for e in Encoding] == [0, 1, 2]
    assert [e.value for e in CoreError] == list(range(8))
