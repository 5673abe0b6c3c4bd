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

TOKENS = 16
DECODER = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ENCODER = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
IMAGE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
BOTH = {
    "vocab_size": 128,
    "d_model": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "AlbertForMaskedLM": {**ENCODER, "embedding_size": 32},
    "AlbertModel": {**ENCODER, "num_hidden_layers": 4, "embedding_size": 32},
    "BartForConditionalGeneration": {
        "vocab_size": 128,
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 128,
        "max_position_embeddings": 64,
    },
    "BeitModel": IMAGE,
    "BertForMaskedLM": ENCODER,
    "BertForSequenceClassification": ENCODER,
    "BertModel": ENCODER,
    "BigBirdModel": {**ENCODER, "attention_type": "original_full"},
    "BlenderbotSmallForConditionalGeneration": BOTH,
    "BloomForCausalLM": {"vocab_size": 128, "hidden_size": 64, "n_layer": 2, "n_head": 4},
    "CamembertModel": ENCODER,
    "CodeGenForCausalLM": {
        "vocab_size": 128,
        "n_embd": 64,
        "n_layer": 1,
        "n_head": 4,
        "n_positions": 64,
        "rotary_dim": 8,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "Cohere2ForCausalLM": {**DECODER, "sliding_window": 8},
    "CohereForCausalLM": DECODER,
    "ConvBertModel": {**ENCODER, "embedding_size": 64},
    "ConvNextForImageClassification": {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1], "image_size": 64},
    "DeepseekV2ForCausalLM": {
        "vocab_size": 128,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "q_lora_rank": 24,
        "kv_lora_rank": 16,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "n_shared_experts": 1,
    },
    "DeiTModel": IMAGE,
    "Dinov2Model": IMAGE,
    "DistilBertModel": {"vocab_size": 128, "dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 4},
    "ElectraForPreTraining": {**ENCODER, "embedding_size": 32},
    "Ernie4_5ForCausalLM": {**DECODER, "head_dim": 16},
    "ErnieModel": ENCODER,
    "EuroBertModel": DECODER,
    "FNetModel": {
        "vocab_size": 128,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "max_position_embeddings": 64,
    },
    "FalconForCausalLM": {
        "vocab_size": 128,
        "hidden_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "pad_token_id": 0,
    },
    "GPT2LMHeadModel": {"vocab_size": 128, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "GPTBigCodeForCausalLM": {
        "vocab_size": 128,
        "n_embd": 64,
        "n_layer": 1,
        "n_head": 4,
        "n_positions": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "GPTJForCausalLM": {"vocab_size": 128, "n_embd": 64, "n_layer": 2, "n_head": 4, "rotary_dim": 8, "n_positions": 64},
    "GPTNeoForCausalLM": {
        "vocab_size": 128,
        "hidden_size": 64,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "max_position_embeddings": 64,
        "window_size": 8,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "Gemma2ForCausalLM": {**DECODER, "head_dim": 16, "sliding_window": 8},
    "Gemma3ForCausalLM": {**DECODER, "head_dim": 16, "sliding_window": 8},
    "GemmaForCausalLM": {**DECODER, "head_dim": 16},
    "Glm4ForCausalLM": {**DECODER, "head_dim": 16},
    "GlmForCausalLM": {**DECODER, "head_dim": 16},
    "GptOssForCausalLM": {
        **DECODER,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "head_dim": 16,
        "sliding_window": 8,
    },
    "GraniteForCausalLM": DECODER,
    "GraniteMoeForCausalLM": {**DECODER, "num_local_experts": 4, "num_experts_per_tok": 2},
    "HeliumForCausalLM": {**DECODER, "head_dim": 16},
    "JambaForCausalLM": {
        **DECODER,
        "num_hidden_layers": 2,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "num_experts": 4,
        "mamba_d_state": 8,
        "mamba_dt_rank": 4,
        "use_mamba_kernels": False,
    },
    "LayoutLMModel": ENCODER,
    "Lfm2ForCausalLM": {**DECODER, "num_hidden_layers": 2, "layer_types": ["conv", "full_attention"]},
    "M2M100ForConditionalGeneration": BOTH,
    "MBartForConditionalGeneration": BOTH,
    "MPNetModel": ENCODER,
    "MT5ForConditionalGeneration": {
        "vocab_size": 128,
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 1,
        "num_heads": 4,
    },
    "Mamba2ForCausalLM": {
        "vocab_size": 128,
        "hidden_size": 64,
        "state_size": 8,
        "num_hidden_layers": 1,
        "num_heads": 8,
        "head_dim": 16,
        "n_groups": 1,
        "chunk_size": 8,
    },
    "MambaForCausalLM": {"vocab_size": 128, "hidden_size": 64, "state_size": 8, "num_hidden_layers": 1},
    "MarianMTModel": BOTH,
    "MistralForCausalLM": {**DECODER, "sliding_window": 8},
    "ModernBertModel": ENCODER,
    "MptForCausalLM": {"vocab_size": 128, "d_model": 64, "n_heads": 4, "n_layers": 1, "max_seq_len": 64},
    "NemotronForCausalLM": DECODER,
    "NomicBertModel": ENCODER,
    "OPTForCausalLM": {
        "vocab_size": 128,
        "hidden_size": 64,
        "ffn_dim": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "word_embed_proj_dim": 32,
        "pad_token_id": 0,
    },
    "Olmo2ForCausalLM": DECODER,
    "OlmoForCausalLM": DECODER,
    "OlmoeForCausalLM": {**DECODER, "num_experts": 4, "num_experts_per_tok": 2},
    "PegasusForConditionalGeneration": BOTH,
    "PersimmonForCausalLM": DECODER,
    "Phi3ForCausalLM": DECODER,
    "PhiForCausalLM": DECODER,
    "PhimoeForCausalLM": {**DECODER, "num_local_experts": 4, "num_experts_per_tok": 2},
    "Qwen2ForCausalLM": DECODER,
    "Qwen2MoeForCausalLM": {
        **DECODER,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 32,
    },
    "Qwen3ForCausalLM": {**DECODER, "head_dim": 16},
    "Qwen3MoeForCausalLM": {
        **DECODER,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "head_dim": 16,
    },
    "RecurrentGemmaForCausalLM": {
        **DECODER,
        "num_hidden_layers": 3,
        "lru_width": 64,
        "attention_window_size": 16,
        "head_dim": 16,
    },
    "ResNetForImageClassification": {"embedding_size": 8, "hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]},
    "RoFormerModel": {**ENCODER, "embedding_size": 64},
    "RobertaModel": ENCODER,
    "SegformerForImageClassification": {
        "image_size": 64,
        "depths": [1, 1, 1, 1],
        "hidden_sizes": [8, 16, 32, 64],
        "num_attention_heads": [1, 2, 4, 8],
        "decoder_hidden_size": 32,
    },
    "SmolLM3ForCausalLM": DECODER,
    "SqueezeBertModel": {**ENCODER, "embedding_size": 64},
    "StableLmForCausalLM": DECODER,
    "Starcoder2ForCausalLM": DECODER,
    "SwinModel": {
        "image_size": 32,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [1, 1],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "Swinv2Model": {
        "image_size": 32,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [1, 1],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "T5EncoderModel": {"vocab_size": 128, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4},
    "T5ForConditionalGeneration": {
        "vocab_size": 128,
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 2,
        "num_heads": 4,
    },
    "ViTForImageClassification": IMAGE,
    "XGLMForCausalLM": {
        "vocab_size": 128,
        "d_model": 64,
        "ffn_dim": 128,
        "num_layers": 1,
        "attention_heads": 4,
        "max_position_embeddings": 64,
    },
    "XLMRobertaModel": ENCODER,
}


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
