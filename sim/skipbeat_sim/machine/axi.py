"""What the two AXI4 masters and the memory behind them say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from skipbeat_arch.machine import Machine

#: `burst` of an address: incrementing.
INCR = 1
ADDRESS_MASK = (1 << 32) - 1


class Address(NamedTuple):
    """A burst: its address in bytes, its beats less one, log2 of a beat's bytes, and its kind."""

    addr: int
    len: int
    size: int
    burst: int = INCR

    @property
    def beats(self) -> int:
        """Its beats."""
        return self.len + 1


class ReadBeat(NamedTuple):
    """A beat of read data; `resp` has bit 1 set if it failed."""

    data: int
    resp: int
    last: bool


class WriteBeat(NamedTuple):
    """A beat of write data; `strb` has a bit for each byte."""

    data: int
    strb: int
    last: bool


class WriteResponse(NamedTuple):
    """The answer to a burst; `resp` has bit 1 set if it failed."""

    resp: int


@dataclass(slots=True)
class Request:
    """Vectors from or to memory; `start` is the first one's place in the output memory (writes only)."""

    address: int
    count: int
    start: int = 0


class Beat(NamedTuple):
    """A vector from memory; `final`: the last of its request."""

    data: int
    final: bool


def next_burst(machine: Machine, address: int, left: int) -> Address:
    """The next burst: none crosses a multiple of the longest burst."""
    beats = min(left, machine.burst_beats - address // machine.beat_bytes % machine.burst_beats)
    return Address(address, beats - 1, machine.beat_bytes.bit_length() - 1)
