from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.tile import unpack_tile
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.core_compiler.compile import CompileOptions, compile_layer
from skipbeat_mapper.core_compiler.program import CoreProgram
from skipbeat_mapper.core_compiler.stimulus import collect, stimulus


@pytest.fixture
def program() -> CoreProgram:
    hw, rng = load_hardware("tiny-4x4", ["accumulators.depth=8"]), np.random.default_rng(5)
    weight = rng.integers(-128, 128, (41, 10)).astype(np.int8)
    weight[rng.random((41, 10)) < 0.6] = 0
    weight[:, 4:8] = 0
    return compile_layer((weight, Gemm(p=20, c=41, k=10)), hw, options=CompileOptions(permute=False))


def test_the_weight_is_rebuilt_from_packed_tiles(program: CoreProgram) -> None:
    weight = np.zeros((41, 10), np.int64)
    seen = set()
    loads = (p for p in program.passes if p.command.load)
    for p, tile in zip(loads, program.tiles, strict=True):
        assert p.tile is not None
        if (p.column, p.tile) in seen:
            continue
        seen.add((p.column, p.tile))
        column = program.columns[p.column]
        lines = column.tiles[p.tile].lines[: tile.rows]
        values = unpack_tile(tile, program.hardware)
        assert not values[lines < 0].any()
        np.add.at(weight, (lines[lines >= 0][:, None], column.outputs), values[lines >= 0])
    np.testing.assert_array_equal(weight, program.weight)


def test_shapes_are_the_tiles_without_words(program: CoreProgram) -> None:
    assert len(program.shapes) == len(program.tiles) == sum(c.load for c in program.commands)
    for shape, tile in zip(program.shapes, program.tiles, strict=True):
        assert (shape.encoding, shape.beat, shape.rows, shape.cols) == (tile.encoding, tile.beat, tile.rows, tile.cols)
        assert len(shape.words) == len(tile.words)
        assert shape.nonzeros == tile.nonzeros
        np.testing.assert_array_equal(shape.slots, tile.slots)


def test_weight_bits_are_those_of_the_words(program: CoreProgram) -> None:
    words = sum(len(tile.words) for tile in program.tiles)
    assert program.streamed_bits.total == words * program.hardware.word_bits
    assert program.streamed_bits.values == sum(tile.value_bits for tile in program.tiles)
    assert min(program.streamed_bits.metadata, program.streamed_bits.padding) > 0
    once = {id(tile): len(tile.words) for tile in program.tiles}
    assert program.weight_bits.total == sum(once.values()) * program.hardware.word_bits < program.streamed_bits.total


def test_a_stimulus_has_an_item_for_every_transfer(program: CoreProgram) -> None:
    x = np.random.default_rng(6).integers(-128, 128, (20, 41)).astype(np.int8)
    offered = stimulus(program, x, {"results": np.array([True, False, False])})
    assert len(offered.commands) == len(program.commands)
    assert offered.weights_last.sum() == len(program.tiles)
    assert len(offered.activations) == sum(c.pixels for c in program.commands if c.beat)
    assert offered.results == 20 * 3
    np.testing.assert_array_equal(offered.willing["results"], [True, False, False])
    np.testing.assert_array_equal(offered.willing["weights"], [True])
    assert offered.max_clocks == 3 * stimulus(program, x).max_clocks > 3 * program.cycles


def test_a_program_without_weights_streams_none() -> None:
    hw = load_hardware("tiny-4x4")
    program = compile_layer((np.zeros((5, 6), np.int8), Gemm(p=3, c=5, k=6)), hw)
    offered = stimulus(program, np.ones((3, 5), np.int8))
    assert offered.weights.shape == (0, 4)
    assert len(offered.activations) == 0
    assert offered.results == 6
    np.testing.assert_array_equal(collect(program, np.zeros((6, 4), np.int64)), np.zeros((3, 6)))
    assert program.macs == program.cycles_limit == program.utilisation == 0


def test_wrong_input_is_refused(program: CoreProgram) -> None:
    x = np.zeros((20, 41), np.int8)
    with pytest.raises(InputError, match=r"activations: expected int8 \[20, 41\]"):
        stimulus(program, x.T)
    with pytest.raises(InputError, match="no port 'weight'"):
        stimulus(program, x, {"weight": np.ones(1, np.bool_)})
    with pytest.raises(InputError, match="port weights is never willing"):
        stimulus(program, x, {"weights": np.zeros(3, np.bool_)})
    with pytest.raises(InputError, match=r"results: expected \[60, 4\]"):
        collect(program, np.zeros((59, 4), np.int64))
    narrow = load_hardware("tiny-4x4", ["numbers.activation_bits=4"])
    small = compile_layer((np.ones((1, 1), np.int8), Gemm(p=1, c=1, k=1)), narrow)
    with pytest.raises(InputError, match=r"activations: values must be in -8\.\.7"):
        stimulus(small, np.full((1, 1), 9, np.int8))
