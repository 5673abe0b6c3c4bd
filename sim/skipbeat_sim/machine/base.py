"""The base of a run: where in the system's memory the addresses of a program begin."""

from __future__ import annotations

from skipbeat_arch.machine import PAGE_BITS, Machine
from skipbeat_arch.machine_ports import ADDRESS_BITS

#: What the masters leave out of an address, and what they count.
LOWER = (1 << ADDRESS_BITS) - 1


class Base:
    """Twin of the base. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._vector = machine.vector
        self._bus = (1 << machine.hw.memory.address_bits) - 1
        self._counted = (1 << machine.counted_bits) - 1
        self.reset()

    def reset(self) -> None:
        """The base is 0."""
        self._base = 0

    def requested(self, address: int) -> int:
        """A request's address as the masters count it."""
        return (address & -self._vector) + (self._base & LOWER) & self._counted

    def announced(self, address: int) -> int:
        """A burst's address on the bus, from that of a master."""
        return (self._base & ~LOWER) + address & self._bus

    def evaluate(self, read_i: int, write_i: int, reads_i: int, writes_i: int) -> None:
        """Wires."""
        self.read_o, self.write_o = self.requested(read_i), self.requested(write_i)
        self.reads_o, self.writes_o = self.announced(reads_i), self.announced(writes_i)

    def update(self, take_i: bool, page_i: int) -> None:
        """End of the clock."""
        if take_i:
            self._base = page_i << PAGE_BITS
