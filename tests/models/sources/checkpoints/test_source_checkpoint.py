"""Checkpoints of every pruning producer, in the forms in which they leave it."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torch.ao.pruning.sparsifier.weight_norm_sparsifier import WeightNormSparsifier
from torch.nn.utils import prune

from skipbeat_arch.errors import InputError
from skipbeat_models.sources import from_module, load_source
from skipbeat_models.sources.checkpoints.checkpoint import plain_weights
from skipbeat_models.sources.checkpoints.loading import load_into
from skipbeat_models.sources.checkpoints.stored import in_memory

Tensors = dict[str, torch.Tensor]


def half(weight: torch.Tensor) -> torch.Tensor:
    """A mask bool that keeps two of four along the last axis."""
    groups = weight.abs().reshape(*weight.shape[:-1], -1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, groups.topk(2, dim=-1).indices, True)
    return mask.reshape(weight.shape)


def bitmask(mask: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.packbits(mask.numpy(), axis=-1, bitorder="little"))


def packed(values: torch.Tensor, bits: int) -> torch.Tensor:
    """Signed integers [R, C] as words int32, written from the format's description, number by number."""
    words = np.zeros((len(values), ceil(values.shape[1] * bits / 32)), np.uint32)
    for row, col in np.ndindex(*values.shape):
        place = col * bits
        words[row, place // 32] |= np.uint32((int(values[row, col]) + (1 << (bits - 1))) << (place % 32))
    return torch.from_numpy(words.view(np.int32))


def forms() -> dict[str, tuple[Tensors, torch.Tensor]]:
    """For each producer what it stores of a layer `fc`, and the weight that is meant."""
    torch.manual_seed(1)
    weight = torch.randn(6, 16)
    mask = half(weight)
    pruned = weight * mask
    zeroed = pruned.clone()
    zeroed[0, int(mask[0].nonzero()[0])] = 0  # a set bit whose value happens to be zero
    integers = torch.randint(-7, 8, (6, 16)) * mask
    scale, zero_point = torch.rand(6, 4) + 0.1, torch.randint(-3, 3, (6, 4))
    words = {"fc.weight_scale": scale, "fc.weight_shape": torch.tensor([6, 16])}
    wide = scale.repeat_interleave(4, 1)
    shifted = torch.where(mask, integers, zero_point.repeat_interleave(4, 1))
    return {
        "plain": ({"fc.weight": pruned}, pruned),
        "torch prune": ({"fc.weight_orig": weight, "fc.weight_mask": mask.float()}, pruned),
        "sparsifier": (
            {"fc.parametrizations.weight.original": weight, "fc.parametrizations.weight.0.mask": mask},
            pruned,
        ),
        "ASP": ({"fc.weight": pruned, "fc.__weight_mma_mask": mask}, pruned),
        "ModelOpt": ({"fc.weight": weight, "fc._weight_mask": mask}, pruned),
        "sparse-24-bitmask": (
            {
                "fc.compressed": zeroed[mask].reshape(6, 8),
                "fc.bitmask": bitmask(mask),
                "fc.shape": torch.tensor([[6], [16]]),
            },
            zeroed,
        ),
        "sparse-bitmask": (
            {
                "fc.compressed": pruned[mask].to(torch.bfloat16),
                "fc.bitmask": bitmask(mask),
                "fc.shape": torch.tensor([6, 16]),
                "fc.row_offsets": torch.arange(6) * 8,
            },
            pruned.to(torch.bfloat16),
        ),
        "pack-quantized": ({**words, "fc.weight_packed": packed(integers, 4)}, integers * wide),
        "pack-quantized, 8 bits": ({**words, "fc.weight_packed": packed(integers, 8)}, integers * wide),
        "pack-quantized, zero points": (
            {**words, "fc.weight_packed": packed(shifted, 4), "fc.weight_zero_point": packed(zero_point.t(), 4).t()},
            (shifted - zero_point.repeat_interleave(4, 1)) * wide,
        ),
        "wrapped": ({"module.fc.weight_orig": weight, "module.fc.weight_mask": mask}, pruned),
    }


FORMS = forms()


@pytest.mark.parametrize("form", FORMS)
def test_every_producer_becomes_a_plain_weight(form: str) -> None:
    tensors, expected = FORMS[form]
    found = plain_weights(
        in_memory({**tensors, **{"module.fc.bias" if form == "wrapped" else "fc.bias": torch.ones(6)}})
    )
    assert set(found) == {"fc.weight", "fc.bias"}
    assert found["fc.weight"].shape == (6, 16)
    torch.testing.assert_close(found["fc.weight"].read(), expected)

    model = nn.Sequential()
    model.add_module("fc", nn.Linear(16, 6, device="meta"))
    load_into(
        model, in_memory({**tensors, **{"module.fc.bias" if form == "wrapped" else "fc.bias": torch.ones(6)}}), "it"
    )
    (layer,) = from_module(model, (torch.zeros(1, 16),), name="model").layers
    assert str(layer.pattern) == "2:4"
    np.testing.assert_array_equal(layer.parts[0].weight.nonzero(), (expected != 0).numpy().T)


@given(rows=st.integers(1, 5), cols=st.integers(1, 20), bits=st.sampled_from([4, 8]), seed=st.integers(0, 99))
def test_packed_words_of_any_size(rows: int, cols: int, bits: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = torch.from_numpy(random.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, cols)))
    words = packed(values, bits)
    if bits == 8 and words.shape[1] == ceil(cols * 4 / 32):
        return  # so narrow that it could as well be 4 bits
    tensors = {"weight_packed": words, "weight_scale": torch.ones(rows, 1), "weight_shape": torch.tensor([rows, cols])}
    torch.testing.assert_close(plain_weights(in_memory(tensors))["weight"].read(), values.float())


