"""The gradient of a weight by the programs of its chunks: their sums together are dW."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.training import update_chunks
from skipbeat_mapper.training.update_chunks import Chunk, chunks
from skipbeat_mapper.training.update_programs import chunk_programs
from skipbeat_verify.interpreter import Interpreter

TINY = load_hardware("tiny-4x4")
MACHINE = Machine.of(TINY)


def gradient(x: Int8Array, dy: Int8Array, conv: Convolution) -> Int64Array:
    """dW [K, C, kh, kw] from the sum that defines it."""
    (down, across), (top, left) = conv.stride, conv.padding
    padded = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (top, top), (left, left)))
    found = np.zeros((conv.c_out, conv.c_in, *conv.kernel), np.int64)
    high, wide = conv.out_size
    for row, column in np.ndindex(*conv.kernel):
        first, second = row * conv.dilation[0], column * conv.dilation[1]
        seen = padded[:, :, first : first + high * down : down, second : second + wide * across : across]
        found[:, :, row, column] = np.einsum("bchw,bkhw->kc", seen[:, :, :high, :wide], dy.astype(np.int64))
    return found


def run_chunks(chunk: Chunk, x: Int8Array, dy: Int8Array, conv: Convolution) -> Int64Array:
    """The sums of all programs of a chunk's kind, each compiled with its pixels of dY and run."""
    total = np.zeros((conv.c_out, conv.c_in, *conv.kernel), np.int64)
    for each in chunk_programs("chunk", chunk, conv, x, dy):
        compiled = compile_network(each.graph, TINY, conv.c_in)
        memory = compiled.memory()
        for channel, image in enumerate(each.images):
            compiled.write_input(memory, image, channel)
        Interpreter(compiled, TINY, memory, 0).run()
        for channel in range(conv.c_in):
            sums = compiled.read_output(memory, channel)
            total[each.outputs, channel] += sums[: each.outputs.stop - each.outputs.start]
    return total


STRIDED = Convolution(batch=1, c_in=3, c_out=5, height=7, width=7, kernel=(3, 3), stride=(2, 2), padding=(1, 1))
DILATED = Convolution(batch=1, c_in=2, c_out=4, height=6, width=6, kernel=(3, 3), dilation=(2, 2), padding=(1, 1))
LINE = Convolution(batch=1, c_in=8, c_out=6, height=1, width=5, kernel=(1, 1))


def operands(conv: Convolution, batch: int) -> tuple[Int8Array, Int8Array]:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (batch, conv.c_in, conv.height, conv.width), np.int8)
    return x, rng.integers(-128, 128, (batch, conv.c_out, *conv.out_size), np.int8)


@pytest.mark.parametrize(("conv", "batch", "count"), [(STRIDED, 6, 2), (DILATED, 20, 1), (LINE, 16, 5)])
def test_the_programs_compute_the_gradient(conv: Convolution, batch: int, count: int) -> None:
    x, dy = operands(conv, batch)
    chunk = next(each for each in chunks(conv, batch, MACHINE) if each.count == count)
    np.testing.assert_array_equal(run_chunks(chunk, x, dy, conv), gradient(x, dy, conv))


def test_output_channels_in_blocks_of_which_the_last_is_not_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_chunks, "MOST_OUTPUTS", 4)
    x, dy = operands(STRIDED, 4)
    chunk = next(each for each in chunks(STRIDED, 4, MACHINE) if each.count == 1)
    assert (chunk.outputs, chunk.program.c_out) == (2, 3)
    np.testing.assert_array_equal(run_chunks(chunk, x, dy, STRIDED), gradient(x, dy, STRIDED))
