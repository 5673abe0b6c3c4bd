"""What a network has become when it is ready for the accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.graph import Graph

from .mixed_listing import as_array
from .scheme import Scheme

if TYPE_CHECKING:  # it imports export, a second
    from .quantise_mixed import QuantisedMixed


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedNetwork:
    """A network that is one program.

    Attributes:
        source: its name, `zoo:NAME` or `module:function`.
        scheme: the patterns that its layers were pruned to.
        graph: its steps; the output is the logits, int32 [classes, 1, 1].
        scales: real value of one unit of each tensor, by its name.
        images: int8 [N, C, H, W], inputs to run it on.
    """

    source: str
    scheme: Scheme
    graph: Graph
    scales: Mapping[str, float]
    images: Int8Array


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedNetwork(PreparedNetwork):
    """A network that was trained on the digits; its images are the 450 test images.

    Attributes:
        dense_accuracy, pruned_accuracy, int8_accuracy: percent of the test images.
        labels: int64 [450].
    """

    dense_accuracy: float
    pruned_accuracy: float
    int8_accuracy: float
    labels: Int64Array


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedMixed:
    """A network that machine and host run together.

    Attributes:
        source, scheme: as of a `PreparedNetwork`.
        inputs: of each call all arguments, one after the other.
    """

    source: str
    scheme: Scheme
    quantised: QuantisedMixed
    inputs: tuple[tuple[object, ...], ...]

    def arrays(self, count: int) -> dict[str, npt.NDArray[np.generic]]:
        """The first `count` calls' arguments that are tensors, `x0` and so on: [count, ...], floats in float64."""
        found = {}
        for number, given in enumerate(zip(*self.inputs[:count], strict=True)):
            tensors = [item for item in given if isinstance(item, torch.Tensor)]
            if tensors:
                found[f"x{number}"] = np.stack([as_array(tensor) for tensor in tensors])
        return found
