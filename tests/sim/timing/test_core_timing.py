"""The timing model against the cycle model: every total, exactly."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.tile import PackedTile, pack_tile
from skipbeat_arch.timing import Clocks, CoreTiming, Events
from skipbeat_sim.core.core import Core
from skipbeat_sim.core.run_core import run_core
from skipbeat_sim.timing.core_timing import core_cycles, core_timing
from skipbeat_sim.timing.pass_columns import PassColumns
from skipbeat_verify.core_passes import small_hardware
from tests.sim.timing.core_timing_cases import (
    Program,
    ideal_stimulus,
    null_pass,
    random_hardware,
    random_passes,
    reuse_pass,
    tile_of_counts,
)

HW = small_hardware(4, 4, 4, 2)


def dense_tile(hw: Hardware, rows: int | None = None) -> PackedTile:
    """All weights 1, dense, over all columns."""
    weights = np.ones((rows or hw.array.rows, hw.array.group, hw.array.cols), np.int8)
    return pack_tile(weights, hw, Encoding.DENSE)


def check_case(seed: int) -> None:
    """One random case; a failure names its seed."""
    rng = np.random.default_rng(seed)
    hw = random_hardware(rng)
    commands, tiles = random_passes(rng, hw)
    check(commands, tiles, hw, f"seed {seed}")


def check(commands: list[Command], tiles: list[PackedTile], hw: Hardware, what: str = "") -> CoreTiming:
    """Cycles, steps and events are the cycle model's."""
    timing = core_timing(commands, tiles, hw)
    run, events = run_core(hw, ideal_stimulus(commands, tiles, hw, np.random.default_rng(0)))
    assert run.finished, what
    assert timing.cycles == run.cycles, what
    assert timing.events == events, what
    assert timing.clocks.cycles == timing.cycles, what
    assert timing.clocks.compute * hw.pes == events.weight_slot_reads, what
    return timing


@pytest.mark.parametrize("start", range(0, 120, 10))
def test_random_programs_take_the_cycles_of_the_cycle_model(start: int) -> None:
    for seed in range(start, start + 10):
        check_case(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_many_random_programs_take_the_cycles_of_the_cycle_model(start: int) -> None:
    for seed in range(start, start + 100):
        check_case(seed)


@st.composite
def small_programs(draw: st.DrawFn) -> tuple[Hardware, list[Command], list[PackedTile]]:
    """Small cores and programs, drawn number by number, so that a failing one shrinks."""
    cols = draw(st.integers(1, 4))
    lanes = draw(st.sampled_from([n for n in range(1, cols + 1) if cols % n == 0]))
    hw = small_hardware(draw(st.integers(1, 4)), cols, draw(st.sampled_from([1, 4, 8, 16])), lanes)
    rng = np.random.default_rng(draw(st.integers(0, 3)))
    commands: list[Command] = []
    tiles: list[PackedTile] = []
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["load", "again", "null"]))
        pixels, first, last = draw(st.integers(1, 4)), draw(st.booleans()), draw(st.booleans())
        if kind == "null":
            commands.append(null_pass(pixels, first=first, last=last))
        elif kind == "again" and tiles:
            commands.append(reuse_pass(tiles[-1], pixels, first=first, last=last))
        else:
            rows, width = draw(st.integers(1, hw.array.rows)), draw(st.integers(1, cols))
            sizes = st.integers(0, hw.array.group)
            counts = np.array(draw(st.lists(sizes, min_size=rows * width, max_size=rows * width)))
            counts[-1] += not counts.any()
            tiles.append(tile_of_counts(counts.reshape(rows, width), hw, rng))
            commands.append(tiles[-1].command(pixels, first=first, last=last))
    commands[-1] = replace(commands[-1], last=True)
    return hw, commands, tiles


@settings(max_examples=60)
@given(small_programs())
def test_small_programs_take_the_cycles_of_the_cycle_model(
    case: tuple[Hardware, list[Command], list[PackedTile]],
) -> None:
    hw, commands, tiles = case
    check(commands, tiles, hw)


