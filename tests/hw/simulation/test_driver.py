from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS, CoreStimulus
from skipbeat_hw.simulation.driver import VerilatedCore

ITEMS = 40
COMMAND = 0x155_0000_0000 | 0x83  # the low 8 bits are -125
SmallCore = tuple[VerilatedCore, Hardware]


@pytest.fixture(scope="module")
def core(small_core: tuple[str, Hardware]) -> SmallCore:
    verilog, hardware = small_core
    return VerilatedCore(verilog, hardware), hardware


def _stimulus(hw: Hardware, *, words: int = 1, last: tuple[int, ...] = (), seed: int = 1) -> CoreStimulus:
    rng = np.random.default_rng(seed)
    low, high = integer_range(hw.numbers.activation_bits)
    shape = (ITEMS, hw.array.rows, hw.array.group)
    return CoreStimulus(
        commands=np.array([COMMAND], np.uint64),
        weights=rng.integers(0, 256, (words, hw.array.cols), dtype=np.uint8),
        weights_last=np.isin(np.arange(words), last),
        activations=rng.integers(low, high + 1, shape).astype(np.int8),
        results=ITEMS,
        max_clocks=1000,
    )


def _expected(stimulus: CoreStimulus, word: int = 0) -> Int64Array:
    cols = stimulus.weights.shape[1]
    flat = stimulus.activations.reshape(ITEMS, -1)[:, :cols].astype(np.int64)
    expected: Int64Array = flat + stimulus.weights[word].view(np.int8).astype(np.int64) - 125
    return expected


def test_values_pass_through_every_port(core: SmallCore) -> None:
    rtl, hw = core
    stimulus = _stimulus(hw)
    run = rtl.run(stimulus, trace=True)
    np.testing.assert_array_equal(run.results, _expected(stimulus))
    assert run.finished
    assert run.error == 0
    assert run.cycles == ITEMS + 2  # one clock to take command and weights, one through the output register
    np.testing.assert_array_equal(run.result_clocks, np.arange(ITEMS) + 2)
    assert run.trace is not None
    assert run.trace.shape == (run.cycles, 8)
    np.testing.assert_array_equal(run.trace[0], [1, 1, 1, 1, 1, 0, 0, 1])
    np.testing.assert_array_equal(run.trace[1], [0, 0, 0, 1, 1, 1, 0, 1])
    assert rtl.clocks_per_second > 0


@pytest.mark.parametrize("seed", range(5))
def test_idle_inputs_and_back_pressure_keep_items_and_patterns(core: SmallCore, seed: int) -> None:
    rtl, hw = core
    rng = np.random.default_rng(seed)
    willing = {port: np.append(rng.random(rng.integers(1, 9)) < 0.4, True) for port in PORTS}
    stimulus = replace(_stimulus(hw, seed=seed), willing=willing)
    run = rtl.run(stimulus, trace=True)
    assert run.finished
    np.testing.assert_array_equal(run.results, _expected(stimulus))
    assert run.trace is not None
    clocks = np.arange(run.cycles)
    np.testing.assert_array_equal(run.trace[:, 7], willing["results"][clocks % len(willing["results"])])
    transfers = np.flatnonzero(run.trace[:, 6] & run.trace[:, 7])
    np.testing.assert_array_equal(run.result_clocks, transfers)
    for port in range(3):
        valid, ready = run.trace[:, 2 * port].astype(bool), run.trace[:, 2 * port + 1].astype(bool)
        held = valid[:-1] & ~ready[:-1]
        assert valid[1:][held].all()
        pattern = willing[PORTS[port]][clocks % len(willing[PORTS[port]])]
        fresh = valid & ~np.append(False, held)
        assert not (fresh & ~pattern).any()


def test_runs_do_not_depend_on_runs_before(core: SmallCore) -> None:
    rtl, hw = core
    stimulus = _stimulus(hw)
    first = rtl.run(stimulus)
    rtl.run(replace(stimulus, results=0, max_clocks=7))
    again = rtl.run(stimulus)
    np.testing.assert_array_equal(first.results, again.results)
    assert first.cycles == again.cycles


