"""What a module of transformers does for a number of tokens: all of them at once, and one more with a cache.

The cache of a step is whatever the module itself hands back after the tokens before it: keys and values, latent ones,
windows, or the state of a recurrence.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, cast

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from skipbeat_arch.errors import InputError, described

from ...caches import cache_names
from ..graphs.graph import Graph, Operator
from .exported import export_module, quiet
from .fakes import on_fake_cpu

#: What is left where a folder cannot be priced.
WAY = "price it as module:function"
_INSIDE = "network"
_DEFAULT_IMAGE = 224


@dataclass(frozen=True, kw_only=True, eq=False)
class Phase:
    """One use of the module: its operators, and what its layers' names begin with."""

    prefix: str
    graph: Graph
    note: str


def model_phases(model: Any, *, tokens: int | None, batch: int, what: str) -> list[Phase]:
    """One phase for a module that computes everything at once, two for one that makes one token after the other.

    Raises:
        InputError: it does not export, needs tokens that were not given, or takes something else than tokens or images.
    """
    config = model.config
    if model.main_input_name == "pixel_values":
        size, said = _image(config)
        note = f"one image is {'x'.join(map(str, size))}, {said}"
        inputs = {"pixel_values": _meta(batch, *size, dtype=torch.float32)}
        return [Phase(prefix="", graph=_exported(model, inputs, what), note=note)]
    if model.main_input_name != "input_ids":
        raise InputError(f"model {what}: {type(model).__name__} takes {model.main_input_name}; {WAY}")
    if tokens is None:
        raise InputError(f"model {what}: expected a number of tokens, the length of a sequence")
    inputs = {"input_ids": _meta(batch, tokens)}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = _meta(batch, tokens)
    if not decodes(model):
        return [Phase(prefix="", graph=_exported(model, inputs, what), note=f"sequences have {tokens:,} tokens")]
    whole = f"prefill computes {tokens:,} tokens at once; decode one token that looks at {tokens:,}"
    if config.is_encoder_decoder:
        whole = f"prefill: {tokens:,} tokens for the encoder and for the decoder; decode one token that looks at both"
    first = Phase(prefix="prefill/", graph=_exported(model, inputs, what), note=whole)
    step = first.graph if tokens == 1 else _step(model, tokens, batch, what)
    if step is None:
        said = f"{type(model).__name__} hands back no cache, so that a step of decoding has no price"
        return [replace(first, note=f"prefill computes {tokens:,} tokens at once; {said}")]
    return [first, Phase(prefix="decode/", graph=step, note=_windows(config, tokens))]


def _windows(config: Any, tokens: int) -> str:
    """What windows of attention mean for the numbers, if there are any that are shorter than the sequence."""
    inner = config.get_text_config()
    kinds = getattr(inner, "layer_types", None) or ()
    window = getattr(inner, "sliding_window", None)
    if not isinstance(window, int) or window >= tokens or (kinds and "sliding_attention" not in kinds):
        return ""
    return (
        f"attention looks at {window:,} tokens at most where the configuration says so: decode moves and multiplies no "
        "more; prefill multiplies all of them and masks the others, as the architecture does"
    )


def decodes(model: Any) -> bool:
    """Whether a module makes one token after the other: encoders of the same families do not."""
    config = model.config
    tables = import_module("transformers.models.auto.modeling_auto")
    encoder = config.model_type in tables.MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.is_encoder_decoder
    if encoder and not getattr(config, "is_decoder", False):
        return False
    return bool(model.can_generate()) or config.model_type in tables.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


class _Call(nn.Module):
    """A module that is called by names, with a cache if there is one, and gives every tensor that it computes."""

    def __init__(self, network: nn.Module, cache: _Cache | None = None) -> None:
        super().__init__()
        setattr(self, _INSIDE, network)
        self.cache = cache

    def forward(self, given: dict[str, torch.Tensor], past: list[torch.Tensor]) -> list[torch.Tensor]:
        network = cast(Any, getattr(self, _INSIDE))
        call: dict[str, Any] = dict(given)
        if self.cache is not None:
            call |= {"use_cache": True, self.cache.name: self.cache.filled(past)}
        elif "use_cache" in inspect.signature(network.forward).parameters:
            call["use_cache"] = False
        if "encoder_outputs" in call:
            call["encoder_outputs"] = (call["encoder_outputs"],)
        return _tensors(network(**call, return_dict=True))


