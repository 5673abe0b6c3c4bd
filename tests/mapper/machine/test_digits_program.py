"""The digits network as a program: its logits are the oracle's."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_mapper.machine.compile import compile_network
from skipbeat_models import oracle
from skipbeat_models.lower import to_graph
from skipbeat_models.prepare import PreparedDigits, prepare_digits
from tests.mapper.machine.interpreter import Interpreter


@pytest.fixture(scope="module")
def prepared() -> PreparedDigits:
    return prepare_digits(Pattern.parse("2:4"))


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"])
def test_logits(prepared: PreparedDigits, preset: str) -> None:
    hw = load_hardware(preset)
    program = compile_network(to_graph(prepared.network), hw)
    for seed in range(2):
        memory = program.memory()
        program.write_input(memory, prepared.images[seed])
        Interpreter(program, hw, memory, seed).run()
        logits = oracle.run(prepared.network, prepared.images[seed : seed + 1]).logits
        np.testing.assert_array_equal(program.read_output(memory).ravel(), logits[0])
