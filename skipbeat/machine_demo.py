"""The demo's network on the whole machine, from memory to memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.bounds import tightest
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_reports.machine_check import MachineCheck, MachineLayer
from skipbeat_verify.layer_bounds import layer_bounds
from skipbeat_verify.machine_simulation import ProgramRun, machine_rtl, run_images

if TYPE_CHECKING:
    from skipbeat_models.prepared import TrainedNetwork


def run_on_machine(
    prepared: TrainedNetwork, hw: Hardware, images: int, progress: Callable[[str], None]
) -> MachineCheck | str:
    """Run the first `images` test images as one program on RTL, cycle model and timing model.

    Returns:
        What came of it, or why this hardware has no machine around its core.
    """
    try:
        machine = Machine.of(hw)
    except InputError as error:
        return str(error)
    program = compile_network(prepared.graph, hw, images)
    progress(f"building the RTL of the machine around {hw.name}")
    rtl = machine_rtl(hw)
    progress("running the network on the machine's RTL and cycle model")
    inputs = prepared.images[:images]
    run = run_images(program, machine, inputs, run_graph(prepared.graph, inputs)[prepared.graph.output], rtl)
    return _check(run, layer_bounds(program, machine), images, rtl.clocks_per_second)


def _check(run: ProgramRun, bounds: dict[str, dict[Bound, int]], images: int, rate: float) -> MachineCheck:
    assert run.rtl is not None
    assert run.model is not None
    rtl, model, timing = run.rtl, run.model, run.timing
    cycles = [run.layers(counts) for counts in (rtl, model, timing)]
    return MachineCheck(
        images=images,
        bit_exact=run.bit_exact,
        counters_agree=run.ended and rtl.counters == model.counters == timing.counters,
        rtl_cycles=rtl.cycles,
        model_cycles=model.cycles,
        timing_cycles=timing.cycles,
        counters={counter.name.lower(): value for counter, value in rtl.counters.items()},
        clocks_per_second=rate,
        layers=tuple(
            MachineLayer(
                name=name,
                rtl_cycles=cycles[0][name],
                model_cycles=cycles[1][name],
                timing_cycles=cycles[2][name],
                steps=own[Bound.COMPUTE],
                bound=tightest(own).value,
                bound_clocks=own[tightest(own)],
            )
            for name, own in bounds.items()
        ),
    )
