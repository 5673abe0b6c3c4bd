"""Co-simulation: the same passes on the core's RTL, cycle model and timing model, compared to the bit and clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int32Array
from skipbeat_arch.command import CoreError
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import PORTS, CoreRun, CoreStimulus
from skipbeat_arch.timing import CoreTiming, Events
from skipbeat_sim.core.run_core import run_core
from skipbeat_sim.timing.core_timing import core_timing

from .core_program import CoreProgram
from .core_streams import CoreStreams

SimulatorName = Literal["verilator", "icarus"]
#: Clocks that a slow simulator runs beyond the model's, so that a late result would be seen.
_MARGIN = 64


class RtlCore(Protocol):
    """A core that runs a stimulus on RTL."""

    def run(self, stimulus: CoreStimulus, trace: bool = False) -> CoreRun:
        """Run from reset and return what left the core, and when."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cosimulation:
    """Passes of a core at all levels.

    Attributes:
        bit_exact: the sums of RTL and cycle model equal those of integer arithmetic in every bit.
        ports_agree: RTL and cycle model agree in valid and ready of every port in every clock.
        timing: cycles and events by the timing model; None with idle or back-pressure, which it does not describe.
        events: as the cycle model counted them.
    """

    streams: CoreStreams
    rtl: CoreRun
    model: CoreRun
    events: Events
    timing: CoreTiming | None
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
        """What the levels said, as `skipbeat cosim --json` prints it."""
        hw, macs = self.streams.hardware, self.events.macs
        return {
            "hardware": hw.name,
            "agrees": self.agrees,
            "bit_exact": self.bit_exact,
            "ports_agree": self.ports_agree,
            "rtl_cycles": self.rtl.cycles,
            "model_cycles": self.model.cycles,
            "timing_cycles": self.timing.cycles if self.timing else None,
            "macs": macs,
            "utilization": macs / (self.rtl.cycles * hw.pes) if self.rtl.cycles else 0.0,
            "events": self.events.to_json(),
            "rtl_error": CoreError(self.rtl.error).name.lower(),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Modelled:
    """What the models say of passes, and what the RTL is to be offered."""

    streams: CoreStreams
    model: CoreRun
    events: Events
    timing: CoreTiming | None
    offered: CoreStimulus

    def compared(self, rtl: CoreRun) -> Cosimulation:
        """All levels."""
        return Cosimulation(
            streams=self.streams,
            rtl=rtl,
            model=self.model,
            events=self.events,
            timing=self.timing,
            bit_exact=all(run.finished and np.array_equal(run.results, self.streams.sums) for run in (rtl, self.model)),
            ports_agree=first_difference(rtl, self.model) is None,
        )


def modelled(streams: CoreStreams, willing: Mapping[str, BoolArray] | None = None) -> Modelled:
    """Passes on the models; `willing` as for `cosimulate`."""
    offered = streams.stimulus(willing)
    model, events = run_core(streams.hardware, offered, trace=True)
    ideal = all(np.all(pattern) for pattern in offered.willing.values())
    return Modelled(
        streams=streams,
        model=model,
        events=events,
        timing=core_timing(streams.commands, streams.tiles, streams.hardware) if ideal else None,
        offered=replace(offered, max_clocks=model.cycles + _MARGIN),
    )


def cosimulate(streams: CoreStreams, core: RtlCore, willing: Mapping[str, BoolArray] | None = None) -> Cosimulation:
    """Offer the same streams to every level. The cycle model runs first, the RTL from reset.

    Args:
        core: the RTL, generated from `streams.hardware`.
        willing: idle and back-pressure by port; ports left out are always willing.
    """
    found = modelled(streams, willing)
    return found.compared(core.run(found.offered, trace=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class GemmCosimulation:
    """A GEMM's program of the machine on the core: its passes at all levels, and the product that came out.

    Attributes:
        y: int32 [P, K] as the RTL produced it; None if it did not finish.
        bit_exact: y equals `x · w` in every bit, and every sum under way is right.
    """

    program: CoreProgram
    core: Cosimulation
    y: Int32Array | None
    bit_exact: bool

    @property
    def agrees(self) -> bool:
        """Bits, clocks, ports and events agree at all levels."""
        return self.bit_exact and self.core.agrees

    def to_json(self) -> dict[str, Any]:
        """The object that `skipbeat cosim --json` prints."""
        gemm = self.program.gemm
        own = {"agrees": self.agrees, "bit_exact": self.bit_exact, "macs_dense": gemm.macs}
        return {"gemm": [gemm.p, gemm.c, gemm.k]} | self.core.to_json() | own


def cosimulate_gemm(
    program: CoreProgram, core: RtlCore, willing: Mapping[str, BoolArray] | None = None
) -> GemmCosimulation:
    """Run a GEMM's program everywhere; arguments as for `cosimulate`."""
    found = cosimulate(program.streams, core, willing)
    y = program.collect(found.rtl.results) if found.rtl.finished else None
    expected = program.x.astype(np.int64) @ program.w.astype(np.int64)
    exact = y is not None and np.array_equal(y, expected)
    return GemmCosimulation(program=program, core=found, y=y, bit_exact=bool(exact and found.bit_exact))


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
