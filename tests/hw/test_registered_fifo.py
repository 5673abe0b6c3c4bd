# amaranth: UnusedElaboratable=no
"""The FIFO with a registered head, beside Amaranth's own: every signal of both, in every clock."""

from __future__ import annotations

import random

import pytest
from amaranth import Module
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, Out

from skipbeat_hw.registered_fifo import RegisteredFifo
from tests.hw.in_process import converted, simulate


class Ported(Component):
    """A FIFO of bytes with its signals as ports."""

    def __init__(self, fifo: SyncFIFO) -> None:
        self.fifo, level = fifo, range(fifo.depth + 1)
        ports = {"w_en": In(1), "w_data": In(8), "r_en": In(1), "w_rdy": Out(1), "r_rdy": Out(1), "r_data": Out(8)}
        super().__init__(ports | {name: Out(level) for name in ("level", "w_level", "r_level")})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.fifo = self.fifo
        for name, member in self.signature.members.items():
            ours, its = getattr(self, name), getattr(self.fifo, name)
            m.d.comb += its.eq(ours) if member.flow == In else ours.eq(its)
        return m


@pytest.mark.parametrize(("puts", "gets"), [(0.5, 0.5), (0.9, 0.3), (0.3, 0.9), (1.0, 1.0)])
@pytest.mark.parametrize("depth", [2, 8])
def test_it_shows_what_a_sync_fifo_shows(depth: int, puts: float, gets: float) -> None:
    shows_what_a_sync_fifo_shows(RegisteredFifo, depth, puts, gets)


def shows_what_a_sync_fifo_shows(fifo: type[SyncFIFO], depth: int, puts: float, gets: float) -> None:
    """With so many of the clocks in which something is put in, and in which something is wanted."""
    rng, clocks = random.Random(5), 200
    inputs = {name: [int(rng.random() < of) for _ in range(clocks)] for name, of in (("w_en", puts), ("r_en", gets))}
    inputs["w_data"] = [rng.getrandbits(8) for _ in range(clocks)]
    outputs = ["w_rdy", "r_rdy", "r_data", "level", "w_level", "r_level"]
    ours, theirs = (simulate(Ported(kind(width=8, depth=depth)), inputs, outputs) for kind in (fifo, SyncFIFO))
    for seen in (ours, theirs):
        seen["r_data"] = [data if there else None for data, there in zip(seen["r_data"], seen["r_rdy"], strict=True)]
    assert ours == theirs


def test_verilog() -> None:
    assert "module fifo(" in converted(Ported(RegisteredFifo(width=8, depth=4)), "fifo")


@pytest.mark.parametrize("depth", [0, 1, 6])
def test_depth_is_a_power_of_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be a power of two from 2 on, not {depth}"):
        RegisteredFifo(width=8, depth=depth)
