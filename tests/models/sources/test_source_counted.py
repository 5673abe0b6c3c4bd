"""Multiply-accumulates of small models of many families against torch's own counter, which sees every product run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from skipbeat_models.sources import from_module

t: Any = pytest.importorskip("transformers")

Case = tuple[nn.Module, dict[str, torch.Tensor]]
TEXT: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
IMAGE: dict[str, Any] = {name: size for name, size in TEXT.items() if name != "vocab_size"} | {
    "image_size": 32,
    "patch_size": 8,
}
GROUPS: dict[str, Any] = {"num_key_value_heads": 2}
EXPERTS: dict[str, Any] = {**GROUPS, "num_local_experts": 4, "num_experts_per_tok": 2}
STAGES: dict[str, Any] = {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}
SMALL: dict[str, Any] = {"vocab_size": 128, "d_model": 64}


def _tokens(count: int = 12) -> torch.Tensor:
    return torch.randint(0, 100, (1, count), generator=torch.Generator().manual_seed(0))


def _text(name: str, **sizes: Any) -> Case:
    kind = name if name.endswith("Model") else f"{name}ForCausalLM"
    config = getattr(t, name.removesuffix("Model") + "Config")(**(sizes if "vocab_size" in sizes else TEXT | sizes))
    return getattr(t, kind)(config), {"input_ids": _tokens()}


def _image(name: str, size: int = 32, **sizes: Any) -> Case:
    config = getattr(t, name.removesuffix("Model") + "Config")(**sizes)
    return getattr(t, name)(config), {"pixel_values": torch.zeros(1, 3, size, size)}


def _t5() -> Case:
    config = t.T5Config(**SMALL, d_kv=16, d_ff=96, num_layers=2, num_heads=4)
    return t.T5ForConditionalGeneration(config), {"input_ids": _tokens(), "decoder_input_ids": _tokens(5)}


def _siglip() -> Case:
    return t.SiglipVisionModel(t.SiglipVisionConfig(**IMAGE)), {"pixel_values": torch.zeros(1, 3, 32, 32)}


#: By family: how a small model of it is made.
FAMILIES: dict[str, Callable[[], Case]] = {
    "llama": lambda: _text("Llama", **GROUPS),
    "qwen2": lambda: _text("Qwen2", **GROUPS),
    "gemma2": lambda: _text("Gemma2", **GROUPS, head_dim=16),
    "phi": lambda: _text("Phi"),
    "neox": lambda: _text("GPTNeoX"),
    "falcon": lambda: _text("Falcon"),
    "olmo": lambda: _text("Olmo"),
    "stablelm": lambda: _text("StableLm", **GROUPS),
    "granite": lambda: _text("Granite", **GROUPS),
    "mixtral": lambda: _text("Mixtral", **EXPERTS),
    "gpt-oss": lambda: _text("GptOss", **EXPERTS, head_dim=16),
    "gpt2": lambda: _text("GPT2Model", vocab_size=128, n_embd=64, n_layer=2, n_head=4),
    "bloom": lambda: _text("Bloom", vocab_size=128, hidden_size=64, n_layer=2, n_head=4),
    "mamba": lambda: _text("Mamba", vocab_size=128, hidden_size=64, num_hidden_layers=2, state_size=8),
    "bert": lambda: _text("BertModel"),
    "roberta": lambda: _text("RobertaModel"),
    "electra": lambda: _text("ElectraModel", embedding_size=32),
    "albert": lambda: _text("AlbertModel", embedding_size=32),
    "xlnet": lambda: _text("XLNetModel", **SMALL, n_layer=2, n_head=4, d_inner=96),
    "funnel": lambda: _text("FunnelModel", **SMALL, n_head=4, d_head=16, d_inner=96, block_sizes=[1, 1]),
    "t5": _t5,
    "vit": lambda: _image("ViTModel", **IMAGE),
    "deit": lambda: _image("DeiTModel", **IMAGE),
    "beit": lambda: _image("BeitModel", **IMAGE),
    "siglip": _siglip,
    "convnext": lambda: _image("ConvNextModel", hidden_sizes=[16, 32], depths=[1, 1], num_stages=2),
    "resnet": lambda: _image("ResNetModel", **STAGES),
    "regnet": lambda: _image("RegNetModel", 64, **STAGES, groups_width=8),
    "mobilenet-v2": lambda: _image("MobileNetV2Model", 64, image_size=64, depth_multiplier=0.35),
    "poolformer": lambda: _image("PoolFormerModel", 64, hidden_sizes=[16, 16, 32, 32], depths=[1, 1, 1, 1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_all_products_of_a_family_are_counted(family: str) -> None:
    model, given = FAMILIES[family]()
    model.eval()
    experts: Any = getattr(model, "set_experts_implementation", lambda kind: None)
    if family in ("mixtral", "gpt-oss"):
        experts("eager")  # the counter does not know the product of groups
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(**given)
    if family in ("mixtral", "gpt-oss"):
        experts("grouped_mm")
    found = from_module(model, (), given, name=family)
    assert (sum(layer.macs_dense for layer in found.layers), found.unpriced) == (counter.get_total_flops() // 2, ())
