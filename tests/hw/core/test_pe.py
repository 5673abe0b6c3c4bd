# amaranth: UnusedElaboratable=no
"""The PE against its twin: all of its ports take any value in any clock."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pytest

from skipbeat_hw.core.pe import PE
from tests.hw.stimulus import Source, Wire, bits, elements
from tests.hw.twins import Pair, Where, cases, hold


@dataclass(frozen=True)
class Widths:
    """Parameters of a PE."""

    group: int
    weight_bits: int
    activation_bits: int
    psum_bits: int

    def arguments(self) -> Mapping[str, object]:
        """Of the PE."""
        return asdict(self)


def _sources(p: Widths, kind: str, rng: random.Random) -> list[Source]:
    index_bits = p.group.bit_length() - 1
    widths = {"slot_i": 1 + index_bits, "write_i": 2 + index_bits, "weight_i": p.weight_bits + index_bits}
    wires: list[Source] = [Wire(port, bits(rng, width)) for port, width in widths.items()]
    wires.append(Wire("bundle_i", elements(rng, p.group, p.activation_bits)))
    wires.append(Wire("psum_i", bits(rng, p.psum_bits)))
    return wires


PE_PAIR = Pair("pe", PE, _sources)


@pytest.mark.parametrize(
    ("widths", "where"),
    cases(
        [Widths(4, 8, 8, 20), Widths(8, 5, 7, 16)],
        [Widths(1, 8, 8, 19), Widths(2, 2, 2, 6), Widths(16, 8, 8, 22), Widths(32, 3, 8, 14)],
    ),
)
def test_pe(widths: Widths, where: Where) -> None:
    hold(PE_PAIR, widths, where)


@pytest.mark.parametrize("group", [0, 3, 12])
def test_group_must_be_a_power_of_two(group: int) -> None:
    with pytest.raises(ValueError, match=f"group must be a power of two, not {group}"):
        PE(group=group, weight_bits=8, activation_bits=8, psum_bits=20)
