"""A core under cocotb answers as the compiled one does: the same results, clocks, errors and handshakes."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS, CoreStimulus
from skipbeat_hw.simulation.cocotb_core import CocotbCore
from skipbeat_hw.simulation.driver import VerilatedCore

ITEMS, CLOCKS = 12, 60
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


def stimulus(hw: Hardware, seed: int, *, words: int = 1, last: bool = False) -> CoreStimulus:
    rng = np.random.default_rng(seed)
    low, high = integer_range(hw.numbers.activation_bits)
    shape = (ITEMS, hw.array.rows, hw.array.group)
    return CoreStimulus(
        commands=np.array([0x1_0000_0005], np.uint64),
        weights=rng.integers(0, 256, (words, hw.array.cols), dtype=np.uint8),
        weights_last=(np.arange(words) == words - 1) & last,
        activations=rng.integers(low, high + 1, shape).astype(np.int8),
        results=ITEMS,
        willing={port: np.append(rng.random(rng.integers(1, 9)) < 0.6, True) for port in PORTS},
        max_clocks=CLOCKS,
    )


@needs_icarus
@pytest.mark.parametrize(("words", "last"), [(1, False), (2, True)], ids=["sound", "with an error"])
def test_it_is_the_compiled_core(small_core: tuple[str, Hardware], words: int, last: bool) -> None:
    """The second word of weights raises an error if it has the flag; see `PortsOfCore`."""
    verilog, hw = small_core
    given = stimulus(hw, seed=words, words=words, last=last)
    got = CocotbCore(verilog, hw, "icarus").run(given, trace=True)
    want = VerilatedCore(verilog, hw).run(given, trace=True)
    assert (got.cycles, got.error, got.finished) == (want.cycles, want.error, want.finished)
    assert got.error == (5 if last else 0)
    np.testing.assert_array_equal(got.results, want.results)
    np.testing.assert_array_equal(got.result_clocks, want.result_clocks)
    assert got.trace is not None
    assert want.trace is not None
    np.testing.assert_array_equal(got.trace, want.trace)


def test_values_that_no_port_holds_are_refused(small_core: tuple[str, Hardware]) -> None:
    verilog, hw = small_core
    wide = replace(stimulus(hw, seed=1), commands=np.array([(1 << 64) - 1], np.uint64))
    with pytest.raises(InputError, match="commands__payload"):
        CocotbCore(verilog, hw, "icarus").run(wide)
