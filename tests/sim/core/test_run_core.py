"""Whole programs on the cycle model against plain integer arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch.command import Encoding
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, Numbers, load_hardware
from skipbeat_arch.stream import CoreStimulus
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.core_passes import (
    CorePasses,
    gemm_program,
    gemm_result,
    random_bundles,
    random_passes,
    random_tile,
    random_willing,
    small_hardware,
)

SIZES = [
    (1, 2, 4, 1),
    (2, 1, 8, 1),
    (1, 1, 4, 1),
    (2, 2, 16, 2),
    (3, 5, 8, 5),
    (4, 4, 4, 2),
    (4, 6, 32, 3),
    (8, 8, 8, 8),
]
LARGE = [(16, 16, 4, 8), (16, 16, 8, 4)]


def one_pixel(hw: Hardware) -> CorePasses:
    rng = np.random.default_rng(1)
    program = CorePasses(hw)
    weights = np.full((hw.array.rows, hw.array.group, hw.array.cols), -128, np.int8)
    program.load(weights, random_bundles(rng, hw, 1), first=True, last=True)
    return program


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_random_programs_with_every_port_stalling(size: tuple[int, int, int, int], seed: int) -> None:
    rng = np.random.default_rng([seed, *size])
    hw = small_hardware(*size, depth=24)
    program = random_passes(rng, hw, blocks=6, pixels=24 if seed % 2 else 3)
    run, events = run_core(hw, program.stimulus(random_willing(rng) if seed else None))
    assert run.finished
    assert run.error == 0
    np.testing.assert_array_equal(run.results, program.results)
    assert events.macs == program.macs
    assert events.results == program.results.size
    assert events.weight_slot_writes == sum(tile.rows * tile.beat for tile in program.tiles) * hw.array.cols
    assert events.value_bits + events.metadata_bits == sum(len(tile.words) for tile in program.tiles) * hw.word_bits


@pytest.mark.parametrize("encoding", [None, *Encoding])
@pytest.mark.parametrize("size", LARGE, ids=str)
def test_gemm(size: tuple[int, int, int, int], encoding: Encoding | None) -> None:
    rng = np.random.default_rng(5)
    hw = small_hardware(*size, depth=40)
    p, c, k = 50, 130, 20
    x = rng.integers(-128, 128, (p, c)).astype(np.int8)
    w = rng.integers(-128, 128, (c, k)).astype(np.int8)
    if encoding in (Encoding.BITMAP, Encoding.COORDINATE):
        w[rng.random(w.shape) < 0.8] = 0
    w[:64, 16:] = 0  # a tile without any weight is a null pass
    program = gemm_program(hw, x, w, encoding)
    run, _ = run_core(hw, program.stimulus(random_willing(rng)))
    assert run.finished
    np.testing.assert_array_equal(gemm_result(run.results, hw, p, k), x.astype(np.int64) @ w.astype(np.int64))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_result_leaves_r_plus_c_plus_5_clocks_after_the_last_step(size: tuple[int, int, int, int]) -> None:
    hw = small_hardware(*size)
    program = one_pixel(hw)
    run, _ = run_core(hw, program.stimulus(), trace=True)
    assert run.trace is not None
    last_step = int(np.flatnonzero(run.trace[:, 4] & run.trace[:, 5])[0])
    assert run.result_clocks.tolist() == [last_step + hw.array.rows + hw.array.cols + 5]
    assert run.cycles == run.result_clocks[0] + 1 == len(run.trace)


def test_passes_follow_one_another_without_a_bubble() -> None:
    rng = np.random.default_rng(2)
    hw = small_hardware(4, 4, 4, 4)
    program = CorePasses(hw)
    for number in range(6):
        weights = random_tile(rng, hw, 4, 4, 2)
        weights[0, :2, 0], weights[0, 2:, 0] = 1, 0
        program.load(weights, random_bundles(rng, hw, 40), first=number % 2 == 0, last=number % 2 == 1)
    run, _ = run_core(hw, program.stimulus(), trace=True)
    assert run.trace is not None
    steps = np.flatnonzero(run.trace[:, 4] & run.trace[:, 5])
    assert np.all(np.diff(steps) == 2)
    assert len(steps) == 240


@pytest.mark.parametrize("numbers", [(2, 2, 16), (4, 8, 20), (8, 4, 48), (3, 5, 18), (8, 8, 23)], ids=str)
def test_other_widths(numbers: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    weight, activation, accumulator = numbers
    widths = Numbers(weight_bits=weight, activation_bits=activation, accumulator_bits=accumulator)
    hw = small_hardware(3, 4, 8, 2, numbers=widths)
    program = random_passes(rng, hw, blocks=5, pixels=20)
    run, _ = run_core(hw, program.stimulus(random_willing(rng)))
    assert run.finished
    np.testing.assert_array_equal(run.results, program.results)


def test_accumulators_wrap() -> None:
    hw = small_hardware(1, 1, 4, numbers=Numbers(accumulator_bits=16))
    program = CorePasses(hw)
    weights, x = np.full((1, 4, 1), -128, np.int8), np.full((1, 1, 4), -128, np.int8)
    program.load(weights, x, first=True, last=True)
    run, _ = run_core(hw, program.stimulus())
    assert program.results.tolist() == [[65536]]
    assert run.results.tolist() == [[0]]


def test_a_run_gives_up_after_max_clocks() -> None:
    hw = small_hardware(2, 2, 4)
    stimulus = one_pixel(hw).stimulus(max_clocks=5)
    run, _ = run_core(hw, stimulus, trace=True)
    assert (run.finished, run.error, run.cycles, len(run.results)) == (False, 0, 5, 0)
    assert run.results.shape == (0, 2)
    assert run.trace is not None
    assert run.trace.shape == (5, 8)


CHANGES: list[tuple[Callable[[CoreStimulus], CoreStimulus], str]] = [
    (lambda s: replace(s, weights=np.zeros((1, 3), np.uint8)), "weights must be"),
    (lambda s: replace(s, weights_last=np.zeros(9, np.bool_)), "weights_last must have"),
    (lambda s: replace(s, activations=np.zeros((1, 2, 3), np.int8)), "activations must be"),
    (lambda s: replace(s, activations=np.full((1, 2, 4), 8, np.int8)), r"activations must be in -8\.\.7"),
    (lambda s: replace(s, commands=np.array([1 << 50], np.uint64)), "commands must fit"),
    (lambda s: replace(s, willing={}), "willing must have a pattern"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=[message for _, message in CHANGES])
def test_a_stimulus_that_does_not_fit_the_ports(change: Callable[[CoreStimulus], CoreStimulus], message: str) -> None:
    hw = small_hardware(2, 2, 4, numbers=Numbers(activation_bits=4))
    program = CorePasses(hw)
    program.load(np.ones((2, 4, 2), np.int8), np.ones((1, 2, 4), np.int8), first=True, last=True)
    with pytest.raises(InputError, match=message):
        run_core(hw, change(program.stimulus()))


def steps(rng: np.random.Generator, program: CorePasses, pixels: int, beat: int, *, first: bool) -> None:
    """A pass of `beat` steps per pixel, 0 for a null pass; it ends the block if it is not its first."""
    if beat == 0:
        program.null(pixels, first=first, last=not first)
        return
    weights = np.zeros((1, 4, 2), np.int8)
    weights[0, :beat] = rng.integers(1, 100, (beat, 2))
    program.load(weights, random_bundles(rng, program.hw, pixels), first=first, last=not first)


@pytest.mark.parametrize("pixels", range(1, 5))
@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("after", range(5))
def test_very_short_passes_read_what_the_pass_before_them_wrote(pixels: int, before: int, after: int) -> None:
    rng = np.random.default_rng([pixels, before, after])
    program = CorePasses(small_hardware(1, 2, 4))
    program.null(60, first=True, last=True)  # meanwhile both tiles can be loaded
    steps(rng, program, pixels, before, first=True)
    steps(rng, program, pixels, after, first=False)
    run, _ = run_core(program.hw, program.stimulus())
    assert run.finished
    np.testing.assert_array_equal(run.results, program.results)


def test_a_run_that_waits_for_no_result_goes_on_until_its_clocks_are_over() -> None:
    hw = load_hardware("tiny-4x4")
    stimulus = CoreStimulus(
        commands=np.zeros(0, np.uint64),
        weights=np.zeros((0, 4), np.uint8),
        weights_last=np.zeros(0, np.bool_),
        activations=np.zeros((0, 4, 4), np.int8),
        results=0,
        max_clocks=7,
    )
    run, _ = run_core(hw, stimulus)
    assert (run.cycles, run.finished, run.error) == (7, False, 0)