def test_error_ends_the_run_at_its_clock(core: SmallCore) -> None:
    rtl, hw = core
    stimulus = _stimulus(hw, words=4, last=(3,))
    run = rtl.run(stimulus, trace=True)
    assert run.error == 5
    assert not run.finished
    assert run.cycles == 5  # the fourth word is taken in clock 3, the error register shows in clock 4
    assert run.trace is not None
    assert len(run.trace) == 5
    np.testing.assert_array_equal(run.result_clocks, [2, 3, 4])
    assert rtl.run(_stimulus(hw)).error == 0


def test_clocks_run_out(core: SmallCore) -> None:
    rtl, hw = core
    stimulus = replace(_stimulus(hw), results=ITEMS + 1, max_clocks=60)
    run = rtl.run(stimulus)
    assert (run.finished, run.error, run.cycles) == (False, 0, 60)
    assert len(run.results) == ITEMS
    endless = rtl.run(replace(stimulus, results=0))
    assert (endless.finished, endless.cycles, len(endless.results)) == (False, 60, ITEMS)


@pytest.mark.parametrize("reset_at", [0, 1, 9, 100])
def test_reset_in_the_middle_starts_over(core: SmallCore, reset_at: int) -> None:
    rtl, hw = core
    stimulus = replace(_stimulus(hw), willing={p: np.array([True, False, True]) for p in PORTS})
    plain, again = rtl.run(stimulus, trace=True), rtl.run(stimulus, trace=True, reset_at=reset_at)
    np.testing.assert_array_equal(plain.results, again.results)
    np.testing.assert_array_equal(plain.result_clocks, again.result_clocks)
    assert plain.trace is not None
    assert again.trace is not None
    np.testing.assert_array_equal(plain.trace, again.trace)


def test_reset_clears_an_error(core: SmallCore) -> None:
    rtl, hw = core
    run = rtl.run(_stimulus(hw, words=4, last=(3,)), reset_at=20)
    assert (run.error, run.cycles) == (5, 5)


def test_no_item_at_all(core: SmallCore) -> None:
    rtl, hw = core
    full = _stimulus(hw)
    empty = replace(
        full,
        commands=full.commands[:0],
        weights=full.weights[:0],
        weights_last=full.weights_last[:0],
        activations=full.activations[:0],
        max_clocks=5,
    )
    run = rtl.run(empty)
    assert (run.finished, run.cycles, len(run.results)) == (False, 5, 0)


def test_bad_stimulus_is_named(core: SmallCore) -> None:
    rtl, hw = core
    good = _stimulus(hw)
    with pytest.raises(InputError, match="activations should have items of shape"):
        rtl.run(replace(good, activations=good.activations[:, 1:]))
    with pytest.raises(InputError, match="weights should have items of shape"):
        rtl.run(replace(good, weights=good.weights[:, 1:]))
    with pytest.raises(InputError, match=r"willing\['weights'\]"):
        rtl.run(replace(good, willing=good.willing | {"weights": np.zeros(0, np.bool_)}))
    with pytest.raises(InputError, match="commands should be in"):
        rtl.run(replace(good, commands=np.array([1 << COMMAND_BITS], np.uint64)))
    if hw.numbers.activation_bits < 8:
        with pytest.raises(InputError, match=r"activations should be in -16\.\.15"):
            rtl.run(replace(good, activations=np.full_like(good.activations, 16)))
    with pytest.raises(InputError, match="reset_at"):
        rtl.run(good, reset_at=-1)


def test_verilog_of_other_hardware_is_refused(small_core: tuple[str, Hardware]) -> None:
    with pytest.raises(InputError, match="port weights__payload should have 65 bits, found 33"):
        VerilatedCore(small_core[0], load_hardware("edge-8x8"))
