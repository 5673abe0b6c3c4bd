"""From a layer to its program: tile, schedule, price, and keep the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.workload import Workload
from skipbeat_sim.timing.core_timing import core_cycles

from ..gather import block_diagonal, layer_gemm
from .cost import Pricer
from .grouping import workload_groupings
from .program import CoreProgram
from .schedule import Loop, pixel_blocks, schedule
from .tiling import ColumnTile, Tiler

#: A tiling whose estimate is beyond this multiple of the best one's is not scheduled.
MARGIN = 1.02
#: Other orders of the same tiles are not tried for less than this share of the steps.
NEGLIGIBLE = 0.001

Layer = IntegerLayer | tuple[Int8Array, Workload]


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """What the search may do; the defaults let it do everything.

    Attributes:
        block_pixels: largest pixel block; None is the depth of the accumulators.
        loops: outer loops to try.
        regroup: groups other than consecutive ones may be formed: a ragged tail spread over the rows, groups
            sorted by b and empty ones dropped.
        permute: outputs may be permuted over the columns (results are always in their own order).
    """

    block_pixels: int | None = None
    loops: tuple[Loop, ...] = ("columns", "blocks")
    regroup: bool = True
    permute: bool = True


def compile_layer(
    layer: Layer, hw: Hardware, *, options: CompileOptions | None = None, price: Pricer = core_cycles
) -> CoreProgram:
    """The fastest program found for a layer, or for (weight int8 [C, K], workload).

    A grouped convolution (weight [groups, C/groups, K/groups]) becomes one program over a block-diagonal weight:
    the blocks off the diagonal are empty groups like any other, and channel groups share the array's columns.

    Raises:
        InputError: the weight has another shape than the workload, a value that the hardware cannot hold or sums
            that its accumulators cannot; a block larger than the accumulators.
    """
    name, weight, workload = _parts(layer)
    full = block_diagonal(weight, workload)
    _check_numbers(name, full, hw)
    return _compile(full, workload, hw, options or CompileOptions(), price)


def compile_dense(
    layer: Layer, hw: Hardware, *, options: CompileOptions | None = None, price: Pricer = core_cycles
) -> CoreProgram:
    """The same layer as a dense machine runs it: every weight counts as nonzero, whatever its value.

    The program computes with all weights 1; its commands, shapes and cycles are those of any dense layer of this
    workload. Arguments and errors as in `compile_layer`; the same freedom of mapping holds.
    """
    _, weight, workload = _parts(layer)
    full = block_diagonal(np.ones_like(weight), workload)
    return _compile(full, workload, hw, options or CompileOptions(), price)


def _parts(layer: Layer) -> tuple[str, Int8Array, Workload]:
    if isinstance(layer, IntegerLayer):
        return layer.name, layer.weight, layer.workload
    return "layer", *layer


def _check_numbers(name: str, weight: Int8Array, hw: Hardware) -> None:
    numbers = hw.numbers
    low, high = integer_range(numbers.weight_bits)
    if weight.min() < low or weight.max() > high:
        raise InputError(f"{name}: weights must be in {low}..{high}")
    if len(weight) << (numbers.weight_bits + numbers.activation_bits - 2) <= integer_range(numbers.accumulator_bits)[1]:
        return
    reach = int(np.abs(weight.astype(np.int64)).sum(axis=0).max()) << (numbers.activation_bits - 1)
    if reach > integer_range(numbers.accumulator_bits)[1]:
        raise InputError(
            f"{name}: sums can reach {reach}, more than numbers.accumulator_bits ({numbers.accumulator_bits}) can hold"
        )


def _compile(
    weight: Int8Array, workload: Workload, hw: Hardware, options: CompileOptions, price: Pricer
) -> CoreProgram:
    gemm = layer_gemm(workload)
    largest = hw.accumulators.depth if options.block_pixels is None else options.block_pixels
    if not 1 <= largest <= hw.accumulators.depth:
        raise InputError(f"block_pixels must be in 1..{hw.accumulators.depth} (accumulators.depth), not {largest}")
    blocks = pixel_blocks(gemm.p, largest)
    groupings = workload_groupings(workload, hw)[: None if options.regroup else 1]
    tiler = Tiler(weight, groupings, hw, blocks[0][1])
    if not options.loops:
        raise InputError("options: loops must name at least one loop")

    def program(columns: tuple[ColumnTile, ...], loop: Loop, short_first: bool) -> CoreProgram:
        passes, shapes = schedule(columns, blocks, loop=loop, short_first=short_first)
        return CoreProgram(
            hardware=hw,
            gemm=gemm,
            weight=weight,
            columns=columns,
            passes=passes,
            shapes=shapes,
            cycles=price([p.command for p in passes], shapes, hw),
        )

    best = min((program(c, options.loops[0], True) for c in _tilings(tiler, options)), key=_cycles)
    if best.cycles - best.steps <= best.steps * NEGLIGIBLE:
        return best
    loops = options.loops if len(blocks) > 1 else options.loops[:1]
    orders = [(loop, short_first) for loop in loops for short_first in (True, False)]
    return min(best, *(program(best.columns, *order) for order in orders[1:]), key=_cycles)


def _cycles(program: CoreProgram) -> int:
    return program.cycles


def _tilings(tiler: Tiler, options: CompileOptions) -> Iterator[tuple[ColumnTile, ...]]:
    """Tilings worth scheduling, the plain one first; the others only where they promise fewer clocks."""
    identity = tiler.identity()
    yield tuple(tiler.tile(identity, plain=True))
    orders = [identity] if options.regroup else []
    if options.permute:
        orders += tiler.permutations()
    costs = [tiler.cost(order, plain=not options.regroup) for order in orders]
    lowest = tiler.cost(identity, plain=True)
    for order, cost in zip(orders, costs, strict=True):
        if cost < lowest and cost <= min(costs) * MARGIN:
            lowest = cost
            yield tuple(tiler.tile(order, plain=not options.regroup))
