"""Networks that machine and host run together: each program at all levels, and the logits against the oracle's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.compile import compile_network
from skipbeat_models.mixed import Integers
from skipbeat_models.mixed_steps import Step
from skipbeat_models.quantise_mixed import QuantisedMixed

from .machine_simulation import Output, ProgramRun, run_images


@dataclass(kw_only=True, eq=False)
class MixedSimulation:
    """Runs the programs of a mixed network, one after the other, as the host asks for them.

    Attributes:
        rtl: the machine's RTL; None: only the models run.
        runs: of each program so far; programs: of the last call, in order.
        logits_exact: whether every call gave the oracle's logits, bit for bit.
    """

    quantised: QuantisedMixed
    hardware: Hardware
    rtl: VerilatedMachine | None
    cycle_model: bool
    runs: list[ProgramRun] = field(default_factory=list)
    programs: list[MachineProgram] = field(default_factory=list)
    logits_exact: bool = True

    def run(self, given: Sequence[object]) -> None:
        """Run the network on one input; what programs give on the RTL, if there is one, is what the host goes on with.

        Raises:
            InputError: a program that does not fit the hardware.
        """
        self.programs.clear()
        network = self.quantised.network
        found, expected = network.run(given, self._execute), network.run(given, self.quantised.on_oracle)
        self.logits_exact &= bool(np.array_equal(found, expected, equal_nan=True))

    def _execute(self, step: Step, x: Int8Array, weight: Int8Array | None) -> Integers:
        program = compile_network(self.quantised.graph(step, weight), self.hardware)
        expected = self.quantised.on_oracle(step, x, weight)[None]
        found: list[Output] = []
        run = run_images(
            program, Machine.of(self.hardware), x[None], expected, self.rtl, cycle_model=self.cycle_model, outputs=found
        )
        self.runs.append(run)
        self.programs.append(program)
        return found[0] if found else expected[0]
