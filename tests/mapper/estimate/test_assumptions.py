"""What an estimate assumes: each sentence stands there when there is something to assume, and not otherwise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import HostOperator, ModelDescription
from skipbeat_mapper.estimate.assumptions import assumptions
from tests.mapper.estimate.priced_layers import conv, description_of, layer_of, part_of

HW = load_hardware("edge-8x8", ["memory.bytes_per_clock=4", "memory.latency_clocks=77"])
PLAIN = description_of(layer_of("a", part_of(conv(4, 4, 4, 1), np.ones((4, 4), np.bool_))))
SOFTMAX = HostOperator(name="s", operator="aten.softmax", elements=5)


def test_a_layer_alone_assumes_its_memory_and_its_numbers() -> None:
    memory, numbers = assumptions(PLAIN, HW)
    assert "4 bytes per clock after 77 clocks" in memory
    assert "int8 with int32 sums" in numbers


def several(description: ModelDescription) -> ModelDescription:
    return dataclasses.replace(description, runs=description.runs * 2)


def repeated(description: ModelDescription) -> ModelDescription:
    return dataclasses.replace(description, runs=(dataclasses.replace(description.runs[0], repeats=2),))


def together(description: ModelDescription) -> ModelDescription:
    return dataclasses.replace(description, runs=(dataclasses.replace(description.runs[0], layers=("a", "b")),))


def with_host(description: ModelDescription) -> ModelDescription:
    fused = dataclasses.replace(SOFTMAX, fused=True)
    return dataclasses.replace(description, host_operators=(fused, SOFTMAX))


def product(description: ModelDescription) -> ModelDescription:
    return dataclasses.replace(description, layers=(dataclasses.replace(description.layers[0], stored=False),))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (several, "one after the other"),
        (repeated, "one after the other"),
        (together, "from the end of the one before"),
        (with_host, "the host takes no time"),
        (product, "product of two activations"),
    ],
)
def test_what_else_there_is_adds_a_sentence(change: object, words: str) -> None:
    assert callable(change)
    found = assumptions(change(PLAIN), HW)
    assert found[:2] == assumptions(PLAIN, HW)
    (added,) = found[2:]
    assert words in added


def test_what_the_output_stage_does_is_not_the_host_s() -> None:
    fused = dataclasses.replace(SOFTMAX, fused=True)
    assert assumptions(dataclasses.replace(PLAIN, host_operators=(fused,)), HW) == assumptions(PLAIN, HW)


def test_a_stated_rate_of_the_host_is_told() -> None:
    hw = load_hardware("edge-8x8", ["host.elements_per_clock=2.5"])
    assert "the host computes 2.5 results per clock" in assumptions(with_host(PLAIN), hw)[2]