def watched_clocks(commands: list[Command], tiles: list[PackedTile], hw: Hardware) -> Clocks:
    """Where the clocks went, watched from outside while the cycle model runs.

    A step comes a clock after its pass is taken or later, so a clock without one has its cause in the clock before.
    """
    stimulus = ideal_stimulus(commands, tiles, hw, np.random.default_rng(0))
    words = [
        int.from_bytes(row.tobytes(), "little") | int(last) << hw.word_bits
        for row, last in zip(stimulus.weights, stimulus.weights_last, strict=True)
    ]
    queue = [int(word) for word in stimulus.commands]
    bundles = list(stimulus.activations.astype(np.int32))
    core = Core(hw)
    taken = results = 0
    steps, unloaded = [], []
    while results < stimulus.results:
        core.evaluate(next(iter(queue), None), next(iter(words), None), next(iter(bundles), None), True)
        steps.append(core.sequencer.issue)
        loads = taken < len(commands) and commands[taken].load
        unloaded.append(loads and not core.loader.full_o >> (1 - core.sequencer.bank) & 1)
        del queue[: core.commands_ready], words[: core.weights_ready], bundles[: core.activations_ready]
        taken += core.sequencer.passes_ready
        results += core.results_valid
        core.update()
    first, end = steps.index(True), len(steps) - steps[::-1].index(True)
    waits = [before for before, step in zip(unloaded[first : end - 1], steps[first + 1 : end], strict=True) if not step]
    return Clocks(
        compute=sum(steps), tile_wait=sum(waits), hazard=len(waits) - sum(waits), fill_drain=len(steps) - (end - first)
    )


@pytest.mark.parametrize("seed", range(40))
def test_every_clock_has_its_cause(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hw = random_hardware(rng)
    commands, tiles = random_passes(rng, hw)
    assert core_timing(commands, tiles, hw).clocks == watched_clocks(commands, tiles, hw)


def test_one_dense_tile_by_hand() -> None:
    # Accepted in clock 0, descriptor in 1, words flow from 3 on, the first slot fires in 6, R·M = 16 of them.
    tile = dense_tile(HW)
    timing = check([tile.command(10, first=True, last=True)], [tile], HW)
    full = 6 + 16
    assert timing.cycles == full + 10 * 4 + 4 + 4 + 6
    assert timing.clocks == Clocks(compute=40, fill_drain=full + 1 + 4 + 4 + 5)


def test_loads_hide_behind_long_passes() -> None:
    tiles = [dense_tile(HW) for _ in range(20)]
    commands = [tile.command(8, first=n % 4 == 0, last=n % 4 == 3) for n, tile in enumerate(tiles)]
    clocks = check(commands, tiles, HW).clocks
    assert (clocks.compute, clocks.tile_wait, clocks.hazard) == (20 * 8 * 4, 0, 0)


def test_short_passes_wait_for_their_tiles() -> None:
    tiles = [dense_tile(HW) for _ in range(25)]
    clocks = check([tile.command(1, first=True, last=True) for tile in tiles], tiles, HW).clocks
    assert clocks.tile_wait > 20 * 8
    assert clocks.hazard == 0


@pytest.mark.parametrize(("pixels", "waits"), [(1, 3), (2, 2), (3, 1), (4, 0)])
def test_null_passes_wait_for_what_they_read(pixels: int, waits: int) -> None:
    commands = [null_pass(pixels, first=n == 0, last=n == 9) for n in range(10)]
    assert check(commands, [], HW).clocks == Clocks(compute=10 * pixels, hazard=9 * waits, fill_drain=2 + 4 + 4 + 5)


def test_a_null_pass_waits_for_the_last_of_three_pixels() -> None:
    tile = dense_tile(HW)
    for pixels, waits in ((1, 3), (2, 2), (3, 1), (4, 0)):
        commands = [tile.command(pixels, first=True, last=False), null_pass(pixels, first=False)]
        assert check(commands, [tile], HW).clocks.hazard == waits


def long_chain(hw: Hardware, count: int) -> Program:
    """Tiny tiles, each used again twice, with null passes in between: more than the queues hold."""
    rng = np.random.default_rng(7)
    commands, tiles = [], []
    for n in range(count):
        tiles.append(tile_of_counts(rng.integers(1, 3, (1 + n % 2, 1)), hw, rng))
        commands.append(tiles[-1].command(1, first=n == 0, last=False))
        commands += [reuse_pass(tiles[-1], 2, first=False, last=False), null_pass(1, first=False, last=False)] * (n % 3)
    return [*commands, null_pass(1, first=False)], tiles


@pytest.mark.parametrize("group", [1, 4, 8, 16, 32])
def test_long_chains_of_tiny_tiles(group: int) -> None:
    hw = small_hardware(3, 2, group, 1)
    check(*long_chain(hw, 40), hw)


@pytest.mark.parametrize(("count", "late"), [(5, 0), (10, 3), (30, 23)])
def test_a_full_metadata_fifo_delays_a_long_chain(count: int, late: int) -> None:
    """After a long pass, 18 words come for each tile while 17 clocks unpack it: what waited in the FIFO runs out."""
    hw = small_hardware(16, 4, 8, 4, depth=600)
    counts = np.zeros((16, 4), np.int64)
    counts[:2] = 1
    weights = (np.arange(8)[None, :, None] < counts[:, None]).astype(np.int8)
    tiles = [pack_tile(weights, hw, Encoding.BITMAP)] * (count + 1)
    commands = [tile.command(1 if n else 600, first=True, last=True) for n, tile in enumerate(tiles)]
    cycles = check(commands, tiles, hw).cycles
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hardware, "metadata_words", 1000)
        assert cycles - core_cycles(PassColumns.of(commands, tiles), hw) == late


