"""Contradictory streams: the right error, a stop, and never a wrong result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import CoreStimulus
from skipbeat_sim.core.core import Core
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.core_passes import CorePasses, random_bundles, random_passes, random_willing, small_hardware

GOOD_PIXELS = 30
WordChange = Callable[[Bytes], Bytes]


def hardware() -> Hardware:
    return small_hardware(3, 4, 8, 2)


@dataclass(frozen=True)
class Case:
    """A stimulus and its error; the results that leave before it are the first of `expected`."""

    error: CoreError
    stimulus: CoreStimulus
    expected: Int64Array


def good_then(encoding: Encoding, beat: int, cols: int = 4, change: WordChange | None = None) -> CorePasses:
    """A sound block, then a pass whose tile has `beat` nonzeros in every group, packed and then changed."""
    rng = np.random.default_rng(7)
    program = CorePasses(hardware())
    for width, bits, packing in ((4, 8, None), (cols, beat, encoding)):
        weights = np.zeros((3, 8, width), np.int8)
        weights[:, :bits] = rng.integers(1, 100, (3, bits, width))
        program.load(weights, random_bundles(rng, program.hw, GOOD_PIXELS), first=True, last=True, encoding=packing)
    if change:
        program.tiles[1] = replace(program.tiles[1], words=change(program.tiles[1].words))
    return program


def bad_tile(error: CoreError, encoding: Encoding, beat: int, change: WordChange, cols: int = 4) -> Case:
    """The last tile's words are changed."""
    program = good_then(encoding, beat, cols, change)
    return Case(error, program.stimulus(), program.results)


def bad_command(error: CoreError, fields: dict[str, int], encoding: Encoding = Encoding.DENSE, beat: int = 8) -> Case:
    """The last command has other fields."""
    program = good_then(encoding, beat)
    stimulus = program.stimulus()
    word = ports.unpack(ports.COMMAND, int(stimulus.commands[-1])) | fields
    commands = np.append(stimulus.commands[:-1], np.uint64(ports.pack(ports.COMMAND, word)))
    return Case(error, replace(stimulus, commands=commands), program.results)


def lone_command(case: Case) -> Case:
    """Only the last command."""
    return replace(case, stimulus=replace(case.stimulus, commands=case.stimulus.commands[-1:]))


BITMAP = Encoding.BITMAP
CASES = {
    "reserved encoding": bad_command(CoreError.RESERVED_ENCODING, {"encoding": 3}),
    "no pixels": bad_command(CoreError.BAD_GEOMETRY, {"pixels": 0}),
    "more pixels than accumulators": bad_command(CoreError.BAD_GEOMETRY, {"pixels": 65}),
    "a beat beyond M": bad_command(CoreError.BAD_GEOMETRY, {"beat": 9}),
    "a dense tile with b below M": bad_command(CoreError.BAD_GEOMETRY, {"beat": 7}),
    "no rows": bad_command(CoreError.BAD_GEOMETRY, {"rows": 0}),
    "too many columns": bad_command(CoreError.BAD_GEOMETRY, {"cols": 5}),
    "coordinates wider than a bitmap": bad_command(CoreError.BAD_GEOMETRY, {"encoding": Encoding.COORDINATE}),
    "a null pass with a tile": bad_command(CoreError.BAD_GEOMETRY, {"beat": 0}),
    "more nonzeros than b": bad_command(CoreError.TOO_MANY_NONZEROS, {"beat": 2}, BITMAP, 3),
    "nonzeros beyond the last column": bad_command(CoreError.TOO_MANY_NONZEROS, {"cols": 3}, BITMAP, 3),
    "falling coordinates": bad_tile(
        CoreError.COORDINATES_NOT_ASCENDING, Encoding.COORDINATE, 2, lambda w: np.vstack([w[:1] * 0, w[1:]])
    ),
    "cut off in the metadata": bad_tile(CoreError.TRUNCATED_TILE, BITMAP, 3, lambda w: w[:2]),
    "cut off in the values": bad_tile(CoreError.TRUNCATED_TILE, BITMAP, 3, lambda w: w[:-1]),
    "cut off inside a slot": bad_tile(CoreError.TRUNCATED_TILE, BITMAP, 3, lambda w: w[:-2], cols=3),
    "a word too many": bad_tile(CoreError.OVERLONG_TILE, BITMAP, 3, lambda w: np.vstack([w, w[-1:]])),
    "no tile was loaded": lone_command(bad_command(CoreError.NO_SUCH_TILE, {"load": 0})),
    "another tile is resident": bad_command(CoreError.NO_SUCH_TILE, {"load": 0, "rows": 2}),
}


def test_every_error_has_a_case() -> None:
    assert {case.error for case in CASES.values()} == set(CoreError) - {CoreError.NONE}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_error_ends_the_run(case: Case) -> None:
    run, _ = run_core(hardware(), case.stimulus)
    assert run.error == case.error
    assert not run.finished
    assert run.cycles < 2000
    np.testing.assert_array_equal(run.results, case.expected[: len(run.results)])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_core_stops_until_reset(case: Case) -> None:
    hw = hardware()
    core = Core(hw)
    flags = case.stimulus.weights_last << np.uint64(hw.word_bits)
    words = case.stimulus.weights.copy().view("<u4").ravel() | flags
    commands, data = deque(case.stimulus.commands.tolist()), deque(words.tolist())
    bundles = deque(case.stimulus.activations.astype(np.int32))
    results: list[Int64Array] = []
    late_words = 0
    for _ in range(2000):
        core.evaluate(
            commands[0] if commands else None, data[0] if data else None, bundles[0] if bundles else None, True
        )
        ready = core.commands_ready, core.weights_ready, core.activations_ready
        if core.error != CoreError.NONE:
            assert not core.commands_ready
            assert not core.activations_ready
            late_words += core.weights_ready and bool(data)
        if core.results_valid:
            results.append(core.results)
        queues: tuple[deque[Any], ...] = commands, data, bundles
        for taken, items in zip(ready, queues, strict=True):
            if taken and items:
                items.popleft()
        core.update()
    assert core.error == case.error
    # Words of tiles that were taken before: as many as the two queues hold, and the metadata of seven rows.
    assert late_words <= max(2, hw.metadata_words) + 2 + 7 * -(-hw.array.group // hw.numbers.weight_bits)
    np.testing.assert_array_equal(np.array(results).reshape(-1, 4), case.expected[: len(results)] & 0xFFFFFFFF)
    core.reset()
    assert core.error == CoreError.NONE


@pytest.mark.parametrize("seed", range(40))
def test_a_last_flag_in_the_wrong_place_never_hangs_and_never_gives_a_wrong_result(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hw = small_hardware(2, 4, 8, 2)
    program = random_passes(rng, hw, blocks=5, pixels=6)
    stimulus = program.stimulus(random_willing(rng))
    flags = stimulus.weights_last.copy()
    flags[rng.integers(len(flags))] ^= True
    run, _ = run_core(hw, replace(stimulus, weights_last=flags))
    assert run.error in (CoreError.TRUNCATED_TILE, CoreError.OVERLONG_TILE)
    assert run.cycles < stimulus.max_clocks
    np.testing.assert_array_equal(run.results, program.results[: len(run.results)])