def test_what_belongs_together_is_needed_together() -> None:
    whole = torch.ones(2, 4)
    for tensors, expected in (
        ({"fc.weight_orig": whole}, "fc.weight_mask, which belongs to it, is missing"),
        ({"fc.__weight_mma_mask": whole}, "fc.weight, which belongs to it, is missing"),
        ({"fc.compressed": whole}, "fc.shape, which belongs to it, is missing"),
        ({"fc.weight_orig": whole, "fc.weight_mask": torch.ones(4, 2)}, "expected the weight's shape"),
    ):
        with pytest.raises(InputError, match=expected):
            plain_weights(in_memory(tensors))


def test_compressed_weights_that_contradict_themselves() -> None:
    tensors, _ = FORMS["sparse-24-bitmask"]
    for change, expected in (
        ({"fc.compressed": torch.ones(6, 7)}, "48 bits set; expected 42"),
        ({"fc.bitmask": torch.zeros(6, 3, dtype=torch.uint8)}, "does not belong"),
    ):
        found = plain_weights(in_memory({**tensors, **change}))
        with pytest.raises(InputError, match=expected):
            found["fc.weight"].read()
    tensors, _ = FORMS["pack-quantized"]
    for change in ({"fc.weight_packed": torch.zeros(6, 5, dtype=torch.int32)}, {"fc.weight_scale": torch.ones(5)}):
        found = plain_weights(in_memory({**tensors, **change}))
        with pytest.raises(InputError, match="belong"):
            found["fc.weight"].read()


def test_modules_with_masks() -> None:
    first, second, third, fourth = nn.Linear(16, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
    model = nn.Sequential(first, second, third, fourth)
    pruning: Any = prune  # it has no types
    pruning.custom_from_mask(first, "weight", half(first.weight))
    sparsifier: Any = WeightNormSparsifier(sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    sparsifier.prepare(model, [{"tensor_fqn": "1.weight"}])
    sparsifier.step()
    third.register_buffer("__weight_mma_mask", half(third.weight))
    fourth.register_buffer("_weight_mask", half(fourth.weight))
    found = from_module(model, (torch.zeros(1, 16),), name="model")
    assert [(layer.name, str(layer.pattern)) for layer in found.layers] == [(str(i), "2:4") for i in range(4)]
    assert not any(host.operator == "aten.mul" for host in found.host_operators)

    fourth.register_buffer("_weight_mask", torch.ones(8, 4))
    with pytest.raises(InputError, match=r"mask of 3\.weight"):
        from_module(model, (torch.zeros(1, 16),), name="model")


def test_keys_must_be_those_of_the_model() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    state = dict(model.state_dict())
    del state["0.bias"], state["1.num_batches_tracked"]
    with pytest.raises(InputError, match=r"its keys are not those of the model; missing: 0\.bias; extra: 0\.scale$"):
        load_into(model, in_memory({**state, "0.scale": torch.ones(4)}), "it")
    with pytest.raises(InputError, match=r"1\.weight has shape \(5,\); expected \(4,\)"):
        load_into(model, in_memory({**state, "0.bias": torch.ones(4), "1.weight": torch.ones(5)}), "it")
    load_into(model, in_memory({**state, "0.bias": torch.full((4,), 7.0)}), "it")
    assert model.get_parameter("0.bias").tolist() == [7] * 4


def test_adapters_are_merged_first(tmp_path: Path) -> None:
    parts = {"fc.lora_A.default.weight": torch.ones(2, 4), "fc.lora_B.default.weight": torch.ones(4, 2)}
    whole = {"fc.base_layer.weight": torch.ones(4, 4)} | parts
    for tensors, words in ((parts, "without its model"), (whole, "is not merged")):
        save_file({f"base_model.model.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "a.safetensors")
        with pytest.raises(InputError, match=f"adapter .*{words}.* merge_and_unload"):
            load_source(str(tmp_path / "a.safetensors"), tokens=2)
        with pytest.raises(InputError, match="merge_and_unload"):
            load_into(nn.Linear(4, 4), in_memory(tensors), "checkpoint c")
    own = nn.Module()
    own.lora_A = nn.Linear(2, 2, bias=False)  # a module's own layer of this name is a layer
    load_into(own, in_memory({"lora_A.weight": torch.ones(2, 2)}), "checkpoint c")


def test_a_tied_weight_may_be_stored_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    load_into(model, in_memory({"1.weight": torch.ones(4, 4)}), "it")
    assert [int(weight.sum()) for weight in model.state_dict().values()] == [16, 16]


@pytest.mark.parametrize(
    "outer", ["base_model.model.", "module.", "_orig_mod.module.", "module._orig_mod.", "model.", "net."]
)
def test_wrappers_are_taken_off(outer: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    load_into(model, in_memory({f"{outer}0.weight": torch.ones(4, 4), f"{outer}0.bias": torch.ones(4)}), "it")
    assert model.get_parameter("0.bias").tolist() == [1] * 4
