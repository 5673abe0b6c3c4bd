"""What `skipbeat simulate` runs: a network as one program, or as the programs between the host's operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skipbeat_arch.budget import images_together
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.provenance import Source, content_digest
from skipbeat_hw.simulation.activity import Activity
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.bounds import tightest
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.mixed_listing import host_operators
from skipbeat_models.prepared import PreparedMixed, PreparedNetwork
from skipbeat_verify.layer_bounds import layer_bounds
from skipbeat_verify.machine_simulation import Output, ProgramRun, machine_rtl, run_images
from skipbeat_verify.mixed_simulation import MixedSimulation
from skipbeat_verify.one_layer import one_layer

from .progress import step, working

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Report = dict[str, Any]
#: What a run was given and what it gave, by name, for a file.
Arrays = Mapping[str, "ArrayLike"]


class _How(NamedTuple):
    """How a network runs, as `simulate` is told."""

    rtl: bool
    cycle_model: bool
    activity: Activity | None
    effort: Effort


class Simulated(NamedTuple):
    """What was found, arrays for a file, the network with the digest of the programs that ran, and images of each."""

    report: Report
    arrays: Arrays
    source: Source
    batch: int


def simulate(
    network: PreparedNetwork | PreparedMixed,
    hardware: Hardware,
    layer: str | None,
    images: int,
    batch: int | None,
    *,
    rtl: bool,
    cycle_model: bool,
    activity: Activity | None = None,
    effort: Effort = Effort.NORMAL,
) -> Simulated:
    """Run a network, or one layer of it, `batch` images at a time, as one program or as many.

    `batch` is None for as many as a program takes (`skipbeat_arch.budget.images_together`). `activity` is of the RTL's
    first run, `effort` that of the search for mappings.

    Raises:
        InputError: more images than there are, no such layer, or for many programs a layer or a batch at all.
    """
    how = _How(rtl=rtl, cycle_model=cycle_model, activity=activity, effort=effort)
    if isinstance(network, PreparedMixed):
        return _simulate_mixed(network, hardware, layer, images, batch, how)
    return _simulate_network(network, hardware, layer, images, batch, how)


def _simulate_network(
    network: PreparedNetwork, hardware: Hardware, layer: str | None, images: int, batch: int | None, how: _How
) -> Simulated:
    if images > len(network.images):
        raise InputError(f"--images: {network.source} has {len(network.images)} images, not {images}")
    graph, inputs = network.graph, network.images[:images]
    if layer is not None:
        graph, inputs = one_layer(graph, layer, inputs)
    batch = batch or images_together((node.convolution for node in graph.nodes), images, hardware)
    step("compiling")
    with working("compiling"):
        program = compile_network(graph, hardware, batch, effort=how.effort, scales=network.scales)
    machine, simulator = Machine.of(hardware), _simulator(hardware, how.activity) if how.rtl else None
    runs: list[ProgramRun] = []
    outputs: list[Output] = []
    rates: list[float] = []
    for first in range(0, images, batch):
        step(f"images {first + 1} to {first + batch} of {images}")
        part, computes = inputs[first : first + batch], how.cycle_model
        expected = run_graph(graph, part)[graph.output]
        with working("running"):
            runs.append(run_images(program, machine, part, expected, simulator, cycle_model=computes, outputs=outputs))
        rates.append(simulator.clocks_per_second if simulator else 0.0)
    scales = {"x_scale": network.scales[graph.input], "y_scale": network.scales[graph.output]}
    arrays: Arrays = {"x": inputs, "y": np.array(outputs), **scales}
    report = _report(runs, rates, [runs[0]], layer_bounds(program, machine))
    found = Source(name=network.source, digest=content_digest([program.image.data]))
    return Simulated(report, arrays, found, batch)


def _simulate_mixed(
    network: PreparedMixed, hardware: Hardware, layer: str | None, images: int, batch: int | None, how: _How
) -> Simulated:
    """The operators are partly the host's: program by program, for one input after the other."""
    if batch is not None and batch != 1:
        raise InputError(f"--batch: {network.source} runs as many programs, for one input at a time; expected none")
    if layer is not None:
        raise InputError(f"layer {layer}: {network.source} runs as many programs; expected no --layer")
    if images > len(network.inputs):
        raise InputError(f"--images: {network.source} runs on its example inputs as they are, once, not {images} times")
    simulator = _simulator(hardware, how.activity) if how.rtl else None
    simulation = MixedSimulation(
        quantised=network.quantised, hardware=hardware, rtl=simulator, cycle_model=how.cycle_model, effort=how.effort
    )
    for number, given in enumerate(network.inputs[:images], 1):
        step(f"input {number} of {images}")
        with working("running"):
            simulation.run(given)
    first = simulation.runs[: len(simulation.ran)]
    bounds: dict[str, dict[Bound, int]] = {}
    for (name, again), times in Counter(zip(simulation.ran, simulation.kept, strict=True)).items():
        for layer_name, own in layer_bounds(simulation.programs[name], Machine.of(hardware), again=again).items():
            known = bounds.get(layer_name, dict.fromkeys(Bound, 0))  # phases of a layer have their own programs
            bounds[layer_name] = {bound: known[bound] + own[bound] * times for bound in Bound}
    rates = [simulator.clocks_per_second if simulator else 0.0]
    report = _report(simulation.runs, rates, first, bounds)
    if report["agrees"] is not None:
        exact = report["bit_exact"] and simulation.logits_exact
        report |= {"agrees": report["agrees"] and exact, "bit_exact": exact}
    report |= {"programs": len(first), "kept_programs": sum(simulation.kept)}
    report |= {"host_operators": host_operators(network.quantised.network)}
    arrays = {**network.arrays(images), "y": np.stack(simulation.logits)}
    digest = content_digest(each.image.data for each in simulation.programs.values())
    return Simulated(report, arrays, Source(name=network.source, digest=digest), batch=1)


