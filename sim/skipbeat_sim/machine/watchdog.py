"""The watchdog: a run that does not move any more ends."""

from __future__ import annotations

from skipbeat_arch.depths import patience
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError


class Watchdog:
    """Twin of the watchdog.

    Attributes:
        error_o: DEADLOCK if nothing moved for too long before this clock, and since.
        longest: the most clocks in a row without a move, so far.
    """

    def __init__(self, machine: Machine) -> None:
        self._patience = patience(machine.hw)
        self.longest = 0
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._moved = False
        self._still = 0
        self.error_o = MachineError.NONE

    def update(self, moves_i: bool) -> None:
        """End of the clock."""
        self._still = 0 if self._moved else min(self._still + 1, self._patience - 1)
        self.longest = max(self.longest, self._still)
        self._moved = moves_i
        late = not moves_i and self._still == self._patience - 1
        self.error_o = MachineError.DEADLOCK if late else MachineError.NONE
