"""Networks between machine and host: close to the float network, and what programs are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from skipbeat_models import zoo
from skipbeat_models.mixed import Execute, Integers, on_oracle, quantise_mixed
from skipbeat_verify.interpreter import Interpreter
from tests.models.sources.described import describe


def recorded(graphs: list[Graph]) -> Execute:
    def execute(graph: Graph, x: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> Integers:
        graphs.append(graph)
        return on_oracle(graph, x)

    return execute


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("count", [1, 2])
def test_a_vision_transformer_runs_what_is_priced(count: int) -> None:
    model = zoo.find("zoo:vit-tiny").build(0).eval()
    x, graphs = images(count), list[Graph]()
    network = quantise_mixed(model, (x,))
    found = network.run([x], recorded(graphs))
    with torch.no_grad():
        expected = model(x).numpy()
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    priced = describe(model, x)
    macs = sum(node.convolution.macs for graph in graphs for node in graph.nodes)
    assert macs == sum(layer.macs_dense for layer in priced.layers)
    assert len(graphs) == sum(run.repeats for run in priced.runs)


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
    found = quantise_mixed(model, (tokens,)).run([tokens])
    with torch.no_grad():
        expected = model(tokens).numpy()
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["vit-tiny", "llama-tiny"])
def test_programs_give_the_logits_bit_for_bit(name: str) -> None:
    entry, hw = zoo.find(f"zoo:{name}"), load_hardware("edge-8x8")
    model = entry.build(0).eval()
    x = images(1) if entry.input_shape else torch.arange(16)[None] * 5 % 64

    def execute(graph: Graph, given: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> Integers:
        program = compile_network(graph, hw)
        memory = program.memory()
        program.write_input(memory, given)
        Interpreter(program, hw, memory, 0).run()
        return program.read_output(memory)

    network = quantise_mixed(model, (x,))
    np.testing.assert_array_equal(network.run([x], execute), network.run([x]))


def test_a_language_models_block_runs() -> None:
    torch.manual_seed(0)
    model, tokens, graphs = Gated().eval(), torch.arange(12).reshape(2, 6), list[Graph]()
    found = quantise_mixed(model, (tokens,)).run([tokens], recorded(graphs))
    with torch.no_grad():
        expected = model(tokens).numpy()
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    priced = describe(model, tokens)
    assert len(graphs) == sum(run.repeats for run in priced.runs) == 8 + 2 * 2 * 2


def test_what_is_not_yet_run_is_said() -> None:
    with pytest.raises(InputError, match=r"layer .*: aten\.lstm of this form is priced, but not yet run"):
        quantise_mixed(nn.LSTM(4, 4), (torch.zeros(3, 1, 4),))
