"""The models of the zoo are recorded as `torch.export` sees them."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from typing import Any

import pytest
import torch
from torch import nn

from skipbeat_models import zoo
from skipbeat_models.sources.graphs.folding import overload_of
from skipbeat_models.sources.graphs.graph import Argument, Graph, Operator, Value
from skipbeat_models.sources.tracing.exported import export_module
from skipbeat_models.sources.tracing.recorded import record_module

#: Checks that export adds.
ADDED = ("aten._assert_tensor_metadata.default",)
#: Constants of the model's code: export makes copies of them, torch 2.15 tells a recorder of them, and 2.13 does not.
LIFTED = ("aten.lift_fresh_copy.default", "aten.lift_fresh.default")
#: Which of several libraries computes the same.
LIBRARIES = ("cudnn_enable", "cudnn_enabled")
LARGE = ("zoo:llama-2-7b", "zoo:llama-2-7b-decode")
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in zoo.names()]


def plain(graph: Graph) -> tuple[list[object], list[str]]:
    """A graph's operators, and what it returns, in which values are numbered as they first appear."""
    names, numbers = {value: f"weight {weight}" for value, weight in graph.weights.items()}, count()

    def text(argument: Argument) -> object:
        if isinstance(argument, Value):
            if argument.name not in names:
                names[argument.name] = str(next(numbers))
            return names[argument.name], argument.shape, argument.dtype
        return [text(item) for item in argument] if isinstance(argument, list) else argument

    found: list[object] = []
    for operator in graph.operators:
        if operator.target in LIFTED:
            names[operator.results[0].name] = names[operator.value("self").name]
        elif operator.target not in ADDED:
            given = {name: text(value) for name, value in (_defaults(operator) | dict(operator.args)).items()}
            found.append((operator.target, operator.module, given, [text(value) for value in operator.results]))
    return found, sorted(names[name] for name in graph.outputs)


def _defaults(operator: Operator) -> dict[str, Any]:
    overload = overload_of(operator)
    assert overload is not None
    schema = overload._schema.arguments
    return dict.fromkeys(each.name for each in schema) | {each.name: each.default_value for each in schema}


def without_libraries(operators: list[Any]) -> list[Any]:
    return [
        (target, module, {name: value for name, value in given.items() if name not in LIBRARIES}, results)
        for target, module, given, results in operators
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_recorded_is_what_is_exported(name: str) -> None:
    entry = zoo.find(name)
    model, inputs, kwargs = entry.source(tokens=5 if entry.tokens else None)
    recorded, exported = record_module(model, inputs, kwargs), export_module(model, inputs, kwargs)
    (operators, returned), (expected, expected_returned) = plain(recorded), plain(exported)
    for found, wanted in zip(without_libraries(operators), without_libraries(expected), strict=True):
        assert found == wanted
    assert returned == expected_returned
    assert recorded.stored == exported.stored
    assert recorded.used() == exported.used()
    for weight in recorded.used():
        if not recorded.read(weight).is_meta:
            assert torch.equal(recorded.read(weight), exported.read(weight))


def test_the_module_is_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    graph = record_module(model, (torch.ones(1, 3, 8, 8),), {})
    targets = [operator.target.split(".")[1] for operator in graph.operators]
    assert targets == ["conv2d", "batch_norm", "relu_", "flatten"]
    assert graph.operators[2].values()[0].name == graph.operators[1].results[0].name
    assert model.training
    assert model[0].weight.device.type == "cpu"
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_export_is_not_loaded_for_a_model_of_the_zoo() -> None:
    code = (
        "import sys; from skipbeat_models.sources.load import load_source; load_source('zoo:vit-tiny'); "
        "assert 'skipbeat_models.sources.tracing.exported' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
