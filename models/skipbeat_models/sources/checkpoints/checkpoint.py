"""Checkpoints of any pruning producer as plain weights, which are read one by one when they are asked for.

| producer | form |
|---|---|
| torch.nn.utils.prune | `X.weight_orig`, `X.weight_mask` |
| torch.ao.pruning (WeightNormSparsifier) | `X.parametrizations.weight.original`, `X.parametrizations.weight.0.mask` |
| NVIDIA ASP (apex) | `X.weight` and `X.__weight_mma_mask` |
| NVIDIA ModelOpt | `X.weight` and `X._weight_mask` |
| compressed-tensors, bitmasks | `X.compressed`, `X.bitmask`, `X.shape`, perhaps `X.row_offsets` |
| compressed-tensors, packed | `X.weight_packed`, `X.weight_scale`, `X.weight_shape`, perhaps `X.weight_zero_point` |
| quantisers | see `quantised.py` |
"""

from __future__ import annotations

import re

import torch

from skipbeat_arch.errors import InputError

from .compressed import from_bitmask, from_packed
from .masked import BESIDE, apply_mask
from .quantised import Settings, assembled, check_read
from .stored import Stored, StoredTensor

_WRAPPERS = ("module.", "_orig_mod.", "base_model.model.")
#: Parts of adapters (PEFT).
_ADAPTER = re.compile(r"(^|\.)lora_(A|B|embedding_A|embedding_B|magnitude_vector)\b")
_PARAMETRIZED = re.compile(r"(?:(.*)\.)?parametrizations\.(\w+)\.original")
#: What the bitmask formats and the packed one have beside their values.
_BITMASK_PARTS = ("bitmask", "shape", "row_offsets")
_PACKED_PARTS = ("weight_scale", "weight_shape", "weight_zero_point", "weight_g_idx")


def plain_weights(stored: Stored, settings: Settings | None = None) -> dict[str, StoredTensor]:
    """The plain weights of a checkpoint, in its order.

    Args:
        settings: what a configuration says on how they are quantised; None: nothing.

    Raises:
        InputError: a mask or a part of a compressed weight is missing, a mask has another shape, or a weight has a
            quantised form that is not read.
    """
    settings = settings or Settings()
    entries = dict(stored)
    while entries and (wrapper := _common(entries)):
        entries = {name.removeprefix(wrapper): tensor for name, tensor in entries.items()}
    plain: dict[str, StoredTensor] = {}
    used: set[str] = set()
    for name in entries:
        found = _assembled(entries, name) or assembled(entries, name, settings)
        if found is not None:
            target, tensor, parts = found
            plain[target] = tensor
            used.update((name, *parts))
    order = {name: tensor for name, tensor in entries.items() if name not in used}
    check_read(order, "checkpoint")
    return {**order, **plain}


def check_merged(weights: Stored, what: str) -> None:
    """Refuse weights with an adapter beside them.

    Raises:
        InputError: there is one.
    """
    adapter = next((name for name in weights if _ADAPTER.search(name)), None)
    if adapter is None:
        return
    alone = all(_ADAPTER.search(name) for name in weights)
    found = "an adapter (LoRA) without its model" if alone else "a model with an adapter (LoRA) that is not merged"
    raise InputError(f"{what}: {found}, such as {adapter}; merge them (peft: merge_and_unload) and save the result")


def _common(entries: Stored) -> str:
    """What DataParallel, torch.compile or PEFT put before every name; empty if nothing."""
    return next((wrapper for wrapper in _WRAPPERS if all(name.startswith(wrapper) for name in entries)), "")


def _assembled(entries: Stored, name: str) -> tuple[str, StoredTensor, tuple[str, ...]] | None:
    """The weight that a tensor is the main part of, with its name and the names of the other parts."""
    module, _, leaf = name.rpartition(".")
    inside = f"{module}." if module else ""
    if leaf.endswith("_orig"):
        target = inside + leaf.removesuffix("_orig")
        return _masked(entries, name, target, f"{target}_mask")
    if match := _PARAMETRIZED.fullmatch(name):
        target = f"{match[1]}.{match[2]}" if match[1] else match[2]
        return _masked(entries, name, target, f"{name.removesuffix('original')}0.mask")
    if leaf in BESIDE:
        return _masked(entries, f"{inside}weight", f"{inside}weight", name)
    if leaf == "compressed":
        parts = {part: f"{inside}{part}" for part in _BITMASK_PARTS}
        shape, read = _needed(entries, name, parts["shape"]), _needed(entries, name, parts["bitmask"])
        sizes = _sizes(shape)
        tensor = StoredTensor(shape=sizes, read=lambda: from_bitmask(name, entries[name].read(), read.read(), sizes))
        return f"{inside}weight", tensor, tuple(parts.values())
    if leaf == "weight_packed" and entries[name].dtype != torch.uint8:
        parts = {part: f"{inside}{part}" for part in _PACKED_PARTS}
        sizes = _sizes(_needed(entries, name, parts["weight_shape"]))
        scale = _needed(entries, name, parts["weight_scale"])
        zero, order = entries.get(parts["weight_zero_point"]), entries.get(parts["weight_g_idx"])
        tensor = StoredTensor(
            shape=sizes,
            read=lambda: from_packed(
                name,
                entries[name].read(),
                scale.read(),
                sizes,
                zero.read() if zero else None,
                order.read() if order else None,
            ),
        )
        return f"{inside}weight", tensor, tuple(parts.values())
    return None


def _masked(entries: Stored, weight: str, target: str, mask: str) -> tuple[str, StoredTensor, tuple[str, ...]]:
    values, zeros = _needed(entries, mask, weight), _needed(entries, weight, mask)
    if values.shape != zeros.shape:
        raise InputError(f"mask {mask}: expected the weight's shape {values.shape}, not {zeros.shape}")

    def read() -> torch.Tensor:
        return apply_mask(target, values.read(), zeros.read())

    return target, StoredTensor(shape=values.shape, read=read), (weight, mask)


def _needed(entries: Stored, whole: str, part: str) -> StoredTensor:
    if part not in entries:
        raise InputError(f"checkpoint: {whole} is there, but {part}, which belongs to it, is missing")
    return entries[part]


def _sizes(shape: StoredTensor) -> tuple[int, ...]:
    return tuple(int(size) for size in shape.read().reshape(-1).tolist())
