"""Networks that machine and host run together: each program at all levels, and the logits against the oracle's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.mixed import Integers, MixedNetwork
from skipbeat_models.torch_types import Tensor

from .machine_simulation import Output, ProgramRun, run_images


@dataclass(kw_only=True, eq=False)
class MixedSimulation:
    """Runs the programs of a mixed network, one after the other, as the host asks for them.

    Attributes:
        rtl: the machine's RTL; None: only the models run.
        runs: of each program so far; programs: of the last call, in order.
        logits_exact: whether every call gave the oracle's logits, bit for bit.
    """

    hardware: Hardware
    rtl: VerilatedMachine | None
    cycle_model: bool
    runs: list[ProgramRun] = field(default_factory=list)
    programs: list[MachineProgram] = field(default_factory=list)
    logits_exact: bool = True

    def run(self, network: MixedNetwork, given: Tensor) -> None:
        """Run the network on one input; what programs give on the RTL, if there is one, is what the host goes on with.

        Raises:
            InputError: a program that does not fit the hardware.
        """
        self.programs.clear()
        self.logits_exact &= bool(np.array_equal(network.run([given], self._execute), network.run([given])))

    def _execute(self, graph: Graph, x: Int8Array) -> Integers:
        program = compile_network(graph, self.hardware)
        expected = run_graph(graph, x[None])[graph.output]
        found: list[Output] = []
        run = run_images(
            program, Machine.of(self.hardware), x[None], expected, self.rtl, cycle_model=self.cycle_model, outputs=found
        )
        self.runs.append(run)
        self.programs.append(program)
        return found[0] if found else expected[0]
