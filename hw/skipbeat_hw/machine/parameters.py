"""What the output stage reads of a block before it begins."""

from __future__ import annotations

from amaranth import signed
from amaranth.lib import data


def parameters(cols: int) -> data.StructLayout:
    """A block's parameters, column by column, as their vectors lie in memory."""
    return data.StructLayout(
        {
            "bias": data.ArrayLayout(signed(32), cols),
            "multiplier": data.ArrayLayout(32, cols),
            "residual_multiplier": data.ArrayLayout(32, cols),
            "shift": data.ArrayLayout(8, cols),
        }
    )
