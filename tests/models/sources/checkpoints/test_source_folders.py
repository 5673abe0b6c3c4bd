"""Folders of Hugging Face: priced as the architecture in transformers computes, and as the module itself is priced."""

from __future__ import annotations

import json
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_models.sources import from_module, load_source
from tests.models.sources.described import assert_complete

SIZES: dict[str, Any] = {"vocab_size": 48, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
TEXT = {**SIZES, "intermediate_size": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
LATENT = {"q_lora_rank": 24, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8}
EXPERTS = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_shared_experts": 1}


def saved(folder: Path, architecture: str, **sizes: Any) -> Any:
    """A module with weights from a seed, saved as transformers does."""
    transformers = import_module("transformers")
    transformers.logging.set_verbosity_error()
    kind = getattr(transformers, architecture)
    torch.manual_seed(0)
    model = kind(kind.config_class(**sizes)).eval()
    model.save_pretrained(folder)
    return model


def work(found: ModelDescription) -> dict[str, int]:
    """Multiply-accumulates by phase."""
    counted: Counter[str] = Counter()
    for layer in found.layers:
        first = layer.name.partition("/")[0]
        counted[first if first in ("prefill", "decode") else ""] += layer.macs_dense
    return dict(counted)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT-NeoX": ("GPTNeoXForCausalLM", TEXT),
    "grouped queries, windows": ("MistralForCausalLM", {**TEXT, "num_key_value_heads": 2, "sliding_window": 4}),
    "mixture": ("MixtralForCausalLM", {**TEXT, "num_key_value_heads": 2, "num_local_experts": 4}),
    "latent attention": (
        "DeepseekV3ForCausalLM",
        {**TEXT, **LATENT, **EXPERTS, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1},
    ),
    "shared blocks": ("AlbertModel", {**TEXT, "embedding_size": 16, "num_hidden_layers": 3}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_folder_is_priced_as_its_module(case: str, tmp_path: Path) -> None:
    architecture, sizes = CASES[case]
    model = saved(tmp_path, architecture, **sizes)
    found = load_source(str(tmp_path), tokens=8)
    assert_complete(found)
    inputs = {"input_ids": torch.zeros(1, 8, dtype=torch.int64), "use_cache": False}
    if architecture == "AlbertModel":
        inputs.pop("use_cache")
    own = from_module(model, (), inputs, name="module")
    counted = work(found)
    assert counted.get("prefill", counted.get("")) == sum(layer.macs_dense for layer in own.layers)
    assert ("decode" in counted) == (architecture != "AlbertModel")
    if "decode" in counted:
        stored = {layer.name.partition("/")[2]: layer for layer in found.layers if layer.stored}
        assert len(stored) == sum(layer.stored for layer in own.layers)


def test_decode_looks_at_the_cache(tmp_path: Path) -> None:
    """By hand: each weight once, and the keys and values that a window keeps."""
    sizes = {**TEXT, "num_key_value_heads": 2, "num_hidden_layers": 1}
    weights = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 64 + 48 * 32
    saved(tmp_path, "MistralForCausalLM", **sizes, sliding_window=5)
    found = load_source(str(tmp_path), tokens=8)
    assert work(found) == {"prefill": 8 * (weights + 2 * 32 * 8), "decode": weights + 2 * 32 * 5}
    shapes = {layer.name: layer.shape for layer in found.layers}
    assert shapes["decode/model.layers.0.self_attn.query-key"] == "2x8 by 8x5, 2 times"
    assert any("looks at 5 tokens at most" in note for note in found.notes)


@pytest.mark.slow
def test_an_encoder_and_a_decoder(tmp_path: Path) -> None:
    saved(tmp_path, "T5ForConditionalGeneration", vocab_size=48, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    counted = work(load_source(str(tmp_path), tokens=8))
    attention, scores, forward = 4 * 32 * 32, 2 * 32 * 8, 2 * 32 * 64
    assert counted["prefill"] == 8 * (3 * (attention + scores) + 2 * forward + 48 * 32)
    # What the encoder gives is multiplied by the decoder's key and value weights once, in prefill.
    assert counted["decode"] == attention + 2 * 32 * 32 + 2 * scores + forward + 48 * 32


def test_an_image_has_no_tokens(tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    saved(tmp_path, "ViTForImageClassification", **sizes, image_size=16, patch_size=8, num_labels=3)
    found = load_source(str(tmp_path), batch=2)
    assert work(found) == {"": 2 * (4 * 32 * 192 + 5 * (4 * 32 * 32 + 2 * 32 * 5 + 2 * 32 * 64) + 3 * 32)}
    assert any("one image is 3x16x16, as the configuration says" in note for note in found.notes)


def test_what_is_missing_or_needless_is_said(tmp_path: Path) -> None:
    saved(tmp_path, "LlamaForCausalLM", **{**TEXT, "num_hidden_layers": 1})
    file, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    weights = load_file(file)
    save_file({**weights, "vision.proj.weight": torch.ones(4, 8)}, file)
    found = load_source(str(tmp_path), tokens=1)
    assert [(each.name, each.parameters) for each in found.unpriced] == [("vision.proj.weight", 32)]
    assert "not those of LlamaForCausalLM" in found.unpriced[0].reason
    save_file({name: weight for name, weight in weights.items() if "up_proj" not in name}, file)
    with pytest.raises(InputError, match="LlamaForCausalLM needs 1 weights that are missing: model"):
        load_source(str(tmp_path), tokens=4)
    save_file({**weights, "lm_head.weight": torch.ones(47, 32)}, file)
    with pytest.raises(InputError, match=r"lm_head.weight has shape \(47, 32\); expected \(48, 32\)"):
        load_source(str(tmp_path), tokens=4)
    save_file(weights, file)
    stated = json.loads(config.read_text())
    for change, expected in (
        ({"num_hidden_layers": 100_000}, "expected at most 4,096 layers"),
        ({"hidden_size": "32"}, "no configuration of llama"),
        ({"num_attention_heads": 0}, "config.json: .*"),
    ):
        config.write_text(json.dumps({**stated, **change}))
        with pytest.raises(InputError, match=expected) as caught:
            load_source(str(tmp_path), tokens=4)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_weights_that_take_no_part_are_unpriced(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**sizes, "image_size": 16, "patch_size": 8}
    text = {**TEXT, "head_dim": 8, "num_key_value_heads": 2, "num_hidden_layers": 1}
    saved(tmp_path, "Gemma3ForConditionalGeneration", text_config=text, vision_config=vision, mm_tokens_per_image=4)
    found = load_source(str(tmp_path), tokens=4)
    (left,) = found.unpriced
    assert "no part of what Gemma3ForConditionalGeneration computes from these inputs" in left.reason
    assert "vision" in left.name
    assert 0.1 < left.share < 0.9
    assert work(found)["prefill"] > 0


def test_what_takes_other_inputs_names_the_way_that_works(tmp_path: Path) -> None:
    saved(tmp_path, "Wav2Vec2Model", **SIZES, intermediate_size=64)
    with pytest.raises(InputError, match="Wav2Vec2Model takes input_values; price it as module:function"):
        load_source(str(tmp_path), tokens=4)
