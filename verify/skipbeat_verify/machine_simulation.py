"""A whole network by its program: on the RTL, on the cycle model and in the timing model, compared in everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, Int32Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.extras import require_packages
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.registers import Cause, Counter
from skipbeat_hw.simulation.activity import Activity
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_mapper.search.timed_network import part_ends
from skipbeat_sim.machine.memories import Memories
from skipbeat_sim.machine.run_machine import MachineModelRun, run_machine
from skipbeat_sim.timing.machine_timing import columns_timing
from skipbeat_sim.timing.stored_tiles import program_columns

from .core_counters import core_counters
from .core_program import CoreProgram

#: Clocks that the RTL may run beyond the predicted ones, so that a late end is seen.
_MARGIN = 1000

Output = Int8Array | Int32Array


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one level says of a run.

    Attributes:
        cycles: from the start pulse to the first idle clock.
        counters: the performance counters, which start a clock after the start pulse.
        ends: for each part of a layer, the clock in which its last output left the output stage; the last one's is the
            end of the run.
    """

    cycles: int
    counters: dict[Counter, int]
    ends: tuple[int, ...]

    @property
    def parts(self) -> tuple[int, ...]:
        """Cycles of each part: from the end of the one before it to its own."""
        return tuple(end - start for start, end in zip((0, *self.ends), self.ends, strict=False))


@dataclass(frozen=True)
class Noted:
    """Of what a run rounds at random: bits of the largest magnitude (PEAK), and bytes that are clipped (CLIPS)."""

    bits: int = 0
    clips: int = 0


NOTHING = Noted()


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramRun:
    """One run of a program, for all its images, at all levels; `model` and `rtl` are None where they were not run.

    Attributes:
        names: the layer of each part of the program, in the order in which they run.
        bit_exact: every level that computes gave the oracle's bits, for every image; None if none was run.
        noted: what the RTL, or else the cycle model, says of stochastic bytes; None if none was run.
        ended: every level that computes came to the program's end without an error; None if none was run.
    """

    names: tuple[str, ...]
    timing: Counts
    model: Counts | None
    rtl: Counts | None
    bit_exact: bool | None
    ended: bool | None
    noted: Noted | None = None

    @property
    def agrees(self) -> bool | None:
        """Bits, cycles, layers and counters agree at all levels that ran; None if none but the timing model did."""
        ran = [counts for counts in (self.model, self.rtl) if counts is not None]
        if not ran:
            return None
        return bool(self.bit_exact and self.ended) and all(counts == self.timing for counts in ran)

    def utilization(self, macs: int, hw: Hardware) -> float:
        """Share of the clocks of all multipliers in which so many products with a nonzero weight were made."""
        cycles = (self.rtl or self.timing).cycles
        return macs / (cycles * hw.pes) if cycles else 0.0

    def layers(self, counts: Counts) -> dict[str, int]:
        """Cycles of each layer that one level says: the sum of its parts."""
        cycles = dict.fromkeys(self.names, 0)
        for name, part in zip(self.names, counts.parts, strict=True):
            cycles[name] += part
        return cycles

    def to_json(self) -> dict[str, Any]:
        """One run's part of what `skipbeat simulate --json` prints."""
        levels = {"rtl": self.rtl, "model": self.model, "timing": self.timing}
        cycles = {level: self.layers(counts) if counts else None for level, counts in levels.items()}
        layers = [
            {"name": name} | {f"{level}_cycles": each[name] if each else None for level, each in cycles.items()}
            for name in dict.fromkeys(self.names)
        ]
        return {
            "agrees": self.agrees,
            "bit_exact": self.bit_exact,
            **{f"{level}_cycles": counts.cycles if counts else None for level, counts in levels.items()},
            "counters": {counter.name.lower(): value for counter, value in self.timing.counters.items()},
            "layers": layers,
        }


def run_images(
    program: MachineProgram,
    machine: Machine,
    images: Int8Array,
    expected: Output,
    rtl: VerilatedMachine | None,
    *,
    operands: Int8Array | None = None,
    given: Mapping[str, Int8Array] | None = None,
    noted: Noted = NOTHING,
    timing: Counts | None = None,
    cycle_model: bool = True,
    memories: Memories | None = None,
    again: bool = False,
    outputs: list[Output] | None = None,
) -> ProgramRun:
    """Run a program on its images int8 [N, C, H, W]; `expected` are their outputs, int32 or int8 [N, K, H, W].

    Products of two activations are given their `operands` int8 [N, C, K] too, and a graph with other inputs their
    values int8 [N, K, H, W] as `given`. `noted` is what must be said of stochastic bytes. `timing` is the prediction.
    What the RTL, or else the cycle model, leaves in memory for each image is added to `outputs`.

    Args:
        memories: of the cycle model's chip, which go on from run to run as those of the RTL do; None: new ones.
        again: the run before was of the same program, and this one relies on what it left there.

    Raises:
        InputError: not as many images as the program is for, or `again` of a program whose runs load everything.
    """
    if len(images) != program.images:
        raise InputError(f"program: it is for {program.images} images, not {len(images)}")
    memory = _filled(program, images, operands, given or {})
    run, left = run_memory(
        program,
        machine,
        memory,
        partial(_is_expected, program, expected=expected),
        rtl,
        noted=noted,
        timing=timing,
        cycle_model=cycle_model,
        memories=memories,
        again=again,
    )
    if outputs is not None and left is not None:
        outputs += [program.read_output(left, number) for number in range(program.images)]
    return run


