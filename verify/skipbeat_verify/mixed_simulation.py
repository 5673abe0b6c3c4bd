"""Networks that machine and host run together: each program at all levels, and the logits against the oracle's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from skipbeat_arch.arrays import FloatArray, Int8Array
from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.progress import part
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.compile import compile_network, compile_products
from skipbeat_models.mixed import Integers
from skipbeat_models.mixed_steps import ProductStep, Step
from skipbeat_sim.machine.memories import Memories

from .machine_simulation import Counts, Output, ProgramRun, run_images

if TYPE_CHECKING:  # it imports export, a second
    from skipbeat_models.quantise_mixed import QuantisedMixed


@dataclass(kw_only=True, eq=False)
class MixedSimulation:
    """Runs the programs of a mixed network, one after the other, as the host asks for them.

    Attributes:
        rtl: the machine's RTL; None: only the models run.
        programs: of the steps that ran, by their names.
        runs: of each program so far. ran: the steps of the last call, in order.
        kept: for each of these, whether it found its weights on the chip, from the run before.
        logits: float64, of each call. logits_exact: whether they were the oracle's, bit for bit.
    """

    quantised: QuantisedMixed
    hardware: Hardware
    rtl: VerilatedMachine | None
    cycle_model: bool
    effort: Effort = Effort.NORMAL
    runs: list[ProgramRun] = field(default_factory=list)
    programs: dict[str, MachineProgram] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)
    logits: list[FloatArray] = field(default_factory=list)
    logits_exact: bool = True
    _timings: dict[tuple[str, bool], Counts] = field(default_factory=dict, init=False, repr=False)
    _memories: Memories = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._memories = Memories(Machine.of(self.hardware))

    def run(self, given: Sequence[object]) -> None:
        """Run the network on one input; the host goes on with what programs give on the RTL, or else the cycle model.

        Raises:
            InputError: a program that does not fit the hardware.
        """
        self.ran.clear()
        self.kept.clear()
        network = self.quantised.network
        found, expected = network.run(given, self._execute), network.run(given, self.quantised.on_oracle)
        self.logits.append(found)
        self.logits_exact &= bool(np.array_equal(found, expected, equal_nan=True))

    def _execute(self, step: Step, x: Int8Array, weight: Int8Array | None) -> Integers:
        left = sum(each.repeats for each in self.quantised.network.steps) - len(self.ran)
        with part(1 / max(1, left), step.name):
            return self._run(step, x, weight)

    def _run(self, step: Step, x: Int8Array, weight: Int8Array | None) -> Integers:
        if step.name not in self.programs:
            self.programs[step.name] = compile_step(self.quantised, step, self.hardware, self.effort)
        program, expected = self.programs[step.name], self.quantised.on_oracle(step, x, weight)
        again = program.again is not None and self.ran[-1:] == [step.name]
        found: list[Output] = []
        run = run_images(
            program,
            Machine.of(self.hardware),
            x,
            expected,
            self.rtl,
            operands=weight,
            timing=self._timings.get((step.name, again)),
            cycle_model=self.cycle_model,
            memories=self._memories,
            again=again,
            outputs=found,
        )
        self._timings[step.name, again] = run.timing
        self.runs.append(run)
        self.ran.append(step.name)
        self.kept.append(again)
        if not found:
            return expected
        return np.array(found, np.int32) if program.output.raw else np.array(found, np.int8)


def compile_step(
    quantised: QuantisedMixed, step: Step, hardware: Hardware, effort: Effort = Effort.NORMAL
) -> MachineProgram:
    """The program of a step of a mixed network, with what its numbers mean.

    Raises:
        InputError: it does not fit the hardware.
    """
    graph = quantised.graphs[step.name]
    scales = {graph.input: step.scale, graph.output: step.out_scale}
    if isinstance(step, ProductStep):
        return compile_products(graph, hardware, step.products, scales=scales, effort=effort)
    names = [each.name for each in quantised.network.steps]
    again = (step.name, step.name) in pairwise(names)  # steps of a recurrent layer
    return compile_network(graph, hardware, effort=effort, scales=scales, again=again)
