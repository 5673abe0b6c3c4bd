"""How the channels of a map lie in the activation banks, and which rows of the array meet which weights.

A channel group is M channels. With R groups or more, bank q of plane i holds group i·R + q and a reduction tile is one
kernel tap of one plane. If the last plane has at most R / 2 groups, they are repeated, and rows of the same group share
its weights. With fewer than R groups, the G (a power of two) groups are repeated every G banks, and a tile covers R / G
taps: row q is tap t·(R / G) + q div G of group q mod G. Where fewer taps are left than row sets, several sets take the
same tap and share its weights, so that each has fewer in a group and the tile a smaller b.

What is left behind the last full plane may also lie in several (`fine`), each of at most half as many groups as the one
before. With eight channel blocks in a plane 13 are 8, 4 and 1 then instead of 8 and 5. Dense weights have a b of 8, 4
and 1, as all rows have work in each. It takes one entry more for a pixel.

In *slices* a channel block has a plane of its own, and its V / M groups are repeated as if the map had no others. A
block of outputs that needs no other block of inputs then meets R · M / V taps in a tile instead of one (`slices`).

What a row takes of a tile is a *cell*. Offsets are per bank, so a row may take any cell of its bank in any tile
(`row_order`); `arrange` deals them out in the plain order.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import Machine
from skipbeat_arch.tensor_layout import channel_blocks

#: Nonzeros of groups, uint8.

T = TypeVar("T", np.int8, np.uint8)


@dataclass(frozen=True, kw_only=True)
class Banks:
    """The banks' view of a map of `blocks` channel blocks.

    Attributes:
        rows, group, bundles: R, M and V / M.
        periods: banks after which the channel groups of each plane repeat: G, or R and less in the last ones.
        slices: whether every channel block has its own plane; then blocks are loaded one at a time.
    """

    rows: int
    group: int
    bundles: int
    blocks: int
    periods: tuple[int, ...]
    slices: bool = False

    @classmethod
    def of(cls, channels: int, machine: Machine, *, fine: bool = False) -> Banks:
        """The layout of a map of so many channels; `fine`: what is left behind full planes lies in several."""
        rows, blocks = machine.hw.array.rows, channel_blocks(channels, machine.vector)
        whole, left = divmod(blocks * machine.bundles, rows)
        return cls(
            rows=rows,
            group=machine.hw.array.group,
            bundles=machine.bundles,
            blocks=blocks,
            periods=(rows,) * whole + _last_periods(left, machine.bundles, fine=fine and whole > 0),
        )

    @classmethod
    def of_node(cls, node: Node, machine: Machine) -> Banks:
        """The layout of a node's input: fine for a product of two activations, whose dense weights gain by it."""
        return cls.of(node.convolution.c_in, machine, fine=node.operand)

    def sliced(self) -> Banks:
        """The layout of the same map in slices."""
        return dataclasses.replace(self, periods=(self.bundles,) * self.blocks, slices=True)

    @property
    def period(self) -> int:
        """Banks after which the channel groups of the first plane repeat."""
        return self.periods[0]

    @property
    def planes(self) -> int:
        """Entries that a pixel has in a bank."""
        return len(self.periods)

    @property
    def loaded(self) -> int:
        """Planes of a region that is loaded from memory."""
        return 1 if self.slices else self.planes

    @property
    def turns(self) -> int:
        """How many loads bring all channels of a region."""
        return self.blocks if self.slices else 1

    @property
    def taps(self) -> int:
        """Kernel taps in one reduction tile: row sets of `period` rows."""
        return self.rows // self.period

    def place(self, block: int) -> tuple[int, int]:
        """First bank and plane of a channel block."""
        if self.slices:
            return 0, block
        plane = bisect.bisect_right(self._begins, block * self.bundles) - 1
        return block * self.bundles - self._begins[plane], plane

    def repeat(self, block: int) -> int:
        """Banks after which a channel block is repeated."""
        return self.periods[self.place(block)[1]]

    @cached_property
    def _begins(self) -> list[int]:
        """The first channel group of each plane."""
        return list(itertools.accumulate(self.periods[:-1], initial=0))

    def cell_taps(self, taps: int) -> Int64Array:
        """The tap of every cell of `arrange`, int64 [tiles, R]; -1 for none. Tile t is of plane t mod `planes`."""
        sets = [self.row_sets(first, taps) for first in range(0, taps, self.taps)]
        return np.repeat(np.repeat(np.array(sets, np.int64), self.planes, axis=0), self.period, axis=1)

    def row_sets(self, first: int, taps: int) -> tuple[int, ...]:
        """The tap of each row set in the turn that begins with tap `first` of `taps`; -1 for none.

        Where taps left over would leave sets idle, each is given to several, which share its weights.
        """
        left = min(self.taps, taps - first)
        copies = self.taps // left
        return tuple(first + at // copies if at < left * copies else -1 for at in range(self.taps))

    def beats(self, taps: int, slots: int) -> list[int]:
        """Steps of a pixel in each reduction tile if all groups have so many nonzeros; rows of one group share them."""
        if self.taps == 1:
            return [-(-slots * period // self.rows) for period in self.periods] * taps
        whole, left = divmod(taps, self.taps)
        return [slots] * whole + ([-(-slots // (self.taps // left))] if left else [])

    def arrange(self, weight: Int8Array) -> Int8Array:
        """Weights int8 [taps, C, K] as cells [tiles, R, M, K], zero where a row has no group or no tap.

        Rows that share a group take turns with its nonzeros for each output.
        """
        taps, channels, outputs = weight.shape
        full = np.zeros((taps, sum(self.periods) * self.group, outputs), np.int8)
        full[:, :channels] = weight
        groups = full.reshape(taps, -1, self.group, outputs)

        def share(part: Int8Array, copy: int, copies: int) -> Int8Array:
            turn = (np.cumsum(part != 0, axis=-2) - 1) % copies
            return np.where(turn == copy, part, np.int8(0))

        return self._dealt(groups, share)

    def arrange_counts(self, counts: Bytes) -> Bytes:
        """Nonzeros uint8 [taps, groups, K] of each group as [tiles, R, K]: those of `arrange`."""
        taps, groups, outputs = counts.shape
        if outputs > 1 and not counts.strides[2]:  # the same for all of them
            one = self.arrange_counts(counts[:, :, :1])
            return np.broadcast_to(one, (*one.shape[:2], outputs))
        full = counts
        if groups != sum(self.periods):
            full = np.zeros((taps, sum(self.periods), outputs), np.uint8)
            full[:, :groups] = counts

        def share(part: Bytes, copy: int, copies: int) -> Bytes:
            return ((part + np.uint8(copies - 1 - copy)) // np.uint8(copies)).astype(np.uint8)

        return self._dealt(full, share)

    def _dealt(
        self, groups: npt.NDArray[T], share: Callable[[npt.NDArray[T], int, int], npt.NDArray[T]]
    ) -> npt.NDArray[T]:
        """[taps, all groups, ...] as [tiles, R, ...]; `share` gives one of several sets its part of a tap."""
        if self.taps == 1:
            return self._repeated(groups, share)
        taps: int = groups.shape[0]
        rest: tuple[int, ...] = groups.shape[2:]
        split = groups.reshape(taps, self.planes, self.period, *rest)
        turns, whole = -(-taps // self.taps), taps // self.taps
        out = np.zeros((turns, self.planes, self.taps, self.period, *rest), groups.dtype)
        out[:whole] = split[: whole * self.taps].reshape(whole, self.taps, *split.shape[1:]).swapaxes(1, 2)
        if turns > whole:
            left = taps - whole * self.taps
            copies = self.taps // left
            for copy in range(copies):
                part = share(split[whole * self.taps :], copy, copies)
                out[whole, :, copy : left * copies : copies] = part.swapaxes(0, 1)
        return out.reshape(turns * self.planes, self.rows, *rest)

    def _repeated(
        self, groups: npt.NDArray[T], share: Callable[[npt.NDArray[T], int, int], npt.NDArray[T]]
    ) -> npt.NDArray[T]:
        """The same where a tile is a tap of a plane; groups of the last planes are shared by their rows."""
        taps: int = groups.shape[0]
        rest: tuple[int, ...] = groups.shape[2:]
        if min(self.periods) == self.rows:
            return groups.reshape(-1, self.rows, *rest)
        out = np.empty((taps, self.planes, self.rows, *rest), groups.dtype)
        for plane, (first, period) in enumerate(zip(self._begins, self.periods, strict=True)):
            part, copies = groups[:, first : first + period], self.rows // period
            for copy in range(copies):
                shared = part if copies == 1 else share(part, copy, copies)
                out[:, plane, copy * period : (copy + 1) * period] = shared
        return out.reshape(-1, self.rows, *rest)


def _last_periods(groups: int, bundles: int, *, fine: bool) -> tuple[int, ...]:
    """The periods of the planes of groups that fill no plane: one, or if they are `fine` as many as it takes."""
    if not groups:
        return ()
    if not fine:
        return (1 << (groups - 1).bit_length(),)
    blocks = groups // bundles
    return tuple(bundles << bit for bit in reversed(range(blocks.bit_length())) if blocks >> bit & 1)
