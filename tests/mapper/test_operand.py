"""Products of two activations: one program for whatever values come, as exact and as quick as with dense weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.compile import compile_network, compile_product
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.mixed_steps import ProductStep
from skipbeat_verify.machine_simulation import predicted, run_images


def product(p: int, c: int, k: int) -> ProductStep:
    return ProductStep(
        name="n", makes="n", role="product", repeats=1, p=p, c=c, k=k, scale=0.1, weight_scale=0.1, out_scale=9.0
    )


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16-m8"])
@settings(max_examples=8)
@given(
    p=st.integers(1, 12), c=st.integers(1, 40), k=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0, 999)
)
def test_values_change_no_clock(preset: str, p: int, c: int, k: int, share: float, seed: int) -> None:
    rng, hw = np.random.default_rng(seed), load_hardware(preset)
    graph = product(p, c, k).graph
    program = compile_product(graph, hw)
    x, w = rng.integers(-128, 128, (1, c, 1, p), np.int8), rng.integers(-128, 128, (c, k), np.int8)
    w[rng.random(w.shape) < share] = 0
    (node,) = graph.nodes
    full = replace(graph, nodes=(replace(node, layer=replace(node.layer, weight=w)),))
    run = run_images(program, Machine.of(hw), x, run_graph(full, x)[graph.output], None, operand=w)
    assert run.agrees
    assert run.timing == predicted(compile_network(graph, hw), Machine.of(hw))


def test_every_element_has_a_byte_of_its_own_after_the_instructions() -> None:
    program = compile_product(product(3, 300, 70).graph, load_hardware("edge-8x8"))
    assert program.operand is not None
    assert program.operand.shape == (300, 70)
    assert len(np.unique(program.operand)) == program.operand.size
    assert program.operand.min() >= program.count * 16
    assert program.operand.max() < program.image.size
    assert not program.image[program.operand].any()
