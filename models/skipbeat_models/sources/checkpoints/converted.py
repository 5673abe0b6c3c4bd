"""Stored weights under the names of a module of transformers, which may merge, split or rename what files hold.

transformers keeps its rules as data (`conversion_mapping.py`): experts that files hold one by one are one tensor of the
module, older names are today's. They are applied here tensor by tensor, when a weight is asked for.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from math import prod
from typing import Any

import torch

from skipbeat_arch.errors import InputError, described

from .stored import Stored, StoredTensor

_NAMED = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """How stored weights and a module go together.

    Attributes:
        weights: by the module's names.
        unused: names of stored weights of two dimensions or more that the module does not have.
    """

    weights: Mapping[str, StoredTensor]
    unused: tuple[str, ...]


@dataclass(eq=False)
class _Sources:
    """What one target is made of: a rule, and for each of its patterns the tensors that it matched."""

    rule: Any
    tensors: dict[str, list[StoredTensor]] = field(default_factory=dict)


def fitted(model: Any, stored: Stored, what: str) -> Fit:
    """The stored weights that a module has.

    Raises:
        InputError: a weight of two dimensions or more is missing, or has another shape.
    """
    own = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    loading = import_module("transformers.core_model_loading")
    rules = import_module("transformers.conversion_mapping").get_model_conversion_mapping(model)
    renamings = [rule for rule in rules if isinstance(rule, loading.WeightRenaming)]
    converters = [rule for rule in rules if isinstance(rule, loading.WeightConverter)]
    by_pattern = {pattern: rule for rule in converters for pattern in rule.source_patterns}
    prefix, meta = model.base_model_prefix, model.state_dict()
    weights: dict[str, StoredTensor] = {}
    merged: dict[str, _Sources] = {}
    unused = []
    for name in sorted(stored, key=loading.dot_natural_key):
        target, pattern = loading.rename_source_key(name, renamings, converters, prefix, meta)
        if target not in own and name in own:
            target, pattern = name, None
        if target not in own:
            unused.append(name)
        elif pattern is None:
            weights[target] = stored[name]
        else:
            sources = merged.setdefault(target, _Sources(by_pattern[pattern]))
            sources.tensors.setdefault(pattern, []).append(stored[name])
    for target, sources in merged.items():
        weights.update(_converted(model, target, sources, own, what))
    _check(model, own, weights, what)
    return Fit(weights=weights, unused=tuple(_needless(model, stored, unused)))


def _converted(
    model: Any, target: str, sources: _Sources, own: Mapping[str, tuple[int, ...]], what: str
) -> dict[str, StoredTensor]:
    """The targets of one rule; several weights of the module may be parts of one stored tensor."""

    @lru_cache(maxsize=1)
    def all_parts() -> dict[str, torch.Tensor]:
        rule = copy.deepcopy(sources.rule)
        for pattern, tensors in sources.tensors.items():
            for tensor in tensors:
                rule.add_tensor(target, target, pattern, tensor.read)
        try:
            made = rule.convert(target, model=model, config=model.config)
        except Exception as error:  # whatever its operations raise for tensors that do not go together
            raise InputError(f"{what}: {target} cannot be put together: {described(error)}") from error
        return {name: part[0] if isinstance(part, list) else part for name, part in made.items()}

    def one(name: str) -> torch.Tensor:
        part = all_parts().get(name)
        if part is None:
            raise InputError(f"{what}: {name} cannot be put together from the stored tensors")
        return part

    patterns = sources.rule.target_patterns
    names = [target.replace(patterns[0], pattern) for pattern in patterns]
    return {name: StoredTensor(shape=own[name], read=partial(one, name)) for name in names if name in own}


def _check(model: Any, own: Mapping[str, tuple[int, ...]], weights: Stored, what: str) -> None:
    tensors = model.state_dict(keep_vars=True)
    there = {id(tensors[name]) for name in weights}  # a weight that is used under two names may be stored under one
    absent = [name for name, shape in own.items() if len(shape) > 1 and id(tensors[name]) not in there]
    absent = _not_ignored(absent, model._keys_to_ignore_on_load_missing)
    kind = type(model).__name__
    if absent:
        raise InputError(f"{what}: {kind} needs {len(absent)} weights that are missing: {_listed(absent)}")
    for name, tensor in weights.items():
        if tensor.shape != own[name] and prod(tensor.shape) != prod(own[name]):
            raise InputError(f"{what}: {name} has shape {tensor.shape}; expected {own[name]}, as {kind} has it")


def _needless(model: Any, stored: Stored, unused: list[str]) -> list[str]:
    counts = (torch.int64, torch.bool)  # positions and masks, which are no weights
    large = [name for name in unused if len(stored[name].shape) > 1 and stored[name].dtype not in counts]
    return _not_ignored(large, (*(model._keys_to_ignore_on_load_unexpected or ()), r"attn\.(masked_)?bias$"))


def _not_ignored(names: list[str], patterns: Iterable[str] | None) -> list[str]:
    return [name for name in names if not any(re.search(pattern, name) for pattern in patterns or ())]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
