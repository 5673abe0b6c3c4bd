"""The layers of a language model, from its checkpoint and the sizes of its Hugging Face `config.json`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import HostOperator, ModelDescription, ModelLayer, Unpriced
from skipbeat_arch.workload import Gemm

from .checkpoints.naming import Role, block, expert, role, running_order
from .checkpoints.sizes import Sizes
from .checkpoints.stored import Stored, StoredTensor
from .data_rules import DataRules
from .layers.attention_reader import attention_layers
from .layers.linear import linear_layer
from .nodes.runs import layer_runs
from .notes import Notes
from .pruned_weights.zeros import ZeroReader

_NAMED = 4
_NORM = re.compile(r"norm|ln_|layer_norm|LayerNorm", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One use of the model: `rows` tokens are computed at a time, which look at `context` tokens."""

    prefix: str
    sequences: int
    length: int
    context: int

    @property
    def rows(self) -> int:
        """Tokens that are computed together."""
        return self.sequences * self.length


def describe_language_model(
    name: str,
    weights: Stored,
    sizes: Sizes | None,
    zeros: ZeroReader,
    notes: Notes,
    *,
    tokens: int,
    batch: int,
    rules: DataRules | None = None,
) -> ModelDescription:
    """The linear layers of a checkpoint, and with a configuration also the attention's products.

    With a configuration of a model that decodes there are two groups of layers: `prefill/` computes all tokens at
    once, and `decode/` the last of them, with the others as its context.

    Raises:
        InputError: no linear layer is there, or a weight is not finite.
    """
    layers = _matrices(weights, sizes)
    if not any(role(layer) is not Role.EMBEDDING for layer in layers):
        raise InputError(f"model {name}: expected two-dimensional weights of linear layers in it")
    other = {key: prod(tensor.shape) for key, tensor in weights.items() if len(tensor.shape) > 2}
    whole = sum(prod(tensor.shape) for tensor in weights.values())
    why = "sizes that weights of more than two dimensions work on are not stored; give the model as module:function"
    phases = [Phase(prefix="", sequences=batch, length=tokens, context=tokens)]
    if sizes is not None and sizes.decodes:
        phases = [
            Phase(prefix="prefill/", sequences=batch, length=tokens, context=tokens),
            Phase(prefix="decode/", sequences=batch, length=1, context=tokens),
        ]
        notes.add(f"prefill computes {tokens:,} tokens at once; decode one token that looks at {tokens:,}")
    if sizes is None:
        notes.add(
            "no config.json: every two-dimensional weight counts as a linear layer, and attention's products of "
            "activations are not in the numbers"
        )
    linear = {
        layer: _linear(layer, tensor, zeros) for layer, tensor in layers.items() if role(layer) is not Role.EMBEDDING
    }
    found: list[ModelLayer] = []
    host: list[HostOperator] = []
    for phase in phases:
        found += _phase_layers(phase, linear, sizes, rules or DataRules())
        host += _host_operators(phase, weights, layers, sizes)
    return ModelDescription(
        name=name,
        layers=tuple(found),
        host_operators=tuple(host),
        notes=notes.texts(),
        runs=tuple(run for layer in found for run in layer_runs(layer)),
        unpriced=(stored_weights(other, why, whole),) if other else (),
    )


def stored_weights(sizes: Mapping[str, int], reason: str, whole: int) -> Unpriced:
    """Weights that are stored and in no layer, by their names with their elements, of `whole` elements."""
    names, elements = list(sizes), sum(sizes.values())
    more = ", ..." if len(names) > _NAMED else ""
    return Unpriced(
        name=", ".join(names[:_NAMED]) + more,
        operator=f"{len(names)} stored weights",
        reason=reason,
        elements=0,
        parameters=elements,
        share=elements / max(1, whole),
    )


def _matrices(weights: Stored, sizes: Sizes | None) -> dict[str, StoredTensor]:
    """The weights [K, C] of linear layers and embeddings by layer, in the order in which they run."""
    flat = [key for key, tensor in weights.items() if key.endswith("proj.weight") and len(tensor.shape) == 1]
    if flat:
        raise InputError(f"weight {flat[0]}: it is quantised, and the file does not say its shape")
    found = {}
    for name, tensor in weights.items():
        if len(tensor.shape) == 2 and not name.endswith(("_scale", "_zero_point", "bias")):
            layer = name.removesuffix(".weight")
            embedding = role(layer) is Role.EMBEDDING
            transposed = sizes is not None and sizes.transposed and block(layer) is not None and not embedding
            found[layer] = _flipped(tensor) if transposed else tensor
    heads = [layer for layer in found if role(layer) is Role.HEAD]
    words = [layer for layer in found if layer.endswith(("embed_tokens", "wte", "word_embeddings"))]
    if sizes is not None and sizes.decodes and sizes.tied and words and not heads:
        found["lm_head"] = found[words[0]]
    return {layer: found[layer] for layer in running_order(list(found))}


