"""Networks between machine and host: close to the float network, and what programs are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_models import zoo
from skipbeat_models.mixed import Integers
from skipbeat_models.mixed_steps import Step
from skipbeat_models.networks.seeded import seeded
from skipbeat_models.quantise_mixed import quantise_mixed
from skipbeat_verify.interpreter import Interpreter
from skipbeat_verify.mixed_simulation import compile_step
from tests.models.mixed_runs import Numbers, assert_close, run
from tests.models.sources.described import Function


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("count", [1, 2])
def test_a_vision_transformer_runs_what_is_priced(count: int) -> None:
    model = zoo.find("zoo:vit-tiny").build(0).eval()
    x = images(count)
    assert_close(model, quantise_mixed(model, (x,)), x)


class Gated(nn.Module):
    """A block as Llama has it: a norm, masked attention by products, and a gated feed-forward."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Embedding(20, 16), nn.RMSNorm(16)
        self.query, self.key, self.value, self.out = (nn.Linear(16, 16, bias=False) for _ in range(4))
        self.gate, self.up, self.down = nn.Linear(16, 24), nn.Linear(16, 24), nn.Linear(24, 16)
        self.head = nn.Linear(16, 20, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens)
        y = self.norm(x)
        parts = (self.query(y), self.key(y), self.value(y))
        query, key, value = (part.unflatten(-1, (2, 8)).transpose(1, 2) for part in parts)
        scores = query @ key.transpose(-1, -2) / 8**0.5
        mask = torch.full(scores.shape[-2:], -torch.inf).triu(1)
        mixed = torch.softmax(scores + mask, dim=-1) @ value
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        x = x + self.down(nn.functional.silu(self.gate(x)) * self.up(x))
        result: torch.Tensor = self.head(x)
        return result


def test_the_tiny_llama_runs_with_rotary_positions() -> None:
    model, tokens = zoo.find("zoo:llama-tiny").build(0).eval(), torch.arange(16)[None] * 5 % 64
    assert_close(model, quantise_mixed(model, (tokens,)), tokens)


@pytest.mark.parametrize("name", ["vit-tiny", "llama-tiny"])
def test_programs_give_the_logits_bit_for_bit(name: str) -> None:
    entry, hw = zoo.find(f"zoo:{name}"), load_hardware("edge-8x8")
    model = entry.build(0).eval()
    quantised = quantise_mixed(model, (images(1) if entry.input_shape else torch.arange(16)[None] * 5 % 64,))

    def execute(step: Step, given: Numbers, weight: Numbers | None) -> Integers:
        program = compile_step(quantised, step, hw)
        memory = program.memory()
        for number, image in enumerate(given):
            program.write_input(memory, image, number)
        for number, second in enumerate(() if weight is None else weight):
            program.write_operand(memory, second, number)
        Interpreter(program, hw, memory, 0).run()
        return program.read_outputs(memory)

    np.testing.assert_array_equal(quantised.network.run(quantised.inputs, execute), run(quantised))


def test_a_language_models_block_runs() -> None:
    torch.manual_seed(0)
    model, tokens = Gated().eval(), torch.arange(12).reshape(2, 6)
    assert len(assert_close(model, quantise_mixed(model, (tokens,)), tokens)) == 8 + 2 * 2 * 2


class Masked(nn.Module):
    """A block as BERT has it: tokens, learnt positions and a mask that is added to the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.norm = nn.Embedding(20, 16), nn.Embedding(6, 16), nn.LayerNorm(16)
        self.query, self.key, self.value, self.out = (nn.Linear(16, 16) for _ in range(4))
        self.first, self.second, self.pooler = nn.Linear(16, 32), nn.Linear(32, 16), nn.Linear(16, 16)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.words(tokens) + self.places(torch.arange(tokens.shape[1])))
        query, key, value = (part(x).unflatten(-1, (4, 4)) for part in (self.query, self.key, self.value))
        scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / 2 + (1 - mask[:, None, None].float()) * -1e4
        mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value).flatten(2)
        x = x + self.out(mixed)
        x = x + self.second(nn.functional.gelu(self.first(x)))
        result: torch.Tensor = torch.tanh(self.pooler(x[:, 0]))
        return result


def test_arguments_by_name_and_products_of_any_form_run() -> None:
    torch.manual_seed(0)
    model, tokens = Masked().eval(), torch.arange(12).reshape(2, 6)
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
    quantised = quantise_mixed(model, (), {"mask": mask, "tokens": tokens})
    assert_close(model, quantised, tokens, mask)


class Shared(nn.Module):
    """Attention with fewer heads of keys than of queries, a value that is all operands, and halves of a result."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.both, self.left, self.right = (nn.Linear(16, size) for size in (16, 16, 8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query = self.query(x).unflatten(-1, (4, 4)).transpose(1, 2)
        key, value = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.both(x).chunk(2, -1))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        y = mixed.transpose(1, 2).flatten(2)
        y = y @ y.transpose(-1, -2) @ y / 16
        first, second = torch.cat([y, y], dim=-1).chunk(2, -1)
        result: torch.Tensor = self.left(first) * torch.sigmoid(self.right(second))
        return result