class _Cache:
    """A cache as a module handed it back; its tensors are replaced by those of a call."""

    def __init__(self, name: str, cache: object) -> None:
        self.name, self._cache = name, cache
        self.tensors = _held_tensors(cache)

    def __deepcopy__(self, memo: object) -> _Cache:
        return self

    def filled(self, tensors: list[torch.Tensor]) -> object:
        memo: dict[int, object] = {id(old): new for old, new in zip(self.tensors, tensors, strict=True)}
        return copy.deepcopy(self._cache, memo)


def _exported(model: Any, inputs: Mapping[str, torch.Tensor], what: str) -> Graph:
    return _export(_Call(model), (dict(inputs), []), what)


def _step(model: Any, tokens: int, batch: int, what: str) -> Graph | None:
    """One more token; None if the module hands back no cache."""
    inputs = {"input_ids": _meta(batch, tokens - 1)}
    if model.config.is_encoder_decoder:
        inputs = {"input_ids": _meta(batch, tokens), "decoder_input_ids": inputs["input_ids"]}
    names = cache_names(model)
    if not names:
        return None
    result = _after(model, inputs, what)
    name = next((name for name in names if result.get(name) is not None), None)
    if name is None:
        return None
    cache = _Cache(name, result[name])
    past = [_meta(*tensor.shape, dtype=tensor.dtype) for tensor in cache.tensors]
    given = {"input_ids": _meta(batch, 1)}
    if model.config.is_encoder_decoder:
        encoded = result["encoder_last_hidden_state"]
        given = {"decoder_input_ids": given["input_ids"], "encoder_outputs": _meta(*encoded.shape, dtype=encoded.dtype)}
    return _export(_Call(model, cache), (given, past), what)


def _after(model: Any, inputs: Mapping[str, torch.Tensor], what: str) -> Any:
    """What a module returns for tokens, as shapes."""
    try:
        with quiet(), torch.no_grad():
            copied, _, kwargs = on_fake_cpu(model, (), inputs)
            network = cast(Any, copied)
            network.config._experts_implementation = "batched_mm"  # the others want numbers
            mode: FakeTensorMode = next(network.parameters()).fake_mode
            with mode:
                return network(**kwargs, use_cache=True, return_dict=True)
    except Exception as error:  # whatever the architecture's own code raises
        raise InputError(f"model {what}: {type(model).__name__} with a cache: {described(error)}; {WAY}") from error


def _export(call: _Call, inputs: tuple[object, ...], what: str) -> Graph:
    try:
        graph = export_module(call, inputs, {})
    except InputError as error:
        kind = type(getattr(call, _INSIDE)).__name__
        reason = str(error).replace(f"model {type(call).__name__}", kind).partition("; way round")[0]
        raise InputError(f"model {what}: {reason}; {WAY}") from error
    outer = f"{_INSIDE}."

    def named(operator: Operator) -> Operator:
        return replace(operator, module="" if operator.module == _INSIDE else operator.module.removeprefix(outer))

    names = {name.removeprefix(outer): name for name in graph.stored}
    return replace(
        graph,
        operators=tuple(map(named, graph.operators)),
        weights={value: name.removeprefix(outer) for value, name in graph.weights.items()},
        read=lambda name: graph.read(names[name]),
        stored=frozenset(names),
    )


def _tensors(found: object) -> list[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        return [found]
    items = found.values() if isinstance(found, Mapping) else found if isinstance(found, list | tuple) else ()
    return [tensor for item in items for tensor in _tensors(item)]


def _held_tensors(cache: object) -> list[torch.Tensor]:
    """The tensors in a cache of any class, each once."""
    found: dict[int, torch.Tensor] = {}
    seen: set[int] = set()

    def visit(item: object) -> None:
        if id(item) in seen or isinstance(item, type | nn.Module):
            return
        seen.add(id(item))
        if isinstance(item, torch.Tensor):
            found[id(item)] = item
        elif isinstance(item, dict):
            for inner in item.values():
                visit(inner)
        elif isinstance(item, list | tuple):
            for inner in item:
                visit(inner)
        elif hasattr(item, "__dict__"):
            visit(vars(item))

    visit(cache)
    return list(found.values())


def _image(config: Any) -> tuple[tuple[int, int, int], str]:
    """Channels, height and width of an image, and where they are from."""
    stated = getattr(config, "image_size", None)
    size = stated or _DEFAULT_IMAGE
    height, width = size if isinstance(size, list | tuple) else (size, size)
    said = "as the configuration says" if stated else "for want of an image_size in the configuration"
    return (int(getattr(config, "num_channels", 3)), int(height), int(width)), said


def _meta(*shape: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    return torch.zeros(shape, dtype=dtype, device="meta")