def _flipped(tensor: StoredTensor) -> StoredTensor:
    return StoredTensor(shape=tensor.shape[::-1], read=lambda: tensor.read().t())


def _linear(name: str, tensor: StoredTensor, zeros: ZeroReader) -> ModelLayer:
    """A layer for one row; it is measured once for all phases."""
    k, c = tensor.shape
    return linear_layer(zeros, name, p=1, c=c, k=k, read=tensor.read)


def _phase_layers(
    phase: Phase, linear: Mapping[str, ModelLayer], sizes: Sizes | None, rules: DataRules
) -> Iterator[ModelLayer]:
    pending: str | None = None
    for name, layer in linear.items():
        what = role(name)
        if pending is not None and sizes is not None and what is not Role.ATTENTION_IN:
            yield from _attention(phase, pending, sizes, rules)
            pending = None
        if what is Role.ATTENTION_IN and block(name) is not None:
            pending = name.rpartition(".")[0]
        rows = phase.sequences if what is Role.POOLED else phase.rows
        number = expert(name)
        if number is not None and sizes is not None:
            spread = rules.routing.rows(name, sizes.experts, rows * sizes.active)
            rows = spread[number] if number < len(spread) else 0
        if rows:  # an expert that no token chooses is not fetched
            yield _with_rows(layer, phase.prefix, rows)


def _with_rows(layer: ModelLayer, prefix: str, rows: int) -> ModelLayer:
    (part,) = layer.parts
    work = part.workload
    assert isinstance(work, Gemm)
    work = replace(work, p=rows)
    return replace(
        layer, name=prefix + layer.name, shape=f"{work.k}x{work.c} on {rows}", parts=(replace(part, workload=work),)
    )


def _attention(phase: Phase, module: str, sizes: Sizes, rules: DataRules) -> Iterator[ModelLayer]:
    """Heads that share keys and values are the rows of one product, which moves them once."""
    keys, size = phase.context, sizes.head_size
    if phase.length == 1 and sizes.window:
        keys = min(keys, sizes.window)
    shared = sizes.heads // sizes.groups
    layers, _ = attention_layers(
        rules.attention,
        (f"{phase.prefix}{module}.query-key", f"{phase.prefix}{module}.score-value"),
        times=phase.sequences * sizes.heads,
        heads=sizes.heads,
        shared=(shared, shared),
        sizes=(phase.length, keys, size, size),
    )
    yield from layers


def _host_operators(
    phase: Phase, weights: Stored, layers: Mapping[str, StoredTensor], sizes: Sizes | None
) -> Iterator[HostOperator]:
    """What stands around the products in every such model; norms and embeddings as the checkpoint has them."""

    def some(name: str, operator: str, elements: int, count: int, fused: bool = False) -> Iterator[HostOperator]:
        if count:
            yield HostOperator(name=phase.prefix + name, operator=operator, elements=elements, count=count, fused=fused)

    embeddings = Counter(tensor.shape[1] for layer, tensor in layers.items() if role(layer) is Role.EMBEDDING)
    for size, count in embeddings.items():
        yield from some("embeddings", "embedding", phase.rows * size, count)
    norms = Counter(
        tensor.shape[0]
        for name, tensor in weights.items()
        if len(tensor.shape) == 1 and name.endswith(".weight") and _NORM.search(name)
    )
    for size, count in norms.items():
        yield from some("norms", "normalisation", phase.rows * size, count)
    if sizes is None:
        return
    blocks = len({block(layer) for layer in layers} - {None})
    yield from some("attention", "softmax", sizes.heads * phase.rows * phase.context, blocks)
    widths = Counter(
        tensor.shape[1]
        for layer, tensor in layers.items()
        if role(layer) is Role.FEED_FORWARD_OUT and expert(layer) is None
    )
    for size, count in widths.items():
        yield from some("feed-forward", "activation", phase.rows * size, count)
    yield from some("residual", "addition", phase.rows * sizes.hidden, 2 * blocks, fused=True)
