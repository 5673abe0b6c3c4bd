"""A model of which only the weights are there, as a file or a folder, with the sizes that its `config.json` states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from os.path import exists
from pathlib import Path
from typing import Any

import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json, read_text
from skipbeat_arch.model import HostOperator, ModelDescription, Unpriced
from skipbeat_arch.pattern import Pattern

from ..alone import silent_transformers
from ..scheme import Scheme
from .build import describe
from .checkpoints.architecture import find_architecture
from .checkpoints.checkpoint import check_merged, plain_weights
from .checkpoints.converted import Fit
from .checkpoints.files import open_checkpoint
from .checkpoints.quantised import Settings
from .checkpoints.sizes import Sizes, check_followed
from .checkpoints.stored import Stored
from .data_rules import DataRules
from .graphs.graph import Graph
from .language_model import describe_language_model, stored_weights
from .notes import Notes
from .pruned_weights.zeros import KnownZeros, ZeroReader
from .tracing.phases import WAY, Phase, model_phases


def load_weights(
    path: Path,
    scheme: Scheme | None,
    seed: int,
    stated: Pattern | None,
    tokens: int | None,
    batch: int,
    rules: DataRules | None,
) -> ModelDescription:
    """The layers of a checkpoint, as its `config.json` says; without one, every matrix is a layer.

    The architecture is that of the transformers package where it has it, and else follows from the weights' names.

    Raises:
        InputError: files or arguments are missing, contradict each other, or describe what cannot be priced.
    """
    if scheme is not None and scheme.permute:
        raise InputError(f"model {path}: which layers share channels is not in a checkpoint; permute a module's")
    if not exists(path):  # of any name: `Path` may raise
        raise InputError(f"model {path}: cannot be read: no such file")
    if (tokens is not None and tokens < 1) or batch < 1:
        raise InputError(f"model {path}: tokens and batch must be at least 1, not {tokens} and {batch}")
    config = (path if path.is_dir() else path.parent) / "config.json"
    content = _config(config) if config.is_file() else None
    settings = Settings.read(content, str(config)) if content is not None else None
    weights = plain_weights(open_checkpoint(path), settings)
    check_merged(weights, f"model {path}")
    notes = Notes()
    if content is not None:
        stated = stated or _stated(content)
        found = find_architecture(content, weights, str(config))
        if not isinstance(found, str):
            model, fit = found
            with silent_transformers():
                phases = model_phases(model, tokens=tokens, batch=batch, what=str(path))
            described = _described(str(path), model, phases, weights, fit, scheme, seed, stated, rules)
            return replace(described, batch=batch)
        check_followed(content, found, str(path))
        notes.add(f"{config.name}: {found}; layers follow from the names of the weights")
    if tokens is None:
        raise InputError(f"model {path}: expected a number of tokens, the length of a sequence")
    sizes = None if content is None else Sizes.read(content, str(config))
    zeros = ZeroReader(scheme, seed, stated, notes)
    description = describe_language_model(
        str(path), weights, sizes, zeros, notes, tokens=tokens, batch=batch, rules=rules
    )
    return replace(description, batch=batch)


def _described(
    name: str,
    model: Any,
    phases: list[Phase],
    stored: Stored,
    fit: Fit,
    scheme: Scheme | None,
    seed: int,
    stated: Pattern | None,
    rules: DataRules | None,
) -> ModelDescription:
    """The layers of all phases; a weight is read and measured once for them."""
    known = KnownZeros()
    found = []
    for phase in phases:
        graph = _with_weights(phase.graph, fit.weights)
        part = describe(graph, name=name, scheme=scheme, seed=seed, stated=stated, rules=rules, known=known)
        found.append(_prefixed(part, phase.prefix))
    notes = [phase.note for phase in phases if phase.note]
    return ModelDescription(
        name=name,
        layers=tuple(layer for part in found for layer in part.layers),
        host_operators=tuple(one for part in found for one in part.host_operators),
        notes=tuple(dict.fromkeys([*notes, *(note for part in found for note in part.notes)])),
        runs=tuple(run for part in found for run in part.runs),
        unpriced=(*(each for part in found for each in part.unpriced), *_not_used(model, phases, stored, fit)),
    )


def _with_weights(graph: Graph, weights: Stored) -> Graph:
    """The graph of a module on the meta device, with its weights from a file."""
    bare = graph.read

    def read(name: str) -> torch.Tensor:
        shape = bare(name)
        return weights[name].read().reshape(shape.shape) if name in weights else shape

    return replace(graph, read=read)


def _prefixed(part: ModelDescription, prefix: str) -> ModelDescription:
    def host(operator: HostOperator) -> HostOperator:
        return replace(operator, name=prefix + operator.name)

    return replace(
        part,
        layers=tuple(replace(layer, name=prefix + layer.name) for layer in part.layers),
        host_operators=tuple(map(host, part.host_operators)),
        runs=tuple(
            replace(run, layers=tuple(None if layer is None else prefix + layer for layer in run.layers))
            for run in part.runs
        ),
        unpriced=tuple(replace(each, name=prefix + each.name) for each in part.unpriced),
    )


def _not_used(model: Any, phases: list[Phase], stored: Stored, fit: Fit) -> Iterator[Unpriced]:
    """What is stored, and takes no part in what is priced."""
    kind = type(model).__name__
    foreign = {name: prod(stored[name].shape) for name in fit.unused}
    tensors = model.state_dict(keep_vars=True)
    taken = {id(tensors[name]) for phase in phases for name in phase.graph.used() if name in tensors}
    idle = {
        name: tensor.numel()
        for name, tensor in tensors.items()
        if sum(size > 1 for size in tensor.shape) > 1 and id(tensor) not in taken
    }
    whole = sum(tensor.numel() for tensor in tensors.values()) + sum(foreign.values())
    for sizes, reason in (
        (foreign, f"not those of {kind}"),
        (idle, f"no part of what {kind} computes from these inputs; {WAY}"),
    ):
        if sizes:
            yield stored_weights(sizes, reason, whole)


def _config(path: Path) -> Mapping[str, object]:
    content = parse_json(read_text(path, str(path)), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object of names and values")
    return content


def _stated(config: Mapping[str, object]) -> Pattern | None:
    """The pattern that compressed-tensors' part of a configuration states, such as `2:4`."""
    section: object = config
    for name in ("quantization_config", "sparsity_config", "sparsity_structure"):
        if name == "sparsity_config" and isinstance(section, Mapping) and name not in section:
            section = config.get("sparsity_config")
            continue
        section = section.get(name) if isinstance(section, Mapping) else None
    return Pattern.parse(section) if isinstance(section, str) and re.fullmatch(r"\d+:\d+", section) else None
