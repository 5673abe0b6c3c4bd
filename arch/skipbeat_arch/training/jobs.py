"""What the components of training are told: fields of a job, lowest bits first, and clocks that two parts agree on."""

from __future__ import annotations

from ..hardware import Hardware
from ..ports import Fields
from .lfsr import SEED_BITS
from .rounding import MOST_SHIFT

BLOCK_BITS = 16
#: Clocks from a vector's entry into the selection along the lanes until it leaves, if nothing is in its way.
SELECT_LATENCY = 6
#: Of the number of sums that a store clipped.
CLIP_BITS = 32


def select_fields(hw: Hardware) -> Fields:
    """A selection: `blocks` of M vectors along lanes or time; N of M by rank, or one of 2^`log_q` without bias.

    N of 0 keeps nothing, and more than M all. A `log_q` that is not in 1..log2 M is log2 M.
    """
    return (
        ("blocks", BLOCK_BITS),
        ("along_time", 1),
        ("unbiased", 1),
        ("n", hw.index_bits + 1),
        ("log_q", hw.index_bits.bit_length()),
        ("seed", SEED_BITS),
    )


def rounding_fields() -> Fields:
    """A stochastic rounding: its shift, at most 32, and the seed of its draws."""
    return (("shift", MOST_SHIFT.bit_length()), ("seed", SEED_BITS))
