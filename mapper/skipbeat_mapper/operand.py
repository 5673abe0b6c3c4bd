"""Where the weights of a product of two activations lie: they are packed before they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, UInt32Array

from .memory_map import MemoryMap
from .tiles.packed_node import packed_words

#: Values of a byte that are not 0, so that no tile changes its shape.
_DIGITS = 255


def operand_addresses(memory: MemoryMap, start: int) -> tuple[UInt32Array, int]:
    """The byte address uint32 [C, K] of each weight of a network of one node that has no zeros, and their distance.

    The addresses are those of the first image; the distance, in bytes, is that of the next image's second operand.

    Weights that are the digits of their own number are packed, one digit at a time: what is found in a byte says whose
    it is. Metadata do not change with values, and are what two such packings have in common.

    Args:
        memory: of the network.
        start: byte address of what follows the instructions.
    """
    every = [placed for group in memory.groups for placed in group.nodes]
    placed, shape, machine = every[0], every[0].node.layer.weight.shape, memory.machine
    pitch = (every[1].weights_at - placed.weights_at) * machine.vector if len(every) > 1 else 0

    def pack(weight: Int8Array) -> Bytes:
        node = replace(placed.node, layer=replace(placed.node.layer, weight=weight))
        return packed_words(node, placed.banks, placed.tiles, machine)

    values = np.flatnonzero(pack(np.full(shape, 1, np.int8)) != pack(np.full(shape, 2, np.int8)))
    numbers = np.arange(np.prod(shape))
    owners, unit = np.zeros(values.size, np.int64), 1
    while unit <= numbers[-1]:
        digits = (numbers // unit % _DIGITS + 1).astype(np.uint8).view(np.int8)
        owners += unit * (pack(digits.reshape(shape))[values].astype(np.int64) - 1)
        unit *= _DIGITS
    addresses = np.empty(numbers.size, np.uint32)
    addresses[owners] = start + placed.weights_at * machine.vector + values
    return addresses.reshape(shape), pitch
