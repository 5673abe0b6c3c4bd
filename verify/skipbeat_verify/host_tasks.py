"""What the host does in a training step for want of a module in the machine."""

from __future__ import annotations

from enum import StrEnum

#: Bytes of a sum as the machine stores it; of a master weight, a momentum and their gradient.
SUM_BYTES = 4


class HostTask(StrEnum):
    """What the host does by the definitions of a module that the machine does not have; MASK, SPLIT and ADD have none.

    MASK: a byte for each element of a dX that the machine stores behind a clamp, where it does not lie as X does.
    SPLIT: the bytes of a pooled Y that the machine stores, which lie between its places.
    """

    TURN = "turn"
    SELECT = "select"
    ROUND = "rounding and peak"
    MASK = "masks of clamps"
    SPLIT = "pooled maps and places apart"
    PACK = "packing of tiles and programs"
    ADD = "adding of partial sums"
    UPDATE = "update"
