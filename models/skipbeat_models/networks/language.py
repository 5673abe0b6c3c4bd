"""Language models from their published configurations, as shapes: their weights lie on the meta device.

BERT-base: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019
(arXiv:1810.04805). GPT-2 (small): Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
Llama-2-7B: Touvron et al., "Llama 2: Open Foundation and Fine-Tuned Chat Models", arXiv:2307.09288. The architectures
are those of the transformers package; neither weights nor a connection are needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

from skipbeat_arch.extras import require_packages

from ..caches import cache_names

#: Without a cache, and attention as two matrix products and a softmax: others look at the values of masks.
_PLAIN: dict[str, Any] = {"use_cache": False, "attn_implementation": "eager"}
#: Name -> class, class of its configuration (whose defaults are the published sizes), and what differs from them. BERT
#: would look for padding in the values of its input.
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert-base": ("BertModel", "BertConfig", {"pad_token_id": None}),
    "gpt-2": ("GPT2LMHeadModel", "GPT2Config", {}),
    "llama-2-7b": ("LlamaForCausalLM", "LlamaConfig", {}),
}


#: Keys and values [sequences, heads, tokens, size of a head] of each layer.
Past = list[tuple[torch.Tensor, torch.Tensor]]


class Decoder(nn.Module):
    """A language model that reads one more token and finds the keys and values of those before it in a cache."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, past: Past) -> torch.Tensor:
        """Token int64 [sequences, 1] and the cache to logits [sequences, 1, words]."""
        cache = _transformers("a language model").DynamicCache()
        for layer, (keys, values) in enumerate(past):
            cache.update(keys, values, layer)
        given = {cache_names(self.network)[0]: cache}
        logits: torch.Tensor = self.network(input_ids=input_ids, use_cache=True, **given).logits
        return logits

    def empty_past(self, tokens: int) -> Past:
        """A cache for one sequence of so many tokens, without numbers, on torch's default device."""
        config: Any = self.network.config
        heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
        shape = (1, heads, tokens, config.hidden_size // config.num_attention_heads)
        return [(torch.empty(shape), torch.empty(shape)) for _ in range(config.num_hidden_layers)]


def build_network(seed: int = 0, *, model: str) -> nn.Module:
    """`bert-base`, `gpt-2` or `llama-2-7b` on the meta device, in evaluation mode; there is nothing for a seed to draw.

    The module takes `input_ids`, int64 [sequences, tokens], and computes without a cache of keys and values.

    Raises:
        InputError: the transformers package is not installed.
    """
    transformers = _transformers(f"zoo:{model}")
    architecture, configuration, options = MODELS[model]
    with torch.device("meta"):
        config = getattr(transformers, configuration)(**_PLAIN, **options)
        network: nn.Module = getattr(transformers, architecture)(config)
    return network.eval()


def _transformers(model: str) -> Any:
    require_packages(f"for {model}", "transformers")
    return import_module("transformers")  # five seconds
