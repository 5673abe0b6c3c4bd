"""The gradient of a weight with its numbers: what each chunk's program is given, and where its sums belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.graph import Graph
from skipbeat_arch.workload import Convolution

from ..layer_graph import layer_graph
from .update_chunks import Chunk


@dataclass(frozen=True, kw_only=True, eq=False)
class ChunkProgram:
    """One program of a gradient.

    Attributes:
        graph: its node, whose stationary operand is dY at the chunk's pixels.
        images: int8 [C, N, height, width]: for each channel of the layer the batch, as the program's channels.
        outputs: the output channels that it has; its sums [C, K, kh, kw] count as far as there are such channels.
        place: row and column of its first pixel in X; what lies outside of X is zeros.
    """

    graph: Graph
    images: Int8Array
    outputs: slice
    place: tuple[int, int]


def chunk_programs(
    name: str, chunk: Chunk, conv: Convolution, x: Int8Array, gradient: Int8Array
) -> Iterator[ChunkProgram]:
    """The programs of a gradient, whose sums together are it.

    Args:
        name: of the layer. chunk: how it is cut. conv: the layer's convolution of one image, without channel groups.
        x: int8 [N, C, H, W]. gradient: int8 [N, K, H', W'].
    """
    program, (rows, columns) = chunk.program, chunk.program.kernel
    (high, wide), outputs = conv.out_size, program.c_out
    lines = (-(-high // rows) * rows - 1) * conv.stride[0] + (conv.kernel[0] - 1) * conv.dilation[0] + 1
    places = (-(-wide // columns) * columns - 1) * conv.stride[1] + (conv.kernel[1] - 1) * conv.dilation[1] + 1
    (top, left), below, right = conv.padding, lines - conv.height, places - conv.width
    padded = np.pad(x, ((0, 0), (0, 0), (top, max(0, below - top)), (left, max(0, right - left))))
    whole = np.pad(gradient, ((0, 0), (0, -conv.c_out % outputs), (0, -high % rows), (0, -wide % columns)))
    for place in chunk.places(conv):
        down, across = place[0] + top, place[1] + left
        first, second = down // conv.stride[0], across // conv.stride[1]
        images = padded[:, :, down : down + program.height, across : across + program.width].swapaxes(0, 1)
        pixels = whole[:, :, first : first + rows, second : second + columns].transpose(2, 3, 0, 1)
        for block in range(0, conv.c_out, outputs):
            operand = np.ascontiguousarray(pixels[..., block : block + outputs].reshape(-1, outputs))
            yield ChunkProgram(
                graph=layer_graph(program, operand, name, raw=True),
                images=np.ascontiguousarray(images),
                outputs=slice(block, min(block + outputs, conv.c_out)),
                place=place,
            )
