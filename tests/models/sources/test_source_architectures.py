"""Architectures of transformers as small folders, against a count of the products that their own modules compute.

The count is torch's (`FlopCounterMode`): it sees every product that PyTorch dispatches, with real weights and inputs.
"""

from __future__ import annotations

import inspect
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from skipbeat_models.sources import load_source

from .architectures import ARCHITECTURES

TOKENS = 16


def counted(model: Any, inputs: dict[str, Any]) -> int:
    """Multiply-accumulates of a call."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(**inputs)
    return int(counter.get_total_flops()) // 2


def stepped(model: Any, tokens: torch.Tensor) -> int:
    """Multiply-accumulates of the last token, with the cache that those before it leave."""
    with torch.inference_mode():
        before = model(input_ids=tokens[:, :-1], use_cache=True)
    cache = next(name for name in ("past_key_values", "cache_params", "state") if before.get(name) is not None)
    return counted(model, {"input_ids": tokens[:, -1:], cache: before[cache], "use_cache": True})


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_priced_as_it_computes(name: str, tmp_path: Path) -> None:
    transformers = import_module("transformers")
    transformers.logging.set_verbosity_error()
    kind = getattr(transformers, name)
    torch.manual_seed(0)
    model = kind(kind.config_class(**ARCHITECTURES[name])).eval()
    model.save_pretrained(tmp_path)
    found = load_source(str(tmp_path), tokens=TOKENS)
    assert not found.unpriced
    work: Counter[str] = Counter()
    for layer in found.layers:
        phase = layer.name.partition("/")[0]
        work[phase if phase in ("prefill", "decode") else "prefill"] += layer.macs_dense

    if model.main_input_name == "pixel_values":
        size = getattr(model.config, "image_size", None) or 224
        inputs: dict[str, Any] = {"pixel_values": torch.randn(1, 3, size, size)}
    else:
        inputs = {"input_ids": torch.randint(3, 100, (1, TOKENS))}
        if model.config.is_encoder_decoder:
            inputs["decoder_input_ids"] = inputs["input_ids"]
    model.set_attn_implementation("eager")
    model.config._experts_implementation = "eager"  # each expert's rows, one expert after the other
    cached = {"use_cache": False} if "use_cache" in inspect.signature(model.forward).parameters else {}
    assert work["prefill"] == counted(model, {**inputs, **cached})
    if "decode" in work and not model.config.is_encoder_decoder:
        assert work["decode"] == stepped(model, inputs["input_ids"])
