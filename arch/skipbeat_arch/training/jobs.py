"""What the components of training are told: fields of a job, lowest bits first, and clocks that two parts agree on."""

from __future__ import annotations

from ..hardware import Hardware
from ..ports import Fields
from .lfsr import SEED_BITS
from .rounding import MOST_SHIFT
from .update_rule import MANTISSA_BITS
from .update_rule import MOST_SHIFT as MOST_COEFFICIENT_SHIFT

BLOCK_BITS = 16
#: Clocks from a vector's entry into the selection along the lanes until it leaves, if nothing is in its way.
SELECT_LATENCY = 6
#: Of the number of sums that a store clipped.
CLIP_BITS = 32
#: Clocks from a sum's entry into the stochastic rounding until its byte leaves, likewise.
ROUNDING_LATENCY = 4
#: Clocks from a weight's entry into the update until it leaves, likewise.
UPDATE_LATENCY = 11
#: Bytes that cross the memory bus for each weight: it and its momentum, to the update and back.
WEIGHT_BYTES = 16
#: Of the shift that makes a weight its byte.
BYTE_SHIFT_BITS = 5


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


def update_lanes(hw: Hardware) -> int:
    """Weights per clock that the memory bus keeps up with."""
    return max(1, hw.memory.bytes_per_clock // WEIGHT_BYTES)


def rounding_fields() -> Fields:
    """A stochastic rounding: its shift, at most 32, and the seed of its draws."""
    return (("shift", MOST_SHIFT.bit_length()), ("seed", SEED_BITS))


def update_fields() -> Fields:
    """An update: mantissa and shift of each coefficient."""
    names = ("momentum", "gradient", "decay", "dropped_decay", "rate")
    parts = (("mantissa", MANTISSA_BITS), ("shift", MOST_COEFFICIENT_SHIFT.bit_length()))
    return tuple((f"{name}_{part}", bits) for name in names for part, bits in parts)
