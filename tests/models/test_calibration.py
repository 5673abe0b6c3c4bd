"""The largest magnitudes of a network's values, whether weights become float64 at once or when they are read."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_models import calibration
from skipbeat_models.calibration import exact_inputs, in_float64, largest_magnitudes
from skipbeat_models.sources.tracing.exported import export_program


class Network(nn.Module):
    """Two products with one weight, a large product, and convolutions of two images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.large, self.bare = nn.Linear(64, 10), nn.Linear(10, 6, bias=False)
        self.shared = nn.Parameter(torch.randn(6, 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.bare(self.large(torch.relu(self.conv(x)).flatten(1)))
        result: torch.Tensor = hidden @ self.shared + self.shared[0]
        return result


def test_an_image_without_a_batch_is_computed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    program = export_program(nn.Conv2d(3, 4, 3).eval(), (image,), {})
    whole = largest_magnitudes(program, [image])
    monkeypatch.setattr(calibration, "_LARGE", 50)
    assert largest_magnitudes(program, [image]) == whole


def test_largest_magnitudes_are_those_of_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    program = export_program(Network().eval(), (x,), {})
    whole = largest_magnitudes(program, [x])
    (result,) = torch.fx.Interpreter(program.graph_module).run(*exact_inputs(program, [x]))
    output = next(node for node in program.graph.nodes if node.op == "output").args[0][0].name
    assert whole[output] == float(result.detach().abs().max())
    weights = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs if spec.target is not None}
    for name, target in weights.items():
        assert whole[name] == float(program.state_dict[target].detach().double().abs().max())
    parts = list[tuple[int, ...]]()

    def watched(value: object) -> object:
        parts.extend([tuple(value.shape)] if isinstance(value, torch.Tensor) and value.dtype is torch.float32 else [])
        return in_float64(value)

    monkeypatch.setattr(calibration, "_LARGE", 50)
    monkeypatch.setattr(calibration, "_AT_ONCE", 128)
    monkeypatch.setattr(calibration, "in_float64", watched)
    assert largest_magnitudes(program, [x]) == pytest.approx(whole, rel=1e-14)
    assert [shape for shape in parts if shape[1:] == (64,)] == [(2, 64)] * 5  # ten outputs
