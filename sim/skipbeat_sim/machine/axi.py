"""What the two AXI4 masters and the memory behind them say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from skipbeat_arch.machine import Machine

#: `burst` of an address: incrementing.
INCR = 1
ADDRESS_MASK = (1 << 32) - 1


class Address(NamedTuple):
    """A burst's address in bytes, and its beats."""

    address: int
    beats: int


class ReadBeat(NamedTuple):
    """A beat of read data; `resp` has bit 1 set if it failed."""

    data: int
    resp: int
    last: bool


class WriteBeat(NamedTuple):
    """A beat of write data."""

    data: int
    last: bool


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


def next_burst(machine: Machine, address: int, left: int) -> int:
    """Beats of the next burst: none crosses a multiple of the longest burst."""
    return min(left, machine.burst_beats - address // machine.beat_bytes % machine.burst_beats)


def address_ports(channel: str, burst: Address | None, machine: Machine) -> dict[str, int]:
    """The master's ports of an address channel, `ar` or `aw`; 0 while there is nothing."""
    address, beats = burst or (0, 1)
    return {
        f"bus__{channel}valid": int(burst is not None),
        f"bus__{channel}addr": address,
        f"bus__{channel}len": beats - 1,
        f"bus__{channel}size": machine.beat_bytes.bit_length() - 1,
        f"bus__{channel}burst": INCR,
    }
