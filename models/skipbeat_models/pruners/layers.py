"""The layers of a module that can be pruned, and the pattern that a scheme has for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from skipbeat_arch.arrays import BoolArray, Reals
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder

from ..masks import prune_mask
from ..reduction import reduction_matrix, weight_from_matrix
from ..scheme import Plan, Scheme
from .block import BLOCK

Prunable = nn.Linear | nn.Conv2d
#: Weights that are ranked at a time, to bound the memory.
_AT_ONCE = 1 << 20
#: Integers by their bytes.
_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def prunable_layers(model: nn.Module) -> dict[str, Prunable]:
    """The Linear and Conv2d modules of a model by name, in the order in which they were registered."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Prunable)}


def layer_kind(layer: Prunable) -> LayerKind:
    """What a layer is: linear, or a convolution that is ordinary, grouped or depthwise."""
    if isinstance(layer, nn.Linear):
        return LayerKind.LINEAR
    if layer.groups == 1:
        return LayerKind.CONVOLUTION
    return LayerKind.DEPTHWISE if layer.groups == layer.in_channels else LayerKind.GROUPED


#: For linear layers behind a flattened map, by name: how many channels the map has.
Flattened = Mapping[str, int]


@dataclass(frozen=True)
class Grouping:
    """The pattern that a weight is pruned to, and along what.

    Attributes:
        order: of its reduction axis.
        channels: of the map that is flattened before a linear layer, whose weight is that of a kernel over the map;
            0: none is.
    """

    pattern: Pattern
    order: ReductionOrder = "kh,kw,cin"
    channels: int = 0

    def matrix(self, values: torch.Tensor) -> Reals:
        """The reduction form [C, K] of a weight, or of scores of its shape; a float of 16 bits becomes one of 32."""
        matrix = reduction_matrix(values.detach().reshape(self._shape(values)), self.order).cpu()
        array: Reals = (matrix.float() if matrix.dtype in (torch.bfloat16, torch.float16) else matrix).numpy()
        return array

    def in_shape(self, mask: BoolArray, like: torch.Tensor) -> torch.Tensor:
        """The mask of a reduction form in the shape of a weight, on its device."""
        tensor = torch.from_numpy(mask).to(like.device)
        return weight_from_matrix(tensor, self._shape(like), self.order).reshape(like.shape)

    def mask(self, values: torch.Tensor, block: tuple[int, int] = BLOCK) -> torch.Tensor:
        """`prune_mask` of a weight, or of scores of its shape: bool in that shape.

        In the order `kh,kw,cin`, a C_in that is a multiple of M gives groups along the input channels within one kernel
        tap; otherwise a group runs over into the next tap.

        Raises:
            InputError: an element is not finite, or the order is unknown.
        """
        return torch.cat([self._mask(part, block) for part in self._parts(values)])

    def prune(self, weight: torch.Tensor, block: tuple[int, int] = BLOCK) -> None:
        """Set to zero, in place, what `mask` drops of a weight.

        Raises:
            InputError: as for `mask`.
        """
        with torch.no_grad():
            for part in self._parts(weight):
                # An integer times 0 is +0 in any format, and takes a tenth of the time that filling takes.
                part.view(_INTEGERS[part.element_size()]).mul_(self._mask(part, block))

    def _parts(self, values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What is ranked by itself, one behind the other."""
        if self.pattern.kind != "nm":
            return (values,)
        # each output's groups are chosen for themselves
        return torch.split(values, max(1, _AT_ONCE * len(values) // max(1, values.numel())))

    def _mask(self, part: torch.Tensor, block: tuple[int, int]) -> torch.Tensor:
        return self.in_shape(prune_mask(self.matrix(part), self.pattern, block), part)

    def _shape(self, values: torch.Tensor) -> tuple[int, ...]:
        if not self.channels:
            return tuple(values.shape)
        return values.shape[0], self.channels, values.shape[1] // self.channels, 1


def groupings(
    model: nn.Module, plan: Plan, order: ReductionOrder = "kh,kw,cin", flattened: Flattened | None = None
) -> dict[str, tuple[Prunable, Grouping]]:
    """The layers that a plan prunes, by name, and how.

    Raises:
        InputError: a glob of the scheme matches no layer.
    """
    scheme, maps = Scheme.of(plan), flattened or {}
    layers = prunable_layers(model)
    scheme.check(layers)
    first = next((name for name, layer in layers.items() if isinstance(layer, nn.Conv2d)), None)
    found = {}
    for name, layer in layers.items():
        pattern = scheme.pattern(name, layer_kind(layer), first=name == first)
        if pattern is not None:
            found[name] = (layer, Grouping(pattern, order, maps.get(name, 0)))
    return found


def apply_masks(model: nn.Module, masks: Mapping[str, torch.Tensor]) -> None:
    """Set to zero, in place, the weights that the masks drop.

    Raises:
        InputError: a mask for a layer that the model does not have, or of another shape.
    """
    layers = prunable_layers(model)
    for name, mask in masks.items():
        if name not in layers or layers[name].weight.shape != mask.shape:
            raise InputError(f"mask {name!r} of shape {tuple(mask.shape)}: the model has no such layer and shape")
    with torch.no_grad():
        for name, mask in masks.items():
            layers[name].weight.masked_fill_(~mask, 0)
