"""Language models from their checkpoints: the same work as the module does, and what decoding needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind, ModelDescription
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import load_source
from skipbeat_models.sources.checkpoints.naming import Role, block, role, running_order
from tests.models.sources.described import assert_complete

LLAMA = {"model_type": "our-llama", "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2}
PARTS = {
    "self_attn.q_proj": (32, 32),
    "self_attn.k_proj": (16, 32),
    "self_attn.v_proj": (16, 32),
    "self_attn.o_proj": (32, 32),
    "mlp.gate_proj": (48, 32),
    "mlp.up_proj": (48, 32),
    "mlp.down_proj": (32, 48),
}


def llama(
    folder: Path, config: dict[str, object] | None = None, more: dict[str, torch.Tensor] | None = None, files: int = 1
) -> Path:
    """Two blocks of a Llama, 2:4 along the inputs but for the head."""
    torch.manual_seed(0)
    tensors = {"model.embed_tokens.weight": torch.randn(50, 32), "lm_head.weight": torch.randn(50, 32)}
    for number in range(2):
        for name, shape in PARTS.items():
            weight = torch.randn(shape)
            weight.view(shape[0], -1, 4)[:, :, 1::2] = 0
            tensors[f"model.layers.{number}.{name}.weight"] = weight
        tensors[f"model.layers.{number}.input_layernorm.weight"] = torch.ones(32)
    tensors |= more or {}
    names = list(tensors)
    for index in range(files):
        save_file({name: tensors[name] for name in names[index::files]}, folder / f"part{index}.safetensors")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def names(found: ModelDescription, prefix: str) -> list[str]:
    return [layer.name.removeprefix(prefix) for layer in found.layers if layer.name.startswith(prefix)]


def test_prefill_and_decode(tmp_path: Path) -> None:
    found = load_source(str(llama(tmp_path, LLAMA, files=3)), tokens=8, batch=2)
    assert_complete(found)
    expected = []
    for number in range(2):
        inside = f"model.layers.{number}."
        expected += [f"{inside}self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "query-key", "score-value")]
        expected += [
            f"{inside}{name}" for name in ("self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
        ]
    expected.append("lm_head")
    assert sorted(names(found, "prefill/")) == sorted(expected) == sorted(names(found, "decode/"))
    assert names(found, "prefill/")[3:6] == [expected[3], expected[4], expected[5]]

    weights = 2 * sum(k * c for k, c in PARTS.values()) + 50 * 32
    work = {
        prefix: sum(layer.macs_dense for layer in found.layers if layer.name.startswith(prefix))
        for prefix in ("prefill/", "decode/")
    }
    attention = 2 * 2 * 32  # blocks, products, heads times their size
    assert work == {"prefill/": 16 * weights + attention * 2 * 8 * 8, "decode/": 2 * weights + attention * 2 * 8}
    assert {str(layer.pattern) for layer in found.layers if layer.stored and "lm_head" not in layer.name} == {"2:4"}
    keys = {layer.name: layer.parts[0].weight.key for layer in found.layers}
    assert all(keys[f"prefill/{name}"] == keys[f"decode/{name}"] for name in ("lm_head", "model.layers.1.mlp.up_proj"))
    host = {(one.name, one.operator): (one.elements, one.count) for one in found.host_operators}
    assert host["prefill/attention", "softmax"] == (4 * 16 * 8, 2)
    assert host["decode/feed-forward", "activation"] == (2 * 48, 2)
    assert host["prefill/embeddings", "embedding"] == (16 * 32, 1)


def test_the_head_may_share_the_words(tmp_path: Path) -> None:
    folder = llama(tmp_path, {**LLAMA, "tie_word_embeddings": True})
    file = folder / "part0.safetensors"
    from safetensors.torch import load_file

    save_file({name: tensor for name, tensor in load_file(file).items() if name != "lm_head.weight"}, file)
    head = next(layer for layer in load_source(str(folder), tokens=3).layers if layer.name == "prefill/lm_head")
    assert head.macs_dense == 3 * 50 * 32


def test_a_mixture_uses_some_experts_for_each_token(tmp_path: Path) -> None:
    expert = {f"model.layers.0.block_sparse_moe.experts.{i}.w1.weight": torch.randn(8, 32) for i in range(4)}
    found = load_source(
        str(llama(tmp_path, {**LLAMA, "num_local_experts": 4, "num_experts_per_tok": 2}, expert)), tokens=8
    )
    rows = [layer.macs_dense // 256 for layer in found.layers if ".experts." in layer.name]
    assert rows == [4] * 4 + [1] * 2  # of the last token the experts that it does not use are not fetched


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kv_lora_rank": 16}, "latent attention"),
        ({"num_hidden_groups": 1}, "shared blocks"),
        ({"is_encoder_decoder": True}, "an encoder with a decoder"),
        ({"text_config": {"state_size": 8}}, "a state space"),
        ({"image_size": 32}, "a network for images"),
    ],
)
def test_what_does_not_follow_from_the_weights_is_refused(more: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{said} does not follow .*'our-llama'; price it as module:function"):
        load_source(str(llama(tmp_path, {**LLAMA, **more})), tokens=4)


def test_a_window_and_shared_keys(tmp_path: Path) -> None:
    found = load_source(str(llama(tmp_path, {**LLAMA, "sliding_window": 3})), tokens=8)
    shapes = {layer.name: layer.shape for layer in found.layers}
    assert shapes["decode/model.layers.0.self_attn.query-key"] == "2x8 by 8x3, 2 times"
    assert shapes["prefill/model.layers.0.self_attn.score-value"] == "16x8 by 8x8, 2 times"


def test_gpt2_stores_its_weights_the_other_way_round(tmp_path: Path) -> None:
    tensors = {
        "wte.weight": torch.randn(20, 16),
        "h.0.attn.c_attn.weight": torch.randn(16, 48),
        "h.0.attn.c_proj.weight": torch.randn(16, 16),
        "h.0.mlp.c_fc.weight": torch.randn(16, 64),
        "h.0.mlp.c_proj.weight": torch.randn(64, 16),
    }
    tensors["h.0.mlp.c_fc.weight"].view(4, 4, 64)[:, 2:] = 0
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_layer": 1, "n_embd": 16, "n_head": 2}))
    found = load_source(str(tmp_path), tokens=4)
    shapes = {layer.name: (layer.shape, str(layer.pattern)) for layer in found.layers}
    assert shapes["prefill/h.0.attn.c_attn"] == ("48x16 on 4", "dense")
    assert shapes["decode/h.0.mlp.c_fc"] == ("64x16 on 1", "2:4")
    assert shapes["prefill/lm_head"] == ("20x16 on 4", "dense")


def test_encoders_have_no_decoding(tmp_path: Path) -> None:
    inside = "encoder.layer.0."
    tensors = {
        "embeddings.word_embeddings.weight": (20, 16),
        "pooler.dense.weight": (16, 16),
        **{f"{inside}attention.self.{name}.weight": (16, 16) for name in ("query", "key", "value")},
        f"{inside}attention.output.dense.weight": (16, 16),
        f"{inside}intermediate.dense.weight": (64, 16),
        f"{inside}output.dense.weight": (16, 64),
    }
    save_file({name: torch.randn(shape) for name, shape in tensors.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2})
    )
    found = load_source(str(tmp_path / "model.safetensors"), tokens=4, batch=3)
    order = [layer.name.removeprefix(inside).removeprefix("attention.") for layer in found.layers]
    assert set(order[:3]) == {"self.query", "self.key", "self.value"}
    assert order[3:] == [
        "self.query-key",
        "self.score-value",
        "output.dense",
        "intermediate.dense",
        "output.dense",
        "pooler.dense",
    ]
    assert found.layers[-1].macs_dense == 3 * 256


def test_without_a_configuration(tmp_path: Path) -> None:
    found = load_source(
        str(llama(tmp_path, None, {"conv": torch.ones(2, 3, 4, 4)})), tokens=5, scheme=Scheme.parse("1:4")
    )
    assert len(found.layers) == 15
    assert all(layer.kind == LayerKind.LINEAR and str(layer.pattern) == "1:4" for layer in found.layers)
    assert found.layers[0].parts[0].workload.macs % 5 == 0
    assert any("not in the numbers" in note for note in found.notes)
    assert [(each.name, each.parameters) for each in found.unpriced] == [("conv", 96)]


def test_a_stated_structure_is_not_believed(tmp_path: Path) -> None:
    stated = {"quantization_config": {"sparsity_config": {"sparsity_structure": "1:4"}}}
    found = load_source(str(llama(tmp_path, {**LLAMA, **stated})), tokens=1)
    assert str(found.layers[0].pattern) == "2:4"
    assert any("256 of 256 groups break the stated 1:4" in note for note in found.notes)
    assert any("lm_head: dense, although 1:4 was stated" in note for note in found.notes)


def test_one_tensor_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are read one by one and again when they are asked for, but not kept."""
    import weakref

    from skipbeat_models.sources import weights_alone
    from skipbeat_models.sources.checkpoints import files
    from skipbeat_models.sources.checkpoints.stored import StoredTensor

    alive: list[weakref.ref[torch.Tensor]] = []
    highest = 0
    real = files.open_checkpoint

    def counting(path: Path) -> dict[str, StoredTensor]:
        def counted(tensor: StoredTensor) -> StoredTensor:
            def read() -> torch.Tensor:
                nonlocal highest
                result = tensor.read()
                alive.append(weakref.ref(result))
                highest = max(highest, sum(ref() is not None for ref in alive))
                return result

            return StoredTensor(shape=tensor.shape, read=read)

        return {name: counted(tensor) for name, tensor in real(path).items()}

    monkeypatch.setattr(weights_alone, "open_checkpoint", counting)
    load_source(str(llama(tmp_path, LLAMA)), tokens=4)
    assert len(alive) == 15
    assert highest <= 2


