"""Tiles that are read from a memory image, against the ones that were packed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.command import Encoding
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat
from skipbeat_sim.timing.stored_tiles import stored_tiles

#: What is in memory before the first tile.
BEFORE = 96
NAMES = ("tiny-4x4", "edge-8x8", "edge-16x16-m8", "dense-8x8")


def random_tiles(hw: Hardware, rng: np.random.Generator, count: int) -> list[PackedTile]:
    """Tiles of all encodings and sizes; some come again."""
    tiles: list[PackedTile] = []
    for _ in range(count):
        rows, cols = (int(rng.integers(1, most + 1)) for most in (hw.array.rows, hw.array.cols))
        kept = rng.random((rows, hw.array.group, cols)) < rng.choice([0.1, 0.5, 1.0])
        weights = (rng.integers(1, 128, kept.shape) * kept).astype(np.int8)
        weights[0, 0, 0] = 1
        encodings = legal_encodings(tile_beat(weights), hw)
        tiles.append(pack_tile(weights, hw, encodings[int(rng.integers(len(encodings)))]))
    return [*tiles, *(tiles[number] for number in rng.integers(0, count, count // 2))]


def a_pass(tile: PackedTile, weights: int) -> Instruction:
    return isa.Pass(command=tile.command(1, first=True, last=True), words=tile.word_count, weights=weights)


def stored(machine: Machine, tiles: list[PackedTile]) -> tuple[Bytes, list[Instruction]]:
    """Tiles behind one another in memory, each loaded by two LOADs to the start of the buffer or right behind."""
    words = np.concatenate([tile.words for tile in tiles])
    image = np.concatenate([np.zeros(BEFORE, np.uint8), words.ravel()])
    program: list[Instruction] = []
    at = to = 0
    for tile in tiles:
        to = 0 if to + tile.word_count > machine.weight_depth else to
        for first, stop in pairwise((0, tile.word_count // 2, tile.word_count)):
            if first < stop:
                source = BEFORE + (at + first) * machine.vector
                load = isa.Load(kind=Kind.WEIGHTS, to=to + first, count=stop - first, source=source)
                program += [load, isa.Load(kind=Kind.TABLE, count=9), isa.Zero(count=2)]
        program.append(a_pass(tile, to))
        at, to = at + tile.word_count, to + tile.word_count
    return image, program


def check_tiles(machine: Machine, image: Bytes, program: list[Instruction], tiles: list[PackedTile]) -> None:
    found = stored_tiles(machine, image, program)
    assert len(found) == len(tiles)
    for one, other in zip(found, tiles, strict=True):
        for name in ("word_count", "encoding", "beat", "rows", "cols", "value_bits", "metadata_bits", "nonzeros"):
            assert getattr(one, name) == getattr(other, name), name
        assert one.slots.tolist() == other.slots.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_they_have_the_statistics_of_the_packed_ones(name: str) -> None:
    hw = load_hardware(name)
    tiles = random_tiles(hw, np.random.default_rng(5), 60)
    machine = Machine.of(hw)
    check_tiles(machine, *stored(machine, tiles), tiles)


def test_a_tile_may_lie_in_pieces() -> None:
    hw = load_hardware("edge-8x8")
    machine, tiles = Machine.of(hw), random_tiles(hw, np.random.default_rng(6), 20)
    words = np.concatenate([tile.words for tile in tiles])
    order = np.random.default_rng(7).permutation(len(words))
    image = words[order].ravel()
    places, program, at = np.argsort(order), list[Instruction](), 0
    for tile in tiles:
        for number in range(tile.word_count):
            source = int(places[at + number]) * machine.vector
            program.append(isa.Load(kind=Kind.WEIGHTS, to=number, count=1, source=source))
        program.append(a_pass(tile, 0))
        at += tile.word_count
    check_tiles(machine, image, program, tiles)


def test_what_was_there_before_is_found() -> None:
    hw = load_hardware("edge-8x8")
    machine, tiles = Machine.of(hw), random_tiles(hw, np.random.default_rng(8), 1)
    image, program = stored(machine, tiles)
    (found,) = stored_tiles(machine, image, program[-1:], before=program)
    assert found.slots.tolist() == tiles[0].slots.tolist()
    with pytest.raises(InputError, match="instruction 0 takes a tile of which words were never loaded"):
        stored_tiles(machine, image, program[-1:])


def test_what_is_not_there_is_refused() -> None:
    hw = load_hardware("edge-8x8")
    machine = Machine.of(hw)
    tile = pack_tile(np.ones((2, hw.array.group, 8), np.int8), hw, Encoding.BITMAP)
    image, program = stored(machine, [tile])
    more = isa.Load(kind=Kind.WEIGHTS, count=len(image), source=0)
    with pytest.raises(InputError, match="instruction 1 loads weights that are not there"):
        stored_tiles(machine, image, [program[0], more, *program[1:]])
    last = isa.Load(kind=Kind.WEIGHTS, to=machine.weight_depth - 1, count=2, source=0)
    with pytest.raises(InputError, match="instruction 0 loads weights that are not there, or has no room"):
        stored_tiles(machine, image, [last])
    beyond = a_pass(tile, machine.weight_depth - 1)
    with pytest.raises(InputError, match=f"instruction {len(program)} takes a tile of which words were never loaded"):
        stored_tiles(machine, image, [*program, beyond])


def test_metadata_of_another_number_of_words_are_refused() -> None:
    hw = load_hardware("edge-8x8")
    machine = Machine.of(hw)
    tile = pack_tile(np.ones((2, hw.array.group, 8), np.int8), hw, Encoding.BITMAP)
    image, program = stored(machine, [tile, tile])
    image[BEFORE + tile.word_count * machine.vector] = 0
    last = len(program) - 1
    with pytest.raises(InputError, match=f"the tile of instruction {last} has 9 words, not what its metadata say"):
        stored_tiles(machine, image, program)
