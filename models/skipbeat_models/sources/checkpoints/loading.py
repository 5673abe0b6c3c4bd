"""A checkpoint's weights in a module."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from skipbeat_arch.errors import InputError

from .checkpoint import check_merged, plain_weights
from .stored import Stored

_NAMED = 5


def load_into(model: nn.Module, stored: Stored, what: str) -> None:
    """Replace a module's weights by those of a checkpoint; the module may lie on the meta device.

    A weight that the module uses under two names may be stored under one of them.

    Raises:
        InputError: keys that are missing or extra, or another shape.
    """
    own = {**dict(model.named_parameters(remove_duplicate=False)), **_persistent_buffers(model)}
    plain = _inner(plain_weights(stored), own)
    twins = {name: [other for other in own if own[other] is tensor and other in plain] for name, tensor in own.items()}
    missing = [
        name for name in own if name not in plain and not twins[name] and not name.endswith("num_batches_tracked")
    ]
    extra = [name for name in plain if name not in own]
    if missing or extra:
        check_merged({name: plain[name] for name in extra}, what)
        parts = [f"{kind}: {_listed(names)}" for kind, names in (("missing", missing), ("extra", extra)) if names]
        raise InputError(f"{what}: its keys are not those of the model; {'; '.join(parts)}")
    for name, tensor in own.items():
        source = name if name in plain else next(iter(twins[name]), None)
        if source is None:
            continue
        if plain[source].shape != tuple(tensor.shape):
            raise InputError(f"{what}: {source} has shape {plain[source].shape}; expected {tuple(tensor.shape)}")
    with torch.no_grad():
        _replace(model, {name: (name if name in plain else next(iter(twins[name]), "")) for name in own}, plain)


def _inner(plain: Stored, own: Collection[str]) -> Stored:
    """The weights of the network if a training module (Lightning) holds it as its only part, such as `model.`."""
    parts = {name.partition(".")[0] for name in plain}
    if len(parts) != 1 or any(name in own for name in plain):
        return plain
    outer = parts.pop() + "."
    return {name.removeprefix(outer): tensor for name, tensor in plain.items()}


def _replace(model: nn.Module, sources: dict[str, str], plain: Stored) -> None:
    read: dict[str, torch.Tensor] = {}
    for name, source in sources.items():
        if not source:
            continue
        module, _, leaf = name.rpartition(".")
        owner = model.get_submodule(module)
        values = read.setdefault(source, plain[source].read())
        old = owner._parameters.get(leaf)
        kind = owner._buffers.get(leaf) if old is None else old
        if kind is not None and kind.is_floating_point() and values.dtype in (torch.float16, torch.bfloat16):
            values = values.to(kind.dtype)  # half of the memory in the file, not another model
        if old is not None:
            owner._parameters[leaf] = nn.Parameter(values, requires_grad=False)
        else:
            owner._buffers[leaf] = values


def _persistent_buffers(model: nn.Module) -> dict[str, torch.Tensor]:
    parameters = dict(model.named_parameters(remove_duplicate=False))
    return {name: tensor for name, tensor in model.state_dict(keep_vars=True).items() if name not in parameters}


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(list(names)[:_NAMED]) + more
