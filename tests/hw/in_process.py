# amaranth: UnusedElaboratable=no
"""A component by itself in Amaranth's own simulator and its own Verilog, as any Amaranth component."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest
from amaranth import ClockDomain, Module
from amaranth.back import verilog
from amaranth.hdl import Value
from amaranth.lib.wiring import Component
from amaranth.sim import Simulator, SimulatorContext

from skipbeat_hw.simulation.lockstep_table import Observed


def ports(component: Component) -> dict[str, Value]:
    """The ports by their names in Verilog."""
    flat = component.signature.flatten(component)
    return {"__".join(str(part) for part in path): Value.cast(value) for path, _, value in flat}


def converted(component: Component, name: str) -> str:
    """Verilog of the component as Amaranth writes it, without our generator."""
    return str(verilog.convert(component, name, emit_src=False))


def simulate(component: Component, inputs: Mapping[str, Sequence[int]], outputs: Sequence[str]) -> Observed:
    """What the ports `outputs` show in each clock, as `run_lockstep` returns it for the component's Verilog."""
    m = Module()
    m.domains.sync = sync = ClockDomain()
    m.submodules.part = component
    signals = ports(component) | {"rst": sync.rst}
    seen: Observed = {name: [] for name in outputs}

    async def drive(context: SimulatorContext) -> None:
        context.set(sync.rst, 1)
        await context.tick()
        context.set(sync.rst, 0)
        for clock in range(len(next(iter(inputs.values())))):
            for name, values in inputs.items():
                context.set(signals[name], values[clock])
            for name, shown in seen.items():
                shown.append(context.get(signals[name].as_unsigned()))
            await context.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return seen


def refuses(kind: type[Component]) -> None:
    """A component that takes a hardware description, or the machine around it, takes nothing else and quotes it."""
    for wrong in ("edge-8x8", None):
        with pytest.raises(TypeError, match=re.escape(f"not {wrong!r}")):
            kind(wrong)
