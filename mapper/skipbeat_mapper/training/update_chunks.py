"""How the gradient of a weight is cut into programs, and what they cost.

dW[tap, c, k] is the sum over images and output pixels of X at the pixel moved by the tap, times dY at the pixel. dY is
stationary: a tile has the V output channels of a pixel in its columns, and groups of M images in its rows. A bundle is
M images of one channel, and an accumulator's entry a (tap, channel) item. To the mapper that is a convolution: its
channels are the images, its kernel the pixels of dY, a stride of the layer is the kernel's dilation, and its images are
the layer's channels, side by side in the banks.

The pixels are cut into *chunks*, equal rectangles, so that what they read of X fits the banks twice. Each chunk is a
program whose sums leave as int32; the optimiser adds them up when it reads them. The zeros around a map are part of
what a chunk is given, and the last chunks of a line are as large as the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product as pairs

from skipbeat_arch.depths import RAW_VECTORS, output_clocks
from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import Update
from skipbeat_arch.workload import Convolution

from ..bounds import memory_clocks
from ..placing.banks import Banks
from .product_prices import ProductPricer
from .steady_state import steady_cost, times

#: Bytes of a partial sum.
SUM_BYTES = 4
#: Most output channels of one program.
MOST_OUTPUTS = 512
#: Clocks that a program takes besides: the memory's latency, the first loads, the last results.
_AROUND = 400


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One way to cut the gradient of a weight.

    Attributes:
        program: of one chunk, with one channel of the layer as its image.
        count: chunks; outputs: blocks of output channels, each with all chunks.
        side: channels of the layer side by side. channels: of the layer.
    """

    program: Convolution
    count: int
    outputs: int
    side: int
    channels: int

    @property
    def groups(self) -> Fraction:
        """Groups of channels, of all chunks and blocks of output channels."""
        return Fraction(self.count * self.outputs * self.channels, self.side)

    def places(self, conv: Convolution) -> Iterator[tuple[int, int]]:
        """Row and column in X of each chunk's first pixel, line by line; they begin at the layer's padding, below 0."""
        (high, wide), (rows, columns) = conv.out_size, self.program.kernel
        for row, column in pairs(range(0, high, rows), range(0, wide, columns)):
            yield row * conv.stride[0] - conv.padding[0], column * conv.stride[1] - conv.padding[1]

    @property
    def sums(self) -> int:
        """Partial sums that all programs give."""
        taps = self.program.out_size[0] * self.program.out_size[1]
        return self.count * self.outputs * self.program.c_out * self.channels * taps


