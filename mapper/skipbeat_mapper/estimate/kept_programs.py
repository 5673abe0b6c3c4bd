"""Placements and programs that a process keeps from run to run, so that another latency of the memory costs little."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine

from ..rearranging.placements import Placement
from ..search.known_programs import KnownPrograms

#: Operations of all programs that are kept; those of the runs that were unused for longest go first.
MOST = 1_200_000


class KnownRun:
    """What is known of a run on hardware that differs in its memory's latency alone.

    Args:
        most: operations that are kept.

    Attributes:
        programs: of the run.
    """

    def __init__(self, most: int = 0) -> None:
        self.programs = KnownPrograms(most, short=True)
        self._placements: list[Placement] | None = None

    def placements(self, machine: Machine, make: Callable[[], list[Placement]]) -> list[Placement]:
        """The run's network in all its placements on this machine, or what `make` finds."""
        if self._placements is None:
            self._placements = make()
        return [each.on(machine) for each in self._placements]


class KeptPrograms:
    """Runs by their content and hardware. Threads may share it."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], KnownRun] = {}
        self._lock = Lock()

    def of(self, hw: Hardware, content: str) -> KnownRun:
        """What is known of a run.

        Args:
            hw: the hardware; its memory's latency, and how many bursts that has at once, do not matter.
            content: of the run, equal for equal ones only.
        """
        sizes = hw.sizes
        memory = {key: value for key, value in sizes["memory"].items() if key not in ("latency_clocks", "outstanding")}
        key = json.dumps(sizes | {"memory": memory}, sort_keys=True), content
        with self._lock:
            found = self._held.pop(key, None) or KnownRun(MOST)
            while sum(each.programs.operations for each in self._held.values()) >= MOST:
                del self._held[next(iter(self._held))]
            self._held[key] = found
        return found
