"""Products of two activations: one program for whatever values come, as exact and as quick as with dense weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.compile import compile_network, compile_products
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_models.graph_oracle import run_products
from skipbeat_models.mixed_steps import ProductStep
from skipbeat_models.sources.layers.linear import matmul_layer
from skipbeat_models.sources.nodes.runs import layer_runs
from skipbeat_verify.interpreter import Interpreter
from skipbeat_verify.machine_simulation import machine_rtl, predicted, run_images


def product(p: int, c: int, k: int, count: int = 1) -> ProductStep:
    return ProductStep(
        name="n",
        makes="n",
        role="product",
        repeats=1,
        products=count,
        p=p,
        c=c,
        k=k,
        scale=0.1,
        weight_scale=0.1,
        out_scale=9.0,
    )


def operands(step: ProductStep, seed: int, share: float = 0.0) -> tuple[Int8Array, Int8Array]:
    """First and second operands of all products; a share of the second ones' elements is 0."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (step.products, step.c, 1, step.p), np.int8)
    w = rng.integers(-128, 128, (step.products, step.c, step.k), np.int8)
    w[rng.random(w.shape) < share] = 0
    return x, w


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16-m8", "dense-8x8"])
@settings(max_examples=8)
@given(
    p=st.integers(1, 12),
    c=st.integers(1, 40),
    k=st.integers(1, 40),
    count=st.integers(1, 4),
    share=st.floats(0, 1),
    seed=st.integers(0, 999),
)
def test_values_change_no_clock(preset: str, p: int, c: int, k: int, count: int, share: float, seed: int) -> None:
    step, hw = product(p, c, k, count), load_hardware(preset)
    program, (x, w) = compile_products(step.graph, hw, count), operands(step, seed, share)
    run = run_images(program, Machine.of(hw), x, run_products(step.graph, x, w), None, operands=w)
    assert run.agrees
    assert run.timing.cycles == estimated(step, hw)


def estimated(step: ProductStep, hw: Hardware) -> int:
    """What `estimate` says of these products."""
    (run,) = layer_runs(matmul_layer("n", p=step.p, c=step.c, k=step.k, repeats=step.products))
    assert (run.images, run.repeats) == (step.products, 1)
    return RunPricer(hw).as_it_is(run).cycles


@pytest.mark.parametrize("order", range(4))
def test_no_product_meets_the_operands_of_another_one_in_any_order(order: int) -> None:
    """Of engines that take turns at random, as far as tokens and queues allow."""
    step, hw = product(9, 20, 11, 5), load_hardware("tiny-4x4")
    program, (x, w) = compile_products(step.graph, hw, 5), operands(step, order)
    memory = program.memory()
    for number in range(5):
        program.write_input(memory, x[number], number)
        program.write_operand(memory, w[number], number)
    Interpreter(program, hw, memory, order).run()
    found = np.stack([program.read_output(memory, number) for number in range(5)])
    np.testing.assert_array_equal(found, run_products(step.graph, x, w))


@pytest.mark.slow  # a machine is compiled
def test_products_follow_one_another_on_the_rtl() -> None:
    step, hw = product(17, 16, 17, 6), load_hardware("edge-8x8")
    program, (x, w) = compile_products(step.graph, hw, 6), operands(step, 0)
    expected, simulator = run_products(step.graph, x, w), machine_rtl(hw)
    run = run_images(program, Machine.of(hw), x, expected, simulator, operands=w)
    assert run.agrees
    assert run.rtl is not None
    assert run.rtl.cycles == estimated(step, hw)


@pytest.mark.parametrize(
    ("preset", "least"), [("edge-16x16", 0.95), ("large-32x32", 0.85), ("edge-8x8", 0.95), ("edge-16x16-m8", 0.9)]
)
@pytest.mark.parametrize(("p", "c", "k"), [(128, 64, 128), (128, 128, 64)])
def test_heads_follow_one_another(preset: str, least: float, p: int, c: int, k: int) -> None:
    """Twelve heads of 128 tokens: the array multiplies in nearly all clocks, as the next head's operands are there."""
    step, hw = product(p, c, k, 12), load_hardware(preset)
    ideal = 12 * p * c * k / hw.pes
    assert least <= ideal / estimated(step, hw) <= 1


def test_one_product_takes_the_clocks_of_a_layer_with_every_weight() -> None:
    step, hw = product(30, 70, 40), load_hardware("edge-8x8")
    (node,) = step.graph.nodes
    stored = layer_graph(node.convolution, node.layer.weight, "n")
    machine = Machine.of(hw)
    assert (
        predicted(compile_products(step.graph, hw), machine).cycles
        == predicted(compile_network(stored, hw), machine).cycles
    )


def test_every_element_has_a_byte_of_its_own_after_the_instructions() -> None:
    program = compile_products(product(3, 300, 70, 3).graph, load_hardware("edge-8x8"), 3)
    assert program.operand is not None
    assert program.operand.shape == (300, 70)
    every = np.stack([program.operand + np.int64(number * program.operand_pitch) for number in range(3)])
    assert len(np.unique(every)) == every.size
    assert every.min() >= program.count * 16
    assert every.max() < program.image.size
    assert not program.image[every].any()


def test_stored_weights_are_no_second_operand() -> None:
    step = product(3, 8, 8)
    (node,) = step.graph.nodes
    with pytest.raises(InputError, match="n: expected the second operand of a product, not stored weights"):
        compile_products(layer_graph(node.convolution, node.layer.weight, "n"), load_hardware("tiny-4x4"))


@pytest.mark.parametrize("image", [-1, 2])
def test_there_is_no_such_operand(image: int) -> None:
    program = compile_products(product(3, 8, 8, 2).graph, load_hardware("tiny-4x4"), 2)
    with pytest.raises(InputError, match=f"operand: there is no image {image} of 2"):
        program.write_operand(program.memory(), np.zeros((8, 8), np.int8), image)
