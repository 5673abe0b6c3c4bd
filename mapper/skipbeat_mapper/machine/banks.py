"""How the channels of a map lie in the activation banks, and which rows of the array meet which weights.

A channel group is M channels. With R groups or more, bank q of plane i holds group i·R + q and a reduction tile is one
kernel tap of one plane. With fewer, the G (a power of two) groups are repeated every G banks, and a tile covers R / G
taps: row q is tap t·(R / G) + q div G of group q mod G.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.machine import Machine
from skipbeat_arch.tensor_layout import channel_blocks
from skipbeat_arch.tile import Int8Array


@dataclass(frozen=True, kw_only=True)
class Banks:
    """The banks' view of a map of `blocks` channel blocks.

    Attributes:
        rows, group, bundles: R, M and V / M.
        period: banks after which the channel groups repeat, G or R.
        planes: entries that a pixel has in a bank.
    """

    rows: int
    group: int
    bundles: int
    blocks: int
    period: int
    planes: int

    @classmethod
    def of(cls, channels: int, machine: Machine) -> Banks:
        """The layout of a map of so many channels."""
        rows, blocks = machine.hw.array.rows, channel_blocks(channels, machine.vector)
        groups = blocks * machine.bundles
        return cls(
            rows=rows, group=machine.hw.array.group, bundles=machine.bundles, blocks=blocks,
            period=min(rows, 1 << (groups - 1).bit_length()), planes=-(-groups // rows),
        )  # fmt: skip

    @property
    def taps(self) -> int:
        """Kernel taps in one reduction tile."""
        return self.rows // self.period

    def place(self, block: int) -> tuple[int, int]:
        """First bank and plane of a channel block."""
        first = block * self.bundles
        return first % self.rows, first // self.rows

    def tile(self, number: int) -> tuple[int, int]:
        """First tap and plane of a reduction tile of `arrange`."""
        turn, plane = divmod(number, self.planes)
        return turn * self.taps, plane

    def arrange(self, weight: Int8Array) -> Int8Array:
        """Weights int8 [taps, C, K] as [tiles, R, M, K], zero where a row has no group or no tap."""
        taps, channels, outputs = weight.shape
        turns = -(-taps // self.taps)
        width = self.period * self.planes * self.group
        full = np.zeros((turns * self.taps, width, outputs), np.int8)
        full[:taps, :channels] = weight
        split = full.reshape(turns, self.taps, self.planes, self.period * self.group, outputs)
        return split.transpose(0, 2, 1, 3, 4).reshape(turns * self.planes, self.rows, self.group, outputs)
