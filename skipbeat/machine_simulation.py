"""A whole network by its program: on the machine's RTL and its cycle model, compared in bits, clocks and counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import Engine, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.registers import Counter
from skipbeat_arch.tensor_layout import tensor_bytes
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_sim.machine.runner import MachineModelRun, run_machine

#: Clocks per instruction and per byte of memory after which a run is given up.
_CLOCKS_PER_INSTRUCTION, _CLOCKS = 100_000, 1_000_000
#: From a beat on the bus to the clock in which the writer knows of the response to it.
_WRITE_DONE = 2


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """Clocks from the end of the layer before to the end of this one, its last write; `rtl` None: not run."""

    name: str
    rtl: int | None
    model: int

    @property
    def agrees(self) -> bool:
        """RTL and cycle model took the same clocks."""
        return self.rtl is None or self.rtl == self.model


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageRun:
    """One image at all levels; `rtl` None: not run there. `bit_exact` is about every level that ran."""

    program: MachineProgram
    model: MachineModelRun
    rtl: MachineRun | None
    bit_exact: bool

    @property
    def layers(self) -> list[LayerCycles]:
        """The layers in the order in which they ran."""
        model = _ends_on_model(self.program, self.model)
        rtl = [clock + _WRITE_DONE for clock in self.rtl.last_write] if self.rtl else None
        return [
            LayerCycles(
                name=step.name,
                model=model[i] - (model[i - 1] if i else 0),
                rtl=None if rtl is None else rtl[i] - (rtl[i - 1] if i else 0),
            )
            for i, step in enumerate(self.program.steps)
        ]

    @property
    def counters_agree(self) -> bool:
        """The RTL's performance counters are the model's counts, each of them."""
        return self.rtl is None or self.rtl.counters == expected_counters(self.model, self.program.vector)

    @property
    def agrees(self) -> bool:
        """Bits, cycles, layers and counters agree, and the program came to its end."""
        ended = (
            self.model.done and not self.model.error and (self.rtl is None or (self.rtl.done and not self.rtl.error))
        )
        same = self.rtl is None or self.rtl.cycles == self.model.cycles
        return ended and same and self.bit_exact and self.counters_agree and all(layer.agrees for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """One image's part of what `skipbeat simulate --json` prints."""
        return {
            "agrees": self.agrees,
            "bit_exact": self.bit_exact,
            "counters_agree": self.counters_agree,
            "rtl_cycles": self.rtl.cycles if self.rtl else None,
            "model_cycles": self.model.cycles,
            "bytes_read": self.model.bytes_read,
            "bytes_written": self.model.bytes_written,
            "layers": [{"name": x.name, "rtl_cycles": x.rtl, "model_cycles": x.model} for x in self.layers],
        }


def run_image(
    program: MachineProgram, machine: Machine, image: npt.NDArray[np.int8], expected: npt.NDArray[np.integer],
    rtl: VerilatedMachine | None,
) -> ImageRun:  # fmt: skip
    """Run a program on an image int8 [C, H, W]; `expected` is its output, int32 [K, H, W] or int8."""
    memory = program.memory()
    program.write_input(memory, image)
    max_clocks = _CLOCKS + program.count * _CLOCKS_PER_INSTRUCTION
    model = run_machine(machine, memory, program.address, program.count, max_clocks=max_clocks)
    exact = np.array_equal(program.read_output(model.memory), expected)
    ran = None
    if rtl is not None:
        regions = [_bytes_of(program, step.name) for step in program.steps]
        ran = rtl.run(memory, program.address, program.count, max_clocks=model.cycles + 1000, regions=regions)
        exact &= np.array_equal(program.read_output(ran.memory), expected)
    return ImageRun(program=program, model=model, rtl=ran, bit_exact=exact)


def machine_rtl(hardware: Hardware) -> VerilatedMachine:
    """The machine's RTL, compiled by Verilator.

    Raises:
        InputError: hardware that the accelerator does not support, or a missing tool.
    """
    from skipbeat_hw.verilog import machine_verilog

    machine = Machine.of(hardware)
    return VerilatedMachine(machine_verilog(machine), machine)


def expected_counters(model: MachineModelRun, vector: int) -> dict[Counter, int]:
    """What the RTL's counters must hold after the run that the model describes; they start a clock after the start."""
    clocks, events = model.clocks, model.events
    return {
        Counter.CYCLES: model.cycles - 1,
        Counter.IDLE: clocks.idle - 1,
        Counter.COMPUTE: clocks.compute,
        Counter.TILE_WAIT: clocks.tile_wait,
        Counter.HAZARD: clocks.hazard,
        Counter.ACTIVATION_WAIT: clocks.activation_wait,
        Counter.OUTPUT_WAIT: clocks.output_wait,
        Counter.READ_VECTORS: model.bytes_read // vector,
        Counter.WRITE_VECTORS: model.bytes_written // vector,
        Counter.BUNDLE_READS: events.bundle_reads,
        Counter.ACCUMULATOR_READS: events.accumulator_reads // vector,
        Counter.ACCUMULATOR_WRITES: events.accumulator_writes // vector,
        Counter.RESULTS: events.results // vector,
        Counter.SLOT_WRITES: events.weight_slot_writes // vector,
        Counter.ROWS_DECODED: events.groups_decoded // vector,
        Counter.METADATA_WORDS: events.metadata_bits // (8 * vector),
        Counter.VALUE_WORDS: events.value_bits // (8 * vector),
    }


def _bytes_of(program: MachineProgram, name: str) -> tuple[int, int]:
    """First byte, and the one after the last, of the tensor that a step writes."""
    place = next(tensor for tensor in program.tensors if tensor.name == name)
    return place.address, place.address + tensor_bytes(place.shape, program.vector, raw=place.raw)


def _ends_on_model(program: MachineProgram, model: MachineModelRun) -> list[int]:
    """Clock in which the last write of each step's output was done."""
    stores = [span for span in model.spans[Engine.STORE] if span.opcode == Opcode.STORE]
    instructions, ends, done = program.instructions, [], 0
    for step in program.steps:
        done += sum(i.opcode == Opcode.STORE for i in instructions[step.start : step.stop])
        finished = stores[done - 1].finished if done <= len(stores) else None
        ends.append(model.cycles if finished is None else finished)
    return ends
