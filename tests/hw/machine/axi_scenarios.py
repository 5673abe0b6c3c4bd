"""Programs for the accelerator, with the memory and the counts that they must leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.registers import Counter

#: Environment variables that name the folder of the prepared programs, and the bytes of the port.
FOLDER_VARIABLE, PORT_VARIABLE = "SKIPBEAT_AXI_SCENARIOS", "SKIPBEAT_AXI_PORT"
#: The counts that do not depend on the memory's speed.
TIMELESS = (Counter.COMPUTE, *(counter for counter in Counter if counter >= Counter.READ_BEATS))


def hardware(port: str = "null") -> Hardware:
    """One that other tests compile too, but for the bytes of its port."""
    return load_hardware("tiny-4x4", ["accumulators.depth=128", f"memory.port_bytes={port}"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenario:
    """A program, its memory uint8 [bytes] before and after, and the counts of `TIMELESS`."""

    SIZE: ClassVar[int] = 1 << 19
    address: int
    count: int
    before: Bytes
    after: Bytes
    counters: dict[Counter, int]

    def save(self, folder: Path, name: str) -> None:
        """Write it to a file."""
        counts = np.array([self.counters[counter] for counter in TIMELESS])
        np.savez(
            folder / f"{name}.npz",
            allow_pickle=False,
            before=self.before,
            after=self.after,
            program=np.array([self.address, self.count]),
            counts=counts,
        )

    @classmethod
    def load(cls, folder: str | Path, name: str) -> Scenario:
        """Inverse of `save`."""
        with np.load(Path(folder) / f"{name}.npz") as file:
            address, count = file["program"].tolist()
            return cls(
                address=address,
                count=count,
                before=file["before"],
                after=file["after"],
                counters=dict(zip(TIMELESS, file["counts"].tolist(), strict=True)),
            )
