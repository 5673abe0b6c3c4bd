"""Multiply-accumulates as they are priced beside those that PyTorch's own counter sees, which runs the model.

`FlopCounterMode` sees every product that PyTorch dispatches, with real weights and inputs.
"""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from skipbeat_arch.model import ModelDescription
from skipbeat_models.sources import from_module, load_source

from .architectures import ARCHITECTURES

TOKENS = 16


@dataclass(frozen=True, kw_only=True)
class Counts:
    """One model, in one phase.

    Attributes:
        priced: multiply-accumulates of its layers. counted: of PyTorch's counter.
        unpriced: operators that are named as unpriced.
    """

    priced: int
    counted: int
    unpriced: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What a reader wants to know."""
        if self.priced == self.counted:
            return "exact" if not self.unpriced else "exact, and more is named"
        if self.unpriced:
            return "named as unpriced"
        return "too high" if self.priced > self.counted else "too low"


def count_architecture(name: str, folder: Path) -> dict[str, Counts]:
    """An architecture of transformers as a folder, by phases.

    Raises:
        InputError: it is refused.
    """
    transformers = import_module("transformers")
    transformers.logging.set_verbosity_error()
    kind = getattr(transformers, name)
    torch.manual_seed(0)
    model = kind(kind.config_class(**ARCHITECTURES[name])).eval()
    model.save_pretrained(folder)
    found = load_source(str(folder), tokens=TOKENS)
    work: Counter[str] = Counter()
    for layer in found.layers:
        phase = layer.name.partition("/")[0]
        work[phase if phase in ("prefill", "decode") else "prefill"] += layer.macs_dense
    model.set_attn_implementation("eager")
    model.config._experts_implementation = "eager"  # each expert's rows, one expert after the other
    inputs = _inputs(model)
    cached = {"use_cache": False} if "use_cache" in inspect.signature(model.forward).parameters else {}
    counts = {"prefill": _counts(found, work["prefill"], counted(model, **inputs, **cached))}
    if "decode" in work and not model.config.is_encoder_decoder:
        counts["decode"] = _counts(found, work["decode"], _stepped(model, inputs["input_ids"]))
    return counts


def count_module(model: torch.nn.Module, inputs: Any, name: str) -> Counts:
    """A module as it is.

    Raises:
        InputError: it is refused.
    """
    found = from_module(model, tuple(tree_leaves(inputs)), name=name)
    return _counts(found, sum(layer.macs_dense for layer in found.layers), counted(model, *tree_leaves(inputs)))


def counted(model: Any, *inputs: Any, **named: Any) -> int:
    """Multiply-accumulates of a call."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(*inputs, **named)
    return int(counter.get_total_flops()) // 2


def _counts(found: ModelDescription, priced: int, other: int) -> Counts:
    return Counts(priced=priced, counted=other, unpriced=tuple(sorted({each.operator for each in found.unpriced})))


def _inputs(model: Any) -> dict[str, Any]:
    if model.main_input_name == "pixel_values":
        size = getattr(model.config, "image_size", None) or 224
        return {"pixel_values": torch.randn(1, 3, size, size)}
    tokens = torch.randint(3, 100, (1, TOKENS))
    return {"input_ids": tokens} | ({"decoder_input_ids": tokens} if model.config.is_encoder_decoder else {})


def _stepped(model: Any, tokens: torch.Tensor) -> int:
    """Multiply-accumulates of the last token, with the cache that those before it leave."""
    with torch.inference_mode():
        before = model(input_ids=tokens[:, :-1], use_cache=True)
    cache = next(name for name in ("past_key_values", "cache_params", "state") if before.get(name) is not None)
    return counted(model, input_ids=tokens[:, -1:], **{cache: before[cache]}, use_cache=True)