def _simulator(hardware: Hardware, activity: Activity | None) -> VerilatedMachine:
    step(f"building the RTL of {hardware.name}")
    return machine_rtl(hardware, activity)


def _report(
    runs: Sequence[ProgramRun], rates: Sequence[float], first: Sequence[ProgramRun], bounds: dict[str, dict[Bound, int]]
) -> Report:
    """Totals of all runs; layers and counters of the first input's."""
    layers: dict[str, Report] = {}
    counters: dict[str, int] = {}
    for run in first:
        found = run.to_json()
        for layer in found["layers"]:
            known = layers.setdefault(layer["name"], {name: 0 if layer[name] is not None else None for name in layer})
            layers[layer["name"]] = {
                name: value if name == "name" or value is None else known[name] + value for name, value in layer.items()
            }
        counters = {name: counters.get(name, 0) + value for name, value in found["counters"].items()}
    rows = [
        layer | {"steps": own[Bound.COMPUTE], "bound": tightest(own), "bounds": own}
        for name, layer in layers.items()
        for own in (bounds[name],)
    ]
    steps = sum(row["steps"] for row in rows) * len(runs) // len(first)
    cycles = sum(run.timing.cycles for run in runs)
    return {
        "agrees": None if runs[0].agrees is None else all(run.agrees for run in runs),
        "bit_exact": None if runs[0].bit_exact is None else all(run.bit_exact for run in runs),
        "rtl_cycles": sum(run.rtl.cycles for run in runs if run.rtl) if runs[0].rtl else None,
        "model_cycles": sum(run.model.cycles for run in runs if run.model) if runs[0].model else None,
        "timing_cycles": cycles,
        "steps": steps,
        "core_speed": steps / cycles,
        "clocks_per_second": min(rates) if runs[0].rtl else None,
        "counters": counters,
        "layers": rows,
        "programs": None,
        "kept_programs": None,
        "host_operators": None,
    }
