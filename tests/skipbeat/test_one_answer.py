"""Whatever command is asked, a network takes the same clocks: `estimate` and `simulate` price and run one program."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from skipbeat.estimation import estimate_source
from skipbeat.networks import prepare_network
from skipbeat.simulation import simulate
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate import estimate_model
from skipbeat_mapper.estimate.graph_model import graph_model
from skipbeat_models.networks.seeded import seeded
from skipbeat_models.prepared import PreparedNetwork
from skipbeat_models.quantise_mixed import quantise_mixed
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module
from skipbeat_verify.layer_bounds import layer_bounds
from skipbeat_verify.machine_simulation import machine_rtl, predicted
from skipbeat_verify.mixed_simulation import MixedSimulation

pytestmark = pytest.mark.usefixtures("trained_before")

#: Networks that both commands take, what they are pruned to, and the hardware.
CASES = [
    ("zoo:digits-cnn", "2:4", "edge-16x16"),
    ("zoo:tiny-resnet", "2:4", "edge-8x8"),
    pytest.param("zoo:resnet-9", "2:4", "edge-16x16", marks=pytest.mark.slow),
    ("zoo:digits-cnn", "unstructured:0.3", "edge-8x8"),
    pytest.param("zoo:resnet-9", "unstructured:0.3", "edge-16x16", marks=pytest.mark.slow),
    pytest.param("zoo:resnet-18", "2:4", "large-32x32", marks=pytest.mark.slow),
    pytest.param("zoo:resnet-18", "2:4", "edge-16x16", marks=pytest.mark.slow),
    pytest.param("zoo:resnet-50", "2:4", "edge-16x16", marks=pytest.mark.slow),
    pytest.param("zoo:vgg-16", "2:4", "edge-16x16", marks=pytest.mark.slow),
    pytest.param("zoo:vgg-19", "2:4", "large-32x32", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("source", "pattern", "preset"), CASES)
def test_estimate_and_simulate_say_the_same(source: str, pattern: str, preset: str) -> None:
    hardware = load_hardware(preset)
    estimate = estimate_source(
        source, hardware, table="horowitz-45nm", scheme=Scheme.parse(pattern), progress=lambda _: None
    )
    network = prepare_network(source, Pattern.parse(pattern), seed=0)
    assert isinstance(network, PreparedNetwork)
    program = compile_network(network.graph, hardware)
    counts = predicted(program, Machine.of(hardware))
    layers = dict.fromkeys((node.name for node in program.nodes), 0)
    for node, cycles in zip(program.nodes, counts.parts, strict=True):
        layers[node.name] += cycles
    assert estimate.cycles == counts.cycles
    assert {row.name: row.cost.cycles for row in estimate.layers} == layers
    bounds = layer_bounds(program, Machine.of(hardware))
    assert {row.name: dict(row.cost.schedule.bounds) for row in estimate.layers} == bounds


@pytest.mark.parametrize("source", ["zoo:digits-cnn", "zoo:tiny-resnet"])
def test_so_they_do_of_several_images(source: str) -> None:
    hardware = load_hardware("edge-16x16")
    estimate = estimate_source(
        source, hardware, table="horowitz-45nm", scheme=Scheme.parse("2:4"), batch=5, progress=lambda _: None
    )
    network = prepare_network(source, Pattern.parse("2:4"), seed=0)
    found = simulate(network, hardware, None, 5, None, rtl=False, cycle_model=False)
    assert found.batch == estimate.batch == 5
    assert found.report["timing_cycles"] == estimate.cycles


def test_so_does_the_demonstration_with_what_it_is_compared_with() -> None:
    hardware, source, scheme = load_hardware("edge-16x16"), "zoo:digits-cnn", Scheme.parse("2:4")
    estimate = estimate_source(
        source, hardware, table="horowitz-45nm", scheme=scheme, batch=16, progress=lambda _: None
    )
    network = prepare_network(source, Pattern.parse("2:4"), seed=0)
    assert isinstance(network, PreparedNetwork)
    demonstrated = estimate_model(graph_model(network.graph, source, 16), hardware)
    assert demonstrated.cycles == estimate.cycles
    assert demonstrated.references == estimate.references


@pytest.mark.parametrize("source", ["zoo:vit-tiny", "zoo:llama-tiny"])
def test_so_they_do_of_a_transformer(source: str) -> None:
    hardware = load_hardware("edge-8x8")
    estimate = estimate_source(
        source, hardware, table="horowitz-45nm", scheme=Scheme.parse("2:4"), progress=lambda _: None
    )
    network = prepare_network(source, Pattern.parse("2:4"), seed=0)
    report, *_ = simulate(network, hardware, None, 1, None, rtl=False, cycle_model=False)
    assert report["agrees"] is report["bit_exact"] is None
    assert report["timing_cycles"] == estimate.cycles
    assert {row["name"]: row["timing_cycles"] for row in report["layers"]} == {
        row.name: row.cost.cycles for row in estimate.layers
    }
    assert {row["name"]: row["bounds"] for row in report["layers"]} == {
        row.name: dict(row.cost.schedule.bounds) for row in estimate.layers
    }


#: Recurrent layers, KiB for their weights, and how many of their runs find them on the chip.
RECURRENT = [
    (nn.LSTM(8, 12, num_layers=2), 64, 4),
    pytest.param(nn.LSTM(8, 20, bidirectional=True, bias=False), 1, 0, marks=pytest.mark.slow),  # they do not fit
    (nn.LSTM(8, 12, proj_size=4), 64, 0),  # two programs take turns
    (nn.GRU(8, 12), 64, 2),
    (nn.GRU(8, 20), 1, 0),
    (nn.RNN(8, 12, nonlinearity="relu", bidirectional=True), 64, 4),
]


def compared(layer: nn.RNNBase, buffer: int, *, rtl: bool) -> MixedSimulation:
    """A layer over three steps that ran, with the clocks of its estimate."""
    with seeded(0):
        layer.eval().reset_parameters()
        x = torch.randn(3, 2, 8)
    hardware = load_hardware("tiny-4x4", [f"weights.buffer_kib={buffer}"])
    estimate = estimate_model(from_module(layer, (x,), name="layer"), hardware)
    simulation = MixedSimulation(
        quantised=quantise_mixed(layer, (x,)),
        hardware=hardware,
        rtl=machine_rtl(hardware) if rtl else None,
        cycle_model=rtl,
    )
    simulation.run((x,))
    layers = Counter[str]()
    for name, run in zip(simulation.ran, simulation.runs, strict=True):
        layers[name] += run.timing.cycles
    assert {row.name: row.cost.cycles for row in estimate.layers} == layers
    assert estimate.cycles == layers.total()
    assert sum(run.repeats for run in estimate.runs if run.kept) == sum(simulation.kept)
    return simulation


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("layer", "buffer", "kept"), RECURRENT)
def test_so_they_do_of_recurrent_layers(layer: nn.RNNBase, buffer: int, kept: int) -> None:
    assert sum(compared(layer, buffer, rtl=False).kept) == kept


@pytest.mark.slow  # a machine is compiled
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("layer", "buffer", "kept"), RECURRENT)
def test_the_rtl_keeps_their_weights_from_run_to_run(layer: nn.RNNBase, buffer: int, kept: int) -> None:
    simulation = compared(layer, buffer, rtl=True)
    assert sum(simulation.kept) == kept
    assert simulation.logits_exact
    assert all(run.agrees for run in simulation.runs)
