"""Language models: a token that finds the others in a cache gets the logits of a sequence that is read at once."""

from __future__ import annotations

from importlib import import_module

import torch

from skipbeat_models.networks.language import Decoder


def test_decoding_with_a_cache_is_reading_at_once() -> None:
    transformers = import_module("transformers")
    small = transformers.GPT2Config(
        n_layer=2, n_head=2, n_embd=8, vocab_size=11, n_positions=16, attn_implementation="eager"
    )
    grouped = transformers.LlamaConfig(
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        hidden_size=16,
        intermediate_size=8,
        vocab_size=11,
        attn_implementation="eager",
    )
    for model in (transformers.GPT2LMHeadModel(small), transformers.LlamaForCausalLM(grouped)):
        network = model.eval()
        decoder = Decoder(network).eval()
        tokens = torch.tensor([[3, 1, 4, 1, 5]])
        with torch.no_grad():
            cache = network(input_ids=tokens[:, :4], use_cache=True).past_key_values
            past = [(layer.keys, layer.values) for layer in cache.layers]
            assert [pair[0].shape for pair in past] == [pair[0].shape for pair in decoder.empty_past(4)]
            last = decoder(tokens[:, 4:], past)
            torch.testing.assert_close(last, network(input_ids=tokens, use_cache=False).logits[:, 4:])