def test_heads_that_share_keys_and_parts_of_values_run() -> None:
    torch.manual_seed(0)
    model, x = Shared().eval(), torch.randn(2, 5, 16)
    assert_close(model, quantise_mixed(model, (x,)), x)


def test_rows_of_attention_without_any_key_are_zero() -> None:
    def attend(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        hidden = torch.tensor([[True, True, True], [False, False, False], [True, False, False]])
        return nn.functional.scaled_dot_product_attention(x @ weight, x, x, attn_mask=hidden)

    torch.manual_seed(0)
    x = torch.randn(1, 3, 4)
    found = run(quantise_mixed(Function(attend, weight=torch.eye(4)), (x,)))
    assert not found[0, 1].any()
    np.testing.assert_allclose(found[0, 2], x[0, 0], atol=0.1)


def test_what_is_drawn_at_random_is_drawn_alike() -> None:
    def noisy(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return nn.functional.gelu(x + torch.rand(x.shape)) @ weight

    quantised = quantise_mixed(Function(noisy, weight=torch.eye(4)), (torch.zeros(2, 4),))
    np.testing.assert_array_equal(run(quantised), run(quantised))


class Cast(nn.Module):
    """Two layers, of which the first one runs under autocast."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            y = self.first(x)
        result: torch.Tensor = self.second(y.float())
        return result


def test_a_weight_whose_making_is_checked_runs() -> None:
    """PyTorch's check of a solution has an effect, whose order a program keeps by a token."""

    def rotated(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        turn, one = w - w.T, torch.eye(4)
        solved: torch.Tensor = torch.linalg.solve(one + turn, one - turn)
        return x @ solved

    with seeded(0):
        model, x = Function(rotated, w=torch.randn(4, 4)), torch.randn(3, 4)
    assert_close(model, quantise_mixed(model, (x,)), x)


def without_inputs() -> nn.Module:
    """A linear layer of none, without PyTorch's warning of it."""
    layer = nn.Linear(1, 4)
    layer.in_features, layer.weight = 0, nn.Parameter(torch.zeros(4, 0))
    return layer


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_a_layer_with_sparse_storage_is_named() -> None:
    weight = torch.eye(4).to_sparse_csr()
    model = Function(lambda x, w: torch.sparse.addmm(torch.ones(4, 3), w, x), w=weight)
    with pytest.raises(InputError, match=r"layer w: aten\._sparse_addmm of this form is priced, but not yet run"):
        quantise_mixed(model, (torch.randn(4, 3),))


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (
            nn.ConvTranspose2d(3, 4, 2, 3),
            (1, 3, 4, 4),
            "layer .*: a transposed convolution with outputs that no tap reach",
        ),
        (Cast(), (1, 4), "layer first: a part of the model under no_grad or autocast is priced, but not yet run"),
        (without_inputs(), (2, 0), r"layer linear: aten\.linear has an operand without elements"),
        (nn.Softmax(-1), (1, 4), "model Softmax: it has no layer that the machine runs"),
        (nn.Linear(4, 2, device="meta"), (1, 4), "expected example inputs with numbers"),
    ],
)
def test_what_is_not_run_is_said(model: nn.Module, shape: tuple[int, ...], message: str) -> None:
    device = next(iter(model.parameters()), torch.zeros(1)).device
    with pytest.raises(InputError, match=message):
        quantise_mixed(model, (torch.zeros(shape, device=device),))