def run_memory(
    program: MachineProgram,
    machine: Machine,
    memory: Bytes,
    expected: Callable[[Bytes], bool],
    rtl: VerilatedMachine | None,
    *,
    noted: Noted = NOTHING,
    timing: Counts | None = None,
    cycle_model: bool = True,
    memories: Memories | None = None,
    again: bool = False,
) -> tuple[ProgramRun, Bytes | None]:
    """Run a program on a memory; also what the RTL, or else the cycle model, leaves. `expected`: whether that is right.

    The other arguments are those of `run_images`.
    """
    timing, code = timing or predicted(program, machine, again=again), program.code(again=again)
    exact, ended = list[bool](), list[bool]()
    model = ran = left = said = None
    if cycle_model:
        most = timing.cycles + _MARGIN
        run = run_machine(machine, memory, code.address, code.count, max_clocks=most, memories=memories)
        left, said = run.memory, Noted(run.bits, run.clips)
        exact.append(expected(left) and said == noted)
        ended.append(run.done and not run.error)
        model = _of_model(program, machine, run, again=again)
    if rtl is not None:
        real = rtl.run(memory, code.address, code.count, max_clocks=timing.cycles + _MARGIN)
        left, said = real.memory, Noted(real.bits, real.clips)
        exact.append(expected(left) and said == noted)
        ended.append(real.done and not real.error)
        ran = _of_rtl(program, machine, real, again=again)
    found = ProgramRun(
        names=tuple(node.name for node in code.nodes),
        timing=timing,
        model=model,
        rtl=ran,
        bit_exact=all(exact) if exact else None,
        ended=all(ended) if ended else None,
        noted=said,
    )
    return found, left


def _filled(
    program: MachineProgram, images: Int8Array, operands: Int8Array | None, given: Mapping[str, Int8Array]
) -> Bytes:
    """The memory before a run."""
    memory = program.memory()
    for number, image in enumerate(images):
        program.write_input(memory, image, number)
    for number, weight in enumerate(() if operands is None else operands):
        program.write_operand(memory, weight, number)
    for name, values in given.items():
        for number, value in enumerate(values):
            program.write_tensor(memory, name, value, number)
    return memory


def run_gemm(program: CoreProgram, rtl: VerilatedMachine) -> tuple[ProgramRun, Int32Array]:
    """Run a GEMM's whole program, and return also the product int32 [P, K] that the RTL left in memory."""
    x, w = program.x.astype(np.int64), program.w.astype(np.int64)
    image, expected = program.x.T[None, :, None], (x @ w).T[None, :, None].astype(np.int32)
    found: list[Output] = []
    run = run_images(
        program.machine_program, Machine.of(program.hardware), np.ascontiguousarray(image), expected, rtl, outputs=found
    )
    return run, np.ascontiguousarray(found[0][:, 0].T.astype(np.int32))


def _is_expected(program: MachineProgram, memory: Bytes, expected: Output) -> bool:
    return all(np.array_equal(program.read_output(memory, i), each) for i, each in enumerate(expected))


def machine_rtl(hardware: Hardware, activity: Activity | None = None) -> VerilatedMachine:
    """The machine's RTL, compiled by Verilator; with `activity`, the nets of its first run are written.

    Raises:
        InputError: hardware that the accelerator does not support, or a missing tool.
    """
    require_packages("to run the RTL", "amaranth", extra="rtl")
    from skipbeat_hw.tools.verilog import machine_verilog

    machine = Machine.of(hardware)
    return VerilatedMachine(machine_verilog(machine), machine, activity)


def predicted(program: MachineProgram, machine: Machine, *, again: bool = False) -> Counts:
    """What the timing model says, without running anything; `again`: of a run right after another one."""
    columns = program_columns(program, machine, again=again)
    timing = columns_timing(machine, columns, address=program.code(again=again).address)
    counters = core_counters(timing.cycles, timing.clocks, timing.events, machine.vector)
    counters |= {
        Counter.READ_BEATS: timing.bytes_read // machine.beat_bytes,
        Counter.WRITE_BEATS: timing.bytes_written // machine.beat_bytes,
    }
    ends = _ends(program, machine, timing.stored, timing.cycles, again=again)
    return Counts(cycles=timing.cycles, counters=counters, ends=ends)


def model_counters(run: MachineModelRun, machine: Machine) -> dict[Counter, int]:
    """The performance counters as a run of the cycle model has them."""
    clocks = {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause}
    return core_counters(run.cycles, clocks, run.events, machine.vector) | {
        Counter.READ_BEATS: run.bytes_read // machine.beat_bytes,
        Counter.WRITE_BEATS: run.bytes_written // machine.beat_bytes,
    }


def _of_model(program: MachineProgram, machine: Machine, run: MachineModelRun, *, again: bool) -> Counts:
    ends = _ends(program, machine, run.stored, run.cycles, again=again)
    return Counts(cycles=run.cycles, counters=model_counters(run, machine), ends=ends)


def _of_rtl(program: MachineProgram, machine: Machine, run: MachineRun, *, again: bool) -> Counts:
    ends = _ends(program, machine, run.stored, run.cycles, again=again)
    return Counts(cycles=run.cycles, counters=run.counters, ends=ends)


def _ends(
    program: MachineProgram, machine: Machine, stored: Sequence[int], cycles: int, *, again: bool
) -> tuple[int, ...]:
    stores = program_columns(program, machine, again=again).stores
    return part_ends(program.code(again=again).nodes, stores, stored, cycles)
