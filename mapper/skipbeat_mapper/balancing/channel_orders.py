"""The order of the channels of every tensor for which a network takes the fewest steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from skipbeat_arch.arrays import Bytes, Indices, Int8Array, Int64Array
from skipbeat_arch.channels.channel_classes import ChannelClass, channel_classes
from skipbeat_arch.channels.swap_search import View, swap_search
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.machine import Machine

from ..placing.banks import Banks
from ..tiles.node_tiles import tap_weights
from ..tiles.tile_statistics import different_columns, group_counts, outputs_above
from .channel_views import Inputs, Outputs
from .dealing import deal

#: A class of channels is left as it is if outputs have on average so much of b, and rows so much of the fullest one's
#: steps, in all of its nodes.
EVEN = 0.9


@dataclass(eq=False)
class _Zeros:
    """Where a node has weights, with its channels in the orders found so far.

    Attributes:
        weight: int8 [taps, C, K], not 0 where there is a weight.
        pixels: sums of one image, which a step counts for.
    """

    weight: Int8Array
    pixels: int
    machine: Machine

    @classmethod
    def of(cls, node: Node, machine: Machine) -> _Zeros:
        """The zeros of a node."""
        window = node.window.kernel
        pixels = node.out_shape[1] * node.out_shape[2] * window[0] * window[1]
        return cls(tap_weights(node), max(pixels, machine.hw.array.rows), machine)

    @property
    def even(self) -> bool:
        """Whether groups have nearly as many weights in every output of a tile, and rows nearly as many groups."""
        machine = self.machine
        counts, kinds = different_columns(self.counts(), machine.vector)
        above, times = outputs_above(counts, machine.vector), np.bincount(kinds)
        beats = np.asarray(np.count_nonzero(above, axis=0), np.uint8)
        widths = np.minimum(machine.vector, counts.shape[2] - np.arange(times.size) * machine.vector)
        there = above.sum(axis=(0, 1, 2), dtype=np.int64) @ times
        if there < EVEN * (beats.sum(axis=(0, 1), dtype=np.int64) @ (widths * times)):
            return False
        banks, needed = Banks.of(self.weight.shape[1], machine), self.needed(beats)
        turns = np.zeros((-(-len(needed) // banks.period), banks.period, needed.shape[1]), np.int64)
        turns.reshape(-1, needed.shape[1])[: len(needed)] = needed
        sums = turns.sum(axis=0)
        most, mean = sums.max(axis=0), -(-sums.sum(axis=0) // min(len(needed), banks.period))
        times = times.repeat(most.size // times.size)
        return bool(EVEN * (-(-most // banks.taps) @ times) <= -(-mean // banks.taps) @ times)

    def counts(self) -> Bytes:
        """Weights of every group: uint8 [taps, groups, K]."""
        return group_counts(self.weight, self.machine.hw.array.group)

    def beats(self) -> Bytes:
        """b of every group in every column tile: uint8 [taps, groups, columns]."""
        return np.asarray(np.count_nonzero(outputs_above(self.counts(), self.machine.vector), axis=0), np.uint8)

    def inputs(self) -> View:
        """What an order of its input channels means."""
        channels = self.weight.shape[1]
        vector = self.machine.vector
        tiles = _by_tile((self.weight != 0).view(np.uint8), vector)  # [taps, C, columns, V]
        return Inputs(tiles.transpose(1, 3, 0, 2).reshape(channels, vector, -1).copy(), self.machine.hw.array.group)

    def outputs(self) -> View:
        """What an order of its output channels means."""
        counts = self.counts()
        outputs = counts.shape[2]
        return Outputs(np.ascontiguousarray(counts.reshape(-1, outputs).T), self.machine.vector)

    def needed(self, beats: Bytes) -> Int64Array:
        """Of each group how many of its cells in each column tile need more than s steps: int64 [groups, ...]."""
        above = np.count_nonzero(beats[..., None] > np.arange(self.machine.hw.array.group), axis=0)
        return np.asarray(above.reshape(beats.shape[1], -1), np.int64)


def channel_orders(graph: Graph, machine: Machine) -> dict[str, Indices]:
    """Orders of the channels of tensors; none if the groups of all nodes are about equally full.

    Permuting input channels for the sake of groups is Pool and Yu's idea ("Channel permutations for N:M sparsity",
    NeurIPS 2021), there before pruning and for what is kept.

    First channels are swapped between groups and column tiles so that the sum of b falls, class by class. Then whole
    groups are dealt out to the banks, so that every row of the array has about as much to do in each column tile.
    """
    chosen, zeros = _uneven(graph, machine)
    orders = {each: np.arange(each.channels) for each in chosen}
    for each in chosen:
        views = [(zeros[number].outputs(), float(zeros[number].pixels)) for number in each.writers]
        views += [(zeros[number].inputs(), float(zeros[number].pixels)) for number in each.readers]
        if views:
            _apply(each, swap_search(each.channels, views), orders, zeros)
    for each in chosen:
        if each.readers:
            for order in _dealt(each, zeros, machine):
                _apply(each, order, orders, zeros)
    moved = {each: order for each, order in orders.items() if (order != np.arange(each.channels)).any()}
    return {name: order for each, order in moved.items() for name in each.tensors}


def uneven_classes(graph: Graph, machine: Machine) -> list[ChannelClass]:
    """The classes of channels for which an order is looked for; only the weights of their nodes are looked at."""
    return _uneven(graph, machine)[0]


def _uneven(graph: Graph, machine: Machine) -> tuple[list[ChannelClass], dict[int, _Zeros]]:
    """These, and the zeros of all nodes that have a class."""
    classes = channel_classes(graph)
    nodes = {number for each in classes for number in each.writers + each.readers}
    zeros = {number: _Zeros.of(graph.nodes[number], machine) for number in sorted(nodes)}
    even = cache(lambda number: zeros[number].even)
    return [c for c in classes if not all(map(even, c.writers + c.readers))], zeros


def _apply(each: ChannelClass, order: Indices, orders: dict[ChannelClass, Indices], zeros: dict[int, _Zeros]) -> None:
    """Permutes a class once more."""
    orders[each] = orders[each][order]
    for number in each.writers:
        zeros[number].weight = zeros[number].weight[:, :, order]
    for number in each.readers:
        zeros[number].weight = zeros[number].weight[:, order]


def _dealt(each: ChannelClass, zeros: dict[int, _Zeros], machine: Machine) -> list[Indices]:
    """Orders, one upon the other, in which groups come to the banks so that rows have equally much to do.

    A column tile of a writer stays together, as its outputs are one block of channels.
    """
    banks, width, group = Banks.of(each.channels, machine), machine.vector, machine.hw.array.group
    features = np.concatenate(
        [each.needed(each.beats()) * np.sqrt(each.pixels) for each in map(zeros.__getitem__, each.readers)], axis=1
    )
    places = np.arange(len(features))
    rows, whole = places % banks.period, each.channels // group
    if not each.writers:
        return [_of_channels(deal(features, rows, (places >= whole).astype(np.intp)), each.channels, group)]
    blocks = -(-each.channels // width)
    tiles = np.zeros((blocks * banks.bundles, features.shape[1]))
    tiles[: len(features)] = features
    at = np.arange(blocks)
    of_blocks = deal(
        tiles.reshape(blocks, -1), at % (banks.period // banks.bundles), (at >= each.channels // width).astype(np.intp)
    )
    first = _of_channels(of_blocks, each.channels, width)
    moved = features[first[::group] // group]
    kinds: Indices = np.where(places < whole, places // banks.bundles, -1)
    return [first, _of_channels(deal(moved, rows, kinds), each.channels, group)]


def _of_channels(order: Indices, channels: int, size: int) -> Indices:
    """The order of channels that comes with one of runs of `size` channels; a shorter last run stays."""
    every = order[:, None] * size + np.arange(size)
    return every.ravel()[:channels]


def _by_tile(values: Bytes, vector: int) -> Bytes:
    """[..., K] as [..., columns, V], padded with zeros."""
    outputs = values.shape[-1]
    columns = -(-outputs // vector)
    padded = np.zeros((*values.shape[:-1], columns * vector), np.uint8)
    padded[..., :outputs] = values
    return padded.reshape(*values.shape[:-1], columns, vector)
