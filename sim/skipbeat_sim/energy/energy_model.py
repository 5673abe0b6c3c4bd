"""The energy of a run: its events, each charged with a figure of a table."""

from __future__ import annotations

from collections.abc import Mapping

from skipbeat_arch.estimate import DramSensitivity
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.timing import Events, MachineEvents

from .charges import DRAM, Charge, charges, dram_bits
from .leakage import leak_power
from .table import EnergyTable

#: The lowest and the highest energy of a DRAM bit that published accelerator models use, in pJ.
DRAM_LOW, DRAM_HIGH = 8.0, 47.0
DRAM_SOURCE = (
    "energies of a DRAM bit in published accelerator models span 8 pJ (LPDDR4 in Accelergy and Sparseloop) to 47 pJ; "
    "Horowitz, ISSCC 2014, has 20 to 41 pJ"
)

LEAKAGE = "leakage"
#: What no table is charged for, whatever its figures.
NEVER_COUNTED = (
    "the clock tree",
    "control: sequencer, engines, instruction queues, address generators",
    "the registers that skew bundles and sums at the array's edges",
)


class EnergyModel:
    """The constants of a table for one hardware description; made once, used for every layer.

    Attributes:
        name: of the table with its technology and source, for a report.
        not_counted: what has no figure in the table, as `component (part)`, and what is never counted.
    """

    def __init__(self, hw: Hardware, table: EnergyTable) -> None:
        everything = charges(hw, table)
        self._charges: tuple[tuple[Charge, float], ...] = tuple(
            (charge, charge.energy) for charge in everything if charge.energy is not None
        )
        self._leak = leak_power(hw, table)
        self._clock_mhz = hw.clock_mhz
        self.name = f"{table.name} ({table.technology}): {table.source}"
        missing = tuple(f"{charge.component} ({charge.part})" for charge in everything if charge.energy is None)
        leaks = "leakage" if self._leak is None else "leakage of all but memories, multipliers and adders"
        self.not_counted = (*missing, leaks, *NEVER_COUNTED)

    def energy(self, events: Events, machine: MachineEvents, cycles: int = 0) -> dict[str, float]:
        """pJ by component; the sum is the run's energy. A component without any figure in the table is left out.

        What leaks in `cycles` clocks depends on the clock's frequency.
        """
        total = {} if self._leak is None else {LEAKAGE: self._leak * cycles / self._clock_mhz}
        for charge, constant in self._charges:
            total[charge.component] = total.get(charge.component, 0.0) + charge.count(events, machine) * constant
        return total

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What a reader of the energies has to know, a sentence each."""
        return (
            f"energy per event is not measured: it is from the table {self.name}",
            f"energy does not count {'; '.join(self.not_counted)}",
        )


def energy(events: Events, machine: MachineEvents, hw: Hardware, table: EnergyTable) -> dict[str, float]:
    """pJ by component of one run; see `EnergyModel`, which is quicker for many."""
    return EnergyModel(hw, table).energy(events, machine)


def dram_sensitivity(energy_pj: Mapping[str, float], machine: MachineEvents) -> DramSensitivity:
    """How a total moves between the lowest and the highest published energy of a DRAM bit.

    Args:
        energy_pj: of a layer or a whole model, by component; its DRAM energy is replaced.
        machine: the same run's events.
    """
    rest = sum(pj for component, pj in energy_pj.items() if component != DRAM)
    bits = dram_bits(machine)
    return DramSensitivity(
        low_pj_per_bit=DRAM_LOW,
        high_pj_per_bit=DRAM_HIGH,
        low_uj=(rest + bits * DRAM_LOW) / 1e6,
        high_uj=(rest + bits * DRAM_HIGH) / 1e6,
        source=DRAM_SOURCE,
    )