def test_the_same_tile_again_costs_what_a_copy_costs() -> None:
    one = dense_tile(HW)
    several = [dense_tile(HW) for _ in range(6)]
    commands = [tile.command(2, first=True, last=True) for tile in several]
    assert core_timing(commands, [one] * 6, HW) == core_timing(commands, several, HW)


def test_an_empty_program_takes_no_clock() -> None:
    assert core_timing([], [], HW) == CoreTiming(cycles=0, clocks=Clocks(), events=Events())
    assert core_cycles(PassColumns.of([], []), HW) == 0


GOOD = dense_tile(HW)
BAD_PROGRAMS: list[tuple[str, list[Command], list[PackedTile]]] = [
    ("last command must be `last`", [GOOD.command(1, first=True, last=False)], [GOOD]),
    ("1 commands load a tile, but there are 0", [GOOD.command(1, first=True, last=True)], []),
    ("0 commands load a tile, but there are 1", [], [GOOD]),
    ("BAD_GEOMETRY", [GOOD.command(65, first=True, last=True)], [GOOD]),
    ("does not describe the tile", [GOOD.command(1, first=True, last=True)], [dense_tile(HW, 3)]),
    ("not resident", [reuse_pass(GOOD, 1)], []),
    ("not resident", [GOOD.command(1, first=True, last=True), reuse_pass(dense_tile(HW, 3), 1)], [GOOD]),
    (
        "17 words, but its slots ask for 16",
        [GOOD.command(1, first=True, last=True)],
        [replace(GOOD, words=np.zeros((17, 4), np.uint8))],
    ),
    ("stores no value", [GOOD.command(1, first=True, last=True)], [replace(GOOD, slots=np.zeros((4, 4), np.int64))]),
]


@pytest.mark.parametrize(("message", "commands", "tiles"), BAD_PROGRAMS)
def test_what_the_core_would_not_run_has_no_timing(
    message: str, commands: list[Command], tiles: list[PackedTile]
) -> None:
    with pytest.raises(InputError, match=message):
        core_timing(commands, tiles, HW)


def test_twenty_thousand_tiles_are_quick() -> None:
    hw = load_hardware("large-32x32")
    rng = np.random.default_rng(1)
    few = [tile_of_counts(rng.integers(0, 4, (32, 32)), hw, rng) for _ in range(50)]
    tiles = [replace(few[n % len(few)]) for n in range(20_000)]
    commands = [tile.command(100, first=True, last=True) for tile in tiles]
    started = time.process_time()
    core_cycles(PassColumns.of(commands, tiles), hw)
    assert time.process_time() - started < 3
