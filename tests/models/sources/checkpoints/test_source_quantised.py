"""Quantised weights, packed here number by number as their formats say, and the plain weights that they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_models.sources.checkpoints.checkpoint import plain_weights
from skipbeat_models.sources.checkpoints.quantised import Settings
from skipbeat_models.sources.checkpoints.stored import in_memory

Tensors = dict[str, torch.Tensor]
FP4 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]


def drawn(*shape: int, most: int) -> torch.Tensor:
    return torch.randint(0, most, shape, generator=torch.Generator().manual_seed(len(shape) + most))


def words(values: torch.Tensor, bits: int) -> torch.Tensor:
    """Rows of unsigned integers as words int32: the bits of all numbers in one stream, low ones first."""
    rows = []
    for row in values.tolist():
        number = sum(value << (bits * i) for i, value in enumerate(row))
        count = -(-len(row) * bits // 32)
        rows.append([(number >> (32 * i)) & 0xFFFFFFFF for i in range(count)])
    return torch.from_numpy(np.array(rows, np.uint64).astype(np.uint32).view(np.int32))


def halves(values: torch.Tensor, low_first: bool = True) -> torch.Tensor:
    """Pairs of 4-bit numbers as bytes."""
    first, second = values[..., 0::2], values[..., 1::2]
    return (first | second << 4 if low_first else first << 4 | second).to(torch.uint8)


def plain(tensors: Mapping[str, torch.Tensor], config: Mapping[str, object] | None = None) -> torch.Tensor:
    found = plain_weights(in_memory(tensors), Settings.read(config or {}, "config.json"))
    ((name, tensor),) = found.items()
    assert name in ("l.weight", "l.proj")
    values = tensor.read()
    assert tuple(values.shape) == tensor.shape
    return values


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(found == 0, expected == 0)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("form", ["gptq", "gptq_v2"])
def test_gptq(bits: int, form: str) -> None:
    q, z = drawn(64, 32, most=1 << bits), drawn(2, 32, most=(1 << bits) - 1)  # [C, K], [G, K]
    scales = torch.rand(2, 32) + 0.5
    group = torch.arange(64) % 2  # columns of a group need not lie side by side
    plus = 1 if form == "gptq" else 0
    tensors = {
        "l.qweight": words(q.t(), bits).t().contiguous(),
        "l.qzeros": words(z, bits),
        "l.scales": scales.half(),
        "l.g_idx": group.int(),
    }
    config = {"quantization_config": {"quant_method": "gptq", "checkpoint_format": form}}
    same(plain(tensors, config), ((q - z[group] - plus) * scales.half().float()[group]).t())
    del tensors["l.g_idx"]
    group = torch.arange(64) // 32
    same(plain(tensors, config), ((q - z[group] - plus) * scales.half().float()[group]).t())


def test_awq() -> None:
    q, z, scales = drawn(64, 16, most=16), drawn(2, 16, most=16), torch.rand(2, 16).half()
    order = [0, 2, 4, 6, 1, 3, 5, 7]

    def packed(values: torch.Tensor) -> torch.Tensor:
        return words(values.reshape(len(values), -1, 8)[:, :, order].reshape(len(values), -1), 4)

    group = torch.arange(64) // 32
    expected = ((q - z[group]) * scales.float()[group]).t()
    config = {"quantization_config": {"quant_method": "awq", "version": "gemm"}}
    same(plain({"l.qweight": packed(q), "l.qzeros": packed(z), "l.scales": scales}, config), expected)


@pytest.mark.parametrize(("bits", "size"), [(4, 64), (8, 32), (3, 32), (6, 64)])
def test_mlx(bits: int, size: int) -> None:
    q, zero = drawn(8, 2 * size, most=1 << bits), drawn(8, 2, most=1 << (bits - 1))
    scales = torch.rand(8, 2).half() + 0.5
    biases = (-zero * scales.float()).half()  # rounded, so that zero is only nearly a value
    tensors = {"l.weight": words(q, bits).view(torch.uint32), "l.scales": scales, "l.biases": biases}
    config = {"quantization": {"bits": 4, "group_size": 64, "l": {"bits": bits, "group_size": size}}}
    wide = (part.float().repeat_interleave(size, 1) for part in (zero, scales))
    same(plain(tensors, config), (q - next(wide)) * next(wide))
    with pytest.raises(InputError, match="do not belong to 5 bits"):
        plain(tensors, {"quantization": {"bits": 5, "group_size": 64}})


def test_bitsandbytes() -> None:
    table, q = torch.linspace(-1, 1, 16), drawn(4, 64, most=16)
    table[7] = 0
    largest = torch.rand(4) + 0.5
    state = json.dumps({"quant_type": "nf4", "shape": [8, 32], "nested_offset": 0.25}).encode()
    tensors = {
        "l.weight": halves(q, low_first=False).reshape(-1, 1),
        "l.weight.absmax": largest,
        "l.weight.quant_map": table,
        "l.weight.quant_state.bitsandbytes__nf4": torch.tensor(list(state), dtype=torch.uint8),
    }
    same(plain(tensors), (table[q] * largest[:, None]).reshape(8, 32))
    fine = torch.linspace(0, 1, 256)
    nested = {"absmax": torch.tensor([3, 100, 255, 7], dtype=torch.uint8), "nested_absmax": torch.tensor([2.0])}
    tensors |= {f"l.weight.{name}": part for name, part in {**nested, "nested_quant_map": fine}.items()}
    largest = fine[nested["absmax"].long()] * 2 + 0.25
    same(plain(tensors), (table[q] * largest[:, None]).reshape(8, 32))
    rows = torch.rand(8) + 0.5
    integers = drawn(8, 32, most=255) - 127
    same(plain({"l.weight": integers.to(torch.int8), "l.SCB": rows}), integers * rows[:, None] / 127)


def test_scales_of_rows_groups_and_blocks() -> None:
    values = torch.randn(24, 40).to(torch.float8_e4m3fn)
    values.view(torch.uint8)[:, ::2] = 0
    blocks = torch.rand(2, 5) + 0.5
    wide = blocks.repeat_interleave(12, 0).repeat_interleave(8, 1)
    same(plain({"l.weight": values, "l.weight_scale_inv": blocks}), values.float() * wide)
    large, wide = torch.ones(130, 200), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = plain({"l.weight": large, "l.weight_scale_inv": wide})
    assert [found[place].item() for place in ((127, 127), (0, 128), (128, 0), (129, 199))] == [1, 2, 3, 4]
    blocks = torch.rand(2, 3) + 0.5
    config = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [20, 18]}}
    wide = blocks.repeat_interleave(20, 0)[:24].repeat_interleave(18, 1)[:, :40]
    same(plain({"l.weight": values, "l.weight_scale_inv": blocks}, config), values.float() * wide)
    for scale in (torch.tensor([0.5]), torch.tensor(0.5), torch.rand(24), torch.rand(24, 1)):
        expected = values.float() * (scale if scale.numel() == 1 else scale.reshape(-1, 1))
        same(plain({"l.weight": values, "l.weight_scale": scale}), expected)
    integers, zero, scale = drawn(24, 40, most=16), drawn(24, 5, most=16), torch.rand(24, 5) + 0.5
    tensors = {"l.weight": integers.to(torch.int8), "l.weight_scale": scale, "l.weight_zero_point": zero.to(torch.int8)}
    expected = (integers - zero.repeat_interleave(8, 1)) * scale.repeat_interleave(8, 1)
    same(plain(tensors), expected)


def test_four_bit_floats() -> None:
    q = drawn(8, 64, most=16)
    values = torch.tensor([*FP4, *(-value for value in FP4)])[q]
    scale = torch.rand(8, 4).to(torch.float8_e4m3fn)
    wide = scale.float().repeat_interleave(16, 1)
    half = {"l.weight_scale": scale, "l.weight_global_scale": torch.tensor([4.0])}
    same(plain({"l.weight_packed": halves(q), **half}), values * wide / 4)
    same(
        plain({"l.weight": halves(q), "l.weight_scale": scale, "l.weight_scale_2": torch.tensor(0.5)}),
        values * wide * 0.5,
    )
    powers = torch.tensor([[127, 128], [126, 125]] * 4, dtype=torch.uint8)
    wide = torch.exp2(powers.float() - 127).repeat_interleave(32, 1)
    same(plain({"l.weight_packed": halves(q), "l.weight_scale": powers}), values * wide)
    blocks = halves(q).reshape(2, 4, 2, 16)
    expected = (values * wide).reshape(2, 4, 64).transpose(1, 2)
    same(plain({"l.proj_blocks": blocks, "l.proj_scales": powers.reshape(2, 4, 2)}), expected)


def test_packed_integers_whose_columns_are_in_another_order() -> None:
    q, zero, scale = drawn(8, 32, most=16), drawn(8, 2, most=16), torch.rand(8, 2)
    group = torch.arange(32) % 2
    tensors = {
        "l.weight_packed": words(q, 4),
        "l.weight_scale": scale,
        "l.weight_shape": torch.tensor([8, 32]),
        "l.weight_zero_point": words(zero.t(), 4).t().contiguous(),
        "l.weight_g_idx": group.int(),
    }
    same(plain(tensors), (q - zero[:, group]) * scale[:, group])


@pytest.mark.parametrize("method", ["hqq", "aqlm", "quip", "torchao", "quanto", "eetq", "higgs"])
def test_methods_that_are_not_read_are_refused_by_name(method: str) -> None:
    with pytest.raises(InputError, match=f"quantised by {method} .*module:function"):
        Settings.read({"quantization_config": {"quant_method": method}}, "config.json")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"l.qzeros": None}, "l.qzeros, which belongs to it, is missing"),
        ({"l.scales": None}, "l.qweight is of a quantised form that is not read"),
        ({"l.scales": torch.ones(2, 30)}, "do not belong to scales of"),
        ({"l.g_idx": torch.full((64,), 9, dtype=torch.int32)}, "its parts do not go together"),
        ({"l.qweight": torch.ones(8, 3, dtype=torch.int32)}, "do not belong"),
    ],
)
def test_parts_that_do_not_go_together(change: Mapping[str, torch.Tensor | None], expected: str) -> None:
    tensors: dict[str, torch.Tensor | None] = {
        "l.qweight": words(drawn(32, 64, most=16), 4).t().contiguous(),
        "l.qzeros": words(drawn(2, 32, most=16), 4),
        "l.scales": torch.ones(2, 32),
    }
    given = {name: tensor for name, tensor in {**tensors, **change}.items() if tensor is not None}
    with pytest.raises(InputError, match=expected) as caught:
        plain(given)
    assert "\n" not in str(caught.value)