BAD_CONFIGS = {
    "no heads": ({"model_type": "our-llama", "hidden_size": 32}, "expected num_attention_heads or n_head"),
    "text": ({**LLAMA, "hidden_size": "32"}, "expected hidden_size .* as a positive number, not '32'"),
    "zero": ({**LLAMA, "num_attention_heads": 0}, "as a positive number, not 0"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_wrong_configurations(case: str, tmp_path: Path) -> None:
    config, expected = BAD_CONFIGS[case]
    with pytest.raises(InputError, match=expected):
        load_source(str(llama(tmp_path, config)), tokens=4)


def test_wrong_checkpoints(tmp_path: Path) -> None:
    folder = llama(tmp_path)
    (folder / "config.json").write_text("[1]")
    with pytest.raises(InputError, match="expected an object"):
        load_source(str(folder), tokens=4)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        load_source(str(folder), tokens=4)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match="expected a number of tokens"):
        load_source(str(folder))
    with pytest.raises(InputError, match="must be at least 1"):
        load_source(str(folder), tokens=0)
    save_file({"bias": torch.ones(3)}, folder / "part0.safetensors")
    with pytest.raises(InputError, match="expected two-dimensional weights"):
        load_source(str(folder), tokens=4)
    save_file({"w.weight": torch.full((3, 4), torch.nan)}, folder / "part0.safetensors")
    with pytest.raises(InputError, match="layer w: its weight holds NaN"):
        load_source(str(folder), tokens=4)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("model.embed_tokens", Role.EMBEDDING),
        ("transformer.wpe", Role.EMBEDDING),
        ("model.decoder.embed_positions", Role.EMBEDDING),
        ("transformer.h.0.attn.c_attn", Role.ATTENTION_IN),
        ("model.decoder.layers.3.self_attn.out_proj", Role.ATTENTION_OUT),
        ("transformer.h.0.mlp.c_proj", Role.FEED_FORWARD_OUT),
        ("model.decoder.layers.3.fc1", Role.FEED_FORWARD_IN),
        ("model.layers.1.mlp.gate", Role.ROUTER),
        ("gpt_neox.layers.2.attention.query_key_value", Role.ATTENTION_IN),
        ("lm_head", Role.HEAD),
        ("embed_out", Role.HEAD),
        ("gpt_neox.layers.2.attention.dense", Role.ATTENTION_OUT),
        ("score", Role.POOLED),
        ("project_in", Role.OTHER),
    ],
)
def test_roles(layer: str, expected: Role) -> None:
    assert role(layer) is expected


def test_blocks_run_in_the_order_of_their_numbers() -> None:
    layers = ["lm_head", "h.10.mlp.c_proj", "h.2.mlp.c_fc", "h.2.attn.c_attn", "wte"]
    assert running_order(layers) == ["wte", "h.2.attn.c_attn", "h.2.mlp.c_fc", "h.10.mlp.c_proj", "lm_head"]
    assert [block(layer) for layer in layers] == [None, 10, 2, 2, None]
