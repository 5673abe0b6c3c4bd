"""Co-simulation: one program on the RTL, on the cycle model and in the timing model, compared to the bit and clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from skipbeat_arch.command import CoreError
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import PORTS, BoolArray, CoreRun, CoreStimulus
from skipbeat_arch.timing import CoreTiming, Events
from skipbeat_mapper.core_compiler.program import CoreProgram
from skipbeat_mapper.core_compiler.stimulus import collect, stimulus
from skipbeat_sim.core.run_core import run_core

SimulatorName = Literal["verilator", "icarus"]
#: Clocks that a slow simulator runs beyond the model's, so that a late result would be seen.
_MARGIN = 64


class RtlCore(Protocol):
    """A core that runs a stimulus on RTL."""

    def run(self, stimulus: CoreStimulus, trace: bool = False) -> CoreRun:
        """Run from reset and return what left the core, and when."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cosimulation:
    """One program at all levels.

    Attributes:
        y: int32 [P, K] as the RTL produced it; None if it did not finish.
        bit_exact: y equals `x · w` in every bit, and so does the cycle model's.
        ports_agree: RTL and cycle model agree in valid and ready of every port in every clock.
        timing: cycles and events by the timing model; None with idle or back-pressure, which it does not describe.
        events: as the cycle model counted them.
    """

    program: CoreProgram
    rtl: CoreRun
    model: CoreRun
    events: Events
    timing: CoreTiming | None
    y: npt.NDArray[np.int32] | None
    bit_exact: bool
    ports_agree: bool

    @property
    def agrees(self) -> bool:
        """Bits, clocks, ports and events agree at all levels."""
        same = self.bit_exact and self.ports_agree and self.rtl.cycles == self.model.cycles
        if self.timing is None:
            return same
        return same and self.timing.cycles == self.rtl.cycles and self.timing.events == self.events

    def to_json(self) -> dict[str, Any]:
        """The object that `skipbeat cosim --json` prints."""
        program = self.program
        return {
            "hardware": program.hardware.name,
            "gemm": [program.gemm.p, program.gemm.c, program.gemm.k],
            "agrees": self.agrees,
            "bit_exact": self.bit_exact,
            "ports_agree": self.ports_agree,
            "rtl_cycles": self.rtl.cycles,
            "model_cycles": self.model.cycles,
            "timing_cycles": self.timing.cycles if self.timing else None,
            "macs": program.macs,
            "macs_dense": program.gemm.macs,
            "utilization": program.macs / (self.rtl.cycles * program.hardware.pes) if self.rtl.cycles else 0.0,
            "events": self.events.to_json(),
            "rtl_error": CoreError(self.rtl.error).name.lower(),
        }


def cosimulate(
    program: CoreProgram, x: npt.NDArray[np.int8], core: RtlCore, willing: Mapping[str, BoolArray] | None = None
) -> Cosimulation:
    """Run a program on `x` int8 [P, C] everywhere. The cycle model runs first, the RTL from reset.

    Args:
        core: the RTL, generated from `program.hardware`.
        willing: idle and back-pressure by port; ports left out are always willing.
    """
    offered = stimulus(program, x, willing)
    model, events = run_core(program.hardware, offered, trace=True)
    bounded = CoreStimulus(**(vars(offered) | {"max_clocks": model.cycles + _MARGIN}))
    rtl = core.run(bounded, trace=True)
    expected = x.astype(np.int64) @ program.weight.astype(np.int64)
    y = collect(program, rtl.results) if rtl.finished else None
    exact = y is not None and model.finished and np.array_equal(y, expected)
    ideal = all(np.all(pattern) for pattern in offered.willing.values())
    return Cosimulation(
        program=program,
        rtl=rtl,
        model=model,
        events=events,
        timing=program.timing if ideal else None,
        y=y,
        bit_exact=bool(exact and np.array_equal(collect(program, model.results), expected)),
        ports_agree=first_difference(rtl, model) is None,
    )


@cache
def verilog_of(hardware: Hardware) -> str:
    """Verilog of the core, generated once in a process."""
    from skipbeat_hw.tools.verilog import core_verilog

    return core_verilog(hardware)


def rtl_core(hardware: Hardware, simulator: SimulatorName = "verilator", *, cocotb: bool = False) -> RtlCore:
    """The core's RTL in a simulator: compiled by Verilator and driven in bulk, or under cocotb (always, on Icarus).

    Raises:
        InputError: a tool that the simulator needs is missing.
    """
    verilog = verilog_of(hardware)
    if simulator == "icarus" or cocotb:
        from skipbeat_hw.simulation.cocotb_core import CocotbCore

        return CocotbCore(verilog, hardware, simulator)
    from skipbeat_hw.simulation.driver import VerilatedCore

    return VerilatedCore(verilog, hardware)


def first_difference(rtl: CoreRun, model: CoreRun) -> str | None:
    """Where the ports of the two runs first differ, in one line; None if they do not."""
    if rtl.trace is None or model.trace is None:
        raise InputError("first_difference: both runs must have been traced")
    length = min(len(rtl.trace), len(model.trace))
    differing = np.argwhere(rtl.trace[:length] != model.trace[:length])
    if len(differing):
        clock, column = differing[0].tolist()
        port, signal = PORTS[column // 2], ("valid", "ready")[column % 2]
        values = f"{rtl.trace[clock, column]} in the RTL, {model.trace[clock, column]} in the model"
        return f"clock {clock}: {port}.{signal} is {values}"
    if rtl.cycles != model.cycles:
        return f"the RTL ran {rtl.cycles} clocks, the model {model.cycles}"
    return None
