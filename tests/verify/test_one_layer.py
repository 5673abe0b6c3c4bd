"""One layer of a network alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_verify.machine_simulation import machine_rtl, run_images
from skipbeat_verify.one_layer import one_layer

FULL_SIZE = Convolution(batch=1, c_in=64, c_out=64, height=56, width=56, kernel=(3, 3), padding=(1, 1))


def layer(name: str, load: Convolution, seed: int) -> IntegerLayer:
    """Random weights of which two in each group of four are zero."""
    rng = np.random.default_rng(seed)
    rows = load.c_in * load.kernel[0] * load.kernel[1]
    weight = rng.integers(-127, 128, (rows, load.c_out)).astype(np.int8)
    dropped = np.argsort(rng.random((rows // 4, 4, load.c_out)), axis=1) < 2
    weight[dropped.reshape(weight.shape)] = 0
    return IntegerLayer(
        name=name,
        workload=load,
        weight=weight,
        bias=rng.integers(-500, 500, load.c_out).astype(np.int32),
        multiplier=np.full(load.c_out, 1 << 30, np.int64),
        shift=np.full(load.c_out, 42, np.int64),
        low=0,
    )


def chain(load: Convolution) -> Graph:
    """Three layers `a`, `b` and `c` of the same shape; `c` adds the result of `a`."""
    names = ("x", "a", "b", "c")
    tensors = [Tensor(name=name, channels=load.c_out, height=load.height, width=load.width) for name in names]
    nodes = [
        Node(
            layer=layer(name, load, seed),
            input=source,
            output=name,
            residual="a" if name == "c" else None,
            residual_multiplier=np.full(load.c_out, 1 << 29, np.int64) if name == "c" else None,
        )
        for seed, (source, name) in enumerate(pairwise(names))
    ]
    return Graph(tensors=tuple(tensors), nodes=tuple(nodes), input="x", output="c")


def test_a_layer_alone_gives_what_it_gives_in_the_network() -> None:
    load = Convolution(batch=1, c_in=8, c_out=8, height=6, width=5, kernel=(3, 3), padding=(1, 1))
    graph, images = chain(load), np.random.default_rng(3).integers(-128, 128, (2, 8, 6, 5)).astype(np.int8)
    alone, inputs = one_layer(graph, "b", images)
    values = run_graph(graph, images)
    np.testing.assert_array_equal(inputs, values["a"])
    np.testing.assert_array_equal(run_graph(alone, inputs)["b"], values["b"])


def test_a_layer_that_is_not_there_or_has_two_inputs_is_refused() -> None:
    load = Convolution(batch=1, c_in=4, c_out=4, height=2, width=2, kernel=(1, 1))
    image = np.zeros((1, 4, 2, 2), np.int8)
    with pytest.raises(InputError, match=r"layer d: .*expected one of a, b, c"):
        one_layer(chain(load), "d", image)
    with pytest.raises(InputError, match="layer c: it adds a"):
        one_layer(chain(load), "c", image)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_full_size_layer_of_resnet_18_keeps_the_array_busy() -> None:
    hardware = load_hardware("edge-16x16")
    machine, rtl = Machine.of(hardware), machine_rtl(hardware)
    node = Node(layer=layer("y", FULL_SIZE, 0), input="x", output="y")
    tensors = tuple(Tensor(name=name, channels=64, height=56, width=56) for name in "xy")
    graph = Graph(tensors=tensors, nodes=(node,), input="x", output="y")
    image = np.random.default_rng(1).integers(0, 128, (64, 56, 56)).astype(np.int8)
    program = compile_network(graph, hardware)
    result = run_images(program, machine, image[None], run_graph(graph, image[None])["y"], rtl)
    assert result.agrees, result.to_json()
    assert result.rtl is not None
    core = FULL_SIZE.macs // 2 // (16 * 16)  # two of four weights, 256 PEs
    assert core <= result.rtl.cycles <= core / 0.97