def chunks(conv: Convolution, batch: int, machine: Machine) -> Iterator[Chunk]:
    """Every chunk that fits the machine twice, or single pixels, whose items the mapper cuts, if none does.

    Args:
        conv: the layer's convolution of one image, without channel groups.
        batch: images.
        machine: the hardware.
    """
    (high, wide), taps = conv.out_size, conv.kernel[0] * conv.kernel[1]
    planes = Banks.of(batch, machine).planes
    found = False
    for rows, columns in pairs(_parts(high), _parts(wide)):
        program, outputs = _program(conv, batch, rows, columns)
        room = machine.bank_depth // 2 // (program.height * program.width * planes)
        most = min(conv.c_in, room, machine.hw.accumulators.depth // taps)
        count = -(-high // rows) * -(-wide // columns)
        for side in _sides(most, conv.c_in):
            found = True
            yield Chunk(program=program, count=count, outputs=outputs, side=side, channels=conv.c_in)
    if not found:
        program, outputs = _program(conv, batch, 1, 1)
        yield Chunk(program=program, count=high * wide, outputs=outputs, side=1, channels=conv.c_in)


def _program(conv: Convolution, batch: int, rows: int, columns: int) -> tuple[Convolution, int]:
    """The convolution of so many rows and columns of dY, and how many blocks of output channels there are."""
    blocks = -(-conv.c_out // MOST_OUTPUTS)
    program = Convolution(
        batch=1,
        c_in=batch,
        c_out=-(-conv.c_out // blocks),
        height=_read(rows, conv, 0),
        width=_read(columns, conv, 1),
        kernel=(rows, columns),
        stride=conv.dilation,
        dilation=conv.stride,
    )
    return program, blocks


def rank(chunk: Chunk, beat: int, machine: Machine) -> float:
    """Clocks of all programs by the largest of their bounds, and to read their sums.

    Args:
        chunk: how the gradient is cut.
        beat: nonzeros of a group of M images, which rows of the same group share.
        machine: the hardware.
    """
    hw, conv = machine.hw, chunk.program
    banks = Banks.of(conv.c_in, machine)
    columns = -(-conv.c_out // machine.vector)
    taps = conv.kernel[0] * conv.kernel[1]
    beats = banks.beats(taps, beat)
    items = chunk.side * conv.out_size[0] * conv.out_size[1]
    rows = min(hw.array.rows, banks.period * banks.taps)
    words = [rows * each + (0 if each == hw.array.group else rows) for each in beats]
    loaded = banks.blocks * conv.height * conv.width * chunk.side * machine.vector_beats
    decoded = rows * hw.array.cols // hw.weights.decode_lanes
    bounds = (
        columns * items * sum(beats),
        loaded + columns * sum(words) * machine.vector_beats,
        columns * sum(max(each, decoded) for each in words),
        columns * items * output_clocks(hw, 1, vectors=RAW_VECTORS),
    )
    programs = chunk.count * chunk.outputs * -(-chunk.channels // chunk.side)
    return programs * (max(bounds) + 0.01 * sum(bounds)) + _AROUND + _clocks_to_add(chunk, machine)


def best_chunk(conv: Convolution, batch: int, pattern: Pattern, machine: Machine) -> Chunk:
    """The chunk whose programs take the fewest clocks by their bounds.

    Args:
        conv: of one image, without channel groups.
        batch: images.
        pattern: of dY along the images: dense or 1:q.
        machine: the hardware.
    """
    group = machine.hw.array.group
    beat = group if pattern.kind == "dense" else -(-group // pattern.m)

    def order(chunk: Chunk) -> tuple[float, int]:
        """Of equal ranks the widest: what it loads comes in the longest lines."""
        return rank(chunk, beat, machine), -chunk.program.kernel[1]

    return min(chunks(conv, batch, machine), key=order)


class UpdatePricer:
    """Prices gradients of weights, equal ones once."""

    def __init__(self, products: ProductPricer) -> None:
        self._products = products
        self._known: dict[tuple[object, ...], tuple[LayerCost, Chunk]] = {}

    def update(self, name: str, update: Update) -> tuple[LayerCost, Chunk]:
        """What the gradient of a weight costs, and how it is cut.

        Raises:
            InputError: what its programs need does not fit the hardware.
        """
        key = update.workload, str(update.pattern), update.images
        if key not in self._known:
            self._known[key] = self._best(name, update)
        cost, chunk = self._known[key]
        return times(cost, update.repeats), chunk

    def _best(self, name: str, update: Update) -> tuple[LayerCost, Chunk]:
        best = best_chunk(update.workload, update.images, update.pattern, self._products.machine)
        return self._price(name, update, best), best

    def _price(self, name: str, update: Update, chunk: Chunk) -> LayerCost:
        gemm = chunk.program.gemm
        zeros = update.zeros((gemm.c, gemm.k))

        def price(count: int) -> LayerCost:
            cost = self._products.program(name, chunk.program, zeros, count * chunk.side, chunk.side, raw=True)
            return cost if chunk.count * chunk.outputs == 1 else self._products.with_every_load(cost, count)

        return steady_cost(chunk.groups, price)


def _clocks_to_add(chunk: Chunk, machine: Machine) -> int:
    """Clocks in which the optimiser reads the sums of all programs."""
    return memory_clocks(machine, SUM_BYTES * chunk.sums, 0)


def _parts(size: int) -> list[int]:
    """The sizes of equal parts, the last one filled up."""
    return list(dict.fromkeys(-(-size // parts) for parts in range(1, size + 1)))


def _sides(most: int, channels: int) -> list[int]:
    """How many channels may lie side by side: equal groups, the largest and some that are smaller."""
    found = dict.fromkeys(-(-channels // parts) for parts in range(1, channels + 1))
    return [side for side in found if side <= most][:6]


def _read(pixels: int, conv: Convolution, axis: int) -> int:
    """Lines of the layer's input that so many lines of its output read."""
    return (pixels - 1) * conv.stride[axis] + (conv.kernel[axis] - 1) * conv.dilation[axis] + 1
