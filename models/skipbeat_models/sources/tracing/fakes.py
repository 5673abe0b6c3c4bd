"""Modules whose weights have shapes only."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map


def is_meta(model: nn.Module) -> bool:
    """Whether a module's weights have shapes only."""
    return any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def on_fake_cpu(
    model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[nn.Module, tuple[object, ...], dict[str, object]]:
    """A model without memory as if it were on the CPU: models ask for their device, and know no meta device."""
    fakes: dict[torch.Tensor, torch.Tensor] = {}
    with FakeTensorMode():

        def fake(item: torch.Tensor) -> torch.Tensor:
            if item not in fakes:  # a weight that is used twice stays one weight
                like = torch.empty_strided(item.shape, item.stride(), dtype=item.dtype, device="cpu")
                fakes[item] = nn.Parameter(like, requires_grad=False) if isinstance(item, nn.Parameter) else like
            return fakes[item]

        copied = _copy_with(model, fake)

        def moved(item: object) -> object:
            return fake(item) if isinstance(item, torch.Tensor) else item

        return copied, tree_map(moved, tuple(inputs)), tree_map(moved, dict(kwargs))


def _copy_with(model: nn.Module, change: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """A copy of a module whose parameters and buffers are replaced."""
    memo: dict[int, object] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied = copy.deepcopy(model, memo)
    for module in copied.modules():
        for tensors in (module._parameters, module._buffers):
            held = cast(dict[str, torch.Tensor | None], tensors)
            held.update({name: change(tensor) for name, tensor in held.items() if tensor is not None})
    return copied
