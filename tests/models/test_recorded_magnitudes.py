"""Magnitudes of a recorded network are those of the exported one, number by number."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from skipbeat_models import calibration, zoo
from skipbeat_models.calibration import largest_magnitudes
from skipbeat_models.recorded_magnitudes import recorded_magnitudes
from skipbeat_models.sources.graphs.graph import Graph
from skipbeat_models.sources.tracing.exported import export_program
from skipbeat_models.sources.tracing.program_graph import graph_of
from skipbeat_models.sources.tracing.recorded import record_module


def in_order(graph: Graph, largest: dict[str, float]) -> list[float | None]:
    """What was found of operands and results, operator by operator; weights are none of them."""
    values = [value for each in graph.operators for value in (*each.values(), *each.results)]
    return [largest.get(value.name) for value in values if value.name not in graph.weights]


@pytest.mark.parametrize("name", ["zoo:digits-cnn", "zoo:tiny-resnet", "zoo:resnet-18-tiny", "zoo:vgg-19-cifar"])
def test_they_are_those_of_the_exported_network(name: str) -> None:
    entry = zoo.find(name)
    assert entry.input_shape is not None
    model = entry.build(3).eval()
    images = torch.randn(3, *entry.input_shape, generator=torch.Generator().manual_seed(1))
    program, graph = export_program(model, (images,), {}), record_module(model, (images,), {})
    found = in_order(graph, recorded_magnitudes(model, [images], graph))
    assert None not in found
    assert found == in_order(graph_of(program), largest_magnitudes(program, [images]))


def test_large_products_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_LARGE", 8)
    monkeypatch.setattr(calibration, "_AT_ONCE", 12)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 4, bias=False)).eval()
    x = torch.randn(2, 6, generator=torch.Generator().manual_seed(2))
    graph = record_module(model, (x,), {})
    found = recorded_magnitudes(model, [x], graph)
    with torch.no_grad():
        first = model.double()[0](x.double())
        expected = [x.abs().max(), first.abs().max(), first.relu().max(), model[2](first.relu()).abs().max()]
    names = [graph.operators[0].values()[0].name, *(each.results[0].name for each in graph.operators)]
    assert [found[name] for name in names] == pytest.approx([float(each) for each in expected], rel=1e-6)


def test_the_model_is_as_it_was() -> None:
    model = zoo.find("zoo:digits-cnn").build(0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.ones(1, 1, 8, 8)
    recorded_magnitudes(model, [images], record_module(model, (images,), {}))
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_export_is_not_loaded_for_a_network_of_the_zoo() -> None:
    code = (
        "import sys; from skipbeat.networks import prepare_network; prepare_network('zoo:resnet-18-tiny', None, 0); "
        "assert not {'torch._dynamo', 'sympy'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
