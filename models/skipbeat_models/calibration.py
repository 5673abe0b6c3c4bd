"""The largest magnitude of every value of an exported network, for images that are representative."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind


def largest_magnitudes(program: ExportedProgram, images: torch.Tensor) -> dict[str, float]:
    """The largest magnitude of each value by its name; computed in float64, which leaves no rounding noise.

    Args:
        images: float, of the shape that the program was exported for.
    """
    given = []
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            given.append(_exact(images))
        else:
            assert spec.target is not None
            stored = program.state_dict.get(spec.target, program.constants.get(spec.target))
            given.append(_exact(stored) if isinstance(stored, torch.Tensor) else stored)
    recorder = _Recorder(program.graph_module)
    with torch.no_grad():
        recorder.run(*given)
    return recorder.largest


def _exact(tensor: torch.Tensor) -> torch.Tensor:
    """A copy, since operators may work in place; in float64 if it has floats."""
    return tensor.detach().to(torch.float64, copy=True) if tensor.is_floating_point() else tensor.clone()


class _Recorder(fx.Interpreter):
    """Runs a program and keeps the largest magnitude of each value."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.largest: dict[str, float] = {}

    def run_node(self, n: fx.Node) -> Any:  # the signature is torch's
        if n.target is torch.ops.aten._assert_tensor_metadata.default:
            return None  # that numbers are float32, which they are not here
        value = super().run_node(n)
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel():
            self.largest[n.name] = float(value.abs().max())
        return value
