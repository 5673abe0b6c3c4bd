"""The gradient of a weight as programs: their sums are dW, and their price is that of what runs."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_mapper.training.update_chunks import Chunk, UpdatePricer, chunks, rank
from skipbeat_verify.interpreter import Interpreter
from tests.mapper.training.made_products import update

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


def run_chunks(chunk: Chunk, x: Int8Array, dy: Int8Array, conv: Convolution, hw: Hardware) -> Int64Array:
    """The sums of all programs of a chunk's kind, each compiled with its pixels of dY and run."""
    program, (rows, columns) = chunk.program, chunk.program.kernel
    (high, wide), batch = conv.out_size, len(x)
    total = np.zeros((conv.c_out, conv.c_in, *conv.kernel), np.int64)
    size = (high - 1) * conv.stride[0] + program.height, (wide - 1) * conv.stride[1] + program.width
    (top, left), margin = conv.padding, (size[0] - conv.height, size[1] - conv.width)
    padded = np.pad(x, ((0, 0), (0, 0), (top, max(0, margin[0])), (left, max(0, margin[1]))))
    whole = np.pad(dy, ((0, 0), (0, 0), (0, -high % rows), (0, -wide % columns)))
    for row in range(0, high, rows):
        for column in range(0, wide, columns):
            weight = whole[:, :, row : row + rows, column : column + columns].transpose(2, 3, 0, 1)
            graph = layer_graph(program, weight.reshape(-1, conv.c_out), "chunk", raw=True)
            compiled = compile_network(graph, hw, conv.c_in)
            memory, at = compiled.memory(), (row * conv.stride[0], column * conv.stride[1])
            seen = padded[:, :, at[0] : at[0] + program.height, at[1] : at[1] + program.width]
            for channel in range(conv.c_in):
                compiled.write_input(memory, seen[:, channel], channel)
            Interpreter(compiled, hw, memory, 0).run()
            for channel in range(conv.c_in):
                (place,) = [
                    each
                    for each in compiled.tensors
                    if each.name == "output" and each.first <= channel < each.first + each.images
                ]
                total[:, channel] += compiled.read_tensor(memory, place, channel)
    assert batch == program.c_in
    return total


@pytest.mark.parametrize(
    ("conv", "batch", "count"),
    [
        (Convolution(batch=1, c_in=3, c_out=5, height=7, width=7, kernel=(3, 3), stride=(2, 2), padding=(1, 1)), 6, 2),
        (
            Convolution(batch=1, c_in=2, c_out=4, height=6, width=6, kernel=(3, 3), dilation=(2, 2), padding=(1, 1)),
            20,
            1,
        ),
        (Convolution(batch=1, c_in=8, c_out=6, height=1, width=5, kernel=(1, 1)), 16, 5),
    ],
)
def test_the_programs_compute_the_gradient(conv: Convolution, batch: int, count: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (batch, conv.c_in, conv.height, conv.width), np.int8)
    dy = rng.integers(-128, 128, (batch, conv.c_out, *conv.out_size), np.int8)
    chunk = next(each for each in chunks(conv, batch, MACHINE) if each.count == count)
    np.testing.assert_array_equal(run_chunks(chunk, x, dy, conv, TINY), gradient(x, dy, conv))


def test_what_a_chunk_reads_fits_the_banks_twice() -> None:
    conv = Convolution(batch=1, c_in=64, c_out=64, height=56, width=56, kernel=(3, 3), padding=(1, 1))
    machine = Machine.of(load_hardware("train-32x32"))
    found = list(chunks(conv, 256, machine))
    assert all(2 * each.program.height * each.program.width * each.side <= machine.bank_depth for each in found)
    assert all(each.side * 9 <= machine.hw.accumulators.depth for each in found)
    best = min(found, key=lambda each: rank(each, 8, machine))
    steps = conv.macs * 256 / machine.hw.pes
    assert steps < rank(best, 8, machine) < 1.05 * steps


def test_one_chunk_is_priced_as_its_program() -> None:
    conv = Convolution(batch=1, c_in=4, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    products = ProductPricer(TINY)
    cost, sums = UpdatePricer(products).update("conv", update(conv, 16))
    assert sums == 8 * 4 * 9
    assert cost.macs == 16 * 16 * sums
    assert cost.cycles >= cost.macs // TINY.pes


def test_one_of_two_gradients_takes_half_the_steps() -> None:
    conv = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    pricer = UpdatePricer(ProductPricer(TINY))
    dense, half = (pricer.update("conv", update(conv, 16, Pattern.parse(each)))[0] for each in ("dense", "1:2"))
    assert 1.6 < dense.cycles / half.cycles <= 2.05
    assert pricer.update("conv", update(conv, 16, repeats=3))[0].cycles == 3 * dense.cycles


def test_a_kernel_with_too_many_items_is_cut_by_the_mapper() -> None:
    conv = Convolution(batch=1, c_in=1, c_out=4, height=36, width=35, kernel=(35, 35))
    (chunk,) = chunks(conv, 4, MACHINE)
    assert (chunk.program.kernel, chunk.count, chunk.side) == ((1, 1), 2, 1)
    cost, sums = UpdatePricer(ProductPricer(TINY)).update("conv", update(conv, 4))
    assert sums == 2 * 4 * 35 * 35
    assert cost.macs == 4 * sums
