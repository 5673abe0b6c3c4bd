"""Queue, skew, loader and sequencer, each against a few lines that say the same."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch import ports
from skipbeat_hw.core.loader import WeightLoader
from skipbeat_hw.core.sequencer import Sequencer
from skipbeat_hw.core.skew import Skew
from skipbeat_sim.core.fifo import Fifo
from skipbeat_sim.core.history import SPARE, History
from skipbeat_verify.core_passes import small_hardware
from tests.hw.ported import Ported


def test_history_survives_its_own_length() -> None:
    history, pushed = History(3, (), np.int64), [0, 0, 0]
    for value in range(3 * SPARE):
        history.push(value)
        pushed = [value, *pushed[:2]]
        assert history.rows[history.at : history.at + 3].tolist() == pushed


@settings(max_examples=50)
@given(st.integers(1, 5), st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=60))
def test_fifo(depth: int, clocks: list[tuple[bool, bool, bool]]) -> None:
    fifo, queue = Fifo[int](depth), deque[int]()
    for number, (write, read, rare) in enumerate(clocks):
        assert fifo.ready == (len(queue) < depth)
        assert fifo.front == (queue[0] if queue else None)
        written = number if write and fifo.ready else None
        taken = read and bool(queue)
        fifo.update(taken, written)
        if taken:
            queue.popleft()
        if written is not None:
            queue.append(number)
        if rare and number % 7 == 0:
            queue.clear()
            fifo.reset()


@pytest.mark.parametrize(("lanes", "width"), [(1, 5), (4, 8), (3, 128), (7, 19)])
def test_skew_delays_lane_i_by_i_clocks(lanes: int, width: int) -> None:
    rng = np.random.default_rng(lanes)
    skew = Ported(Skew, {"lanes": lanes, "width": width})
    sent = [[0] * lanes for _ in range(lanes)]
    for _ in range(SPARE + 50):
        sent.append([int.from_bytes(rng.bytes(16), "little") % (1 << width) for _ in range(lanes)])
        inputs = {"i": ports.pack_array(sent[-1], width)}
        expected = [sent[-1 - lane][lane] for lane in range(lanes)]
        assert ports.unpack_array(skew.outputs(inputs)["o"], lanes, width) == expected
        skew.tick(inputs)
        assert [ports.pack_array(parts, 16) for parts in skew.twin.view().tolist()] == expected


def test_loader_fills_one_bank_while_the_other_is_in_use() -> None:
    hw = small_hardware(3, 2, 4)
    loader = Ported(WeightLoader, {"hw": hw})
    fields = ports.write_fields(hw)
    write: dict[str, int | list[int]] = {"enable": 1, "row": 2, "slot": 3, "values": [5, -6], "index": [1, 2]}
    idle = {"write_i": ports.pack(fields, {**write, "enable": 0}), "done_i": 0, "release_i": 0}
    first = loader.outputs({**idle, "write_i": ports.pack(fields, write)})
    assert (first["bank_ok_o"], first["full_o"], first["write_enable_o"], first["write_address_o"]) == (1, 0, 4, 3)
    loader.tick({**idle, "done_i": 1})
    assert loader.outputs(idle)["full_o"] == 1
    assert loader.outputs(idle)["write_enable_o"] == 0
    addresses = []
    for _ in range(3):
        addresses.append(loader.outputs(idle)["write_address_o"])
        loader.tick(idle)
    assert addresses == [3, 3, 7]  # the bank changes with the writes, which are two clocks behind `done`
    loader.tick({**idle, "done_i": 1})
    full = loader.outputs(idle)
    assert (full["bank_ok_o"], full["full_o"]) == (0, 3)
    loader.tick({**idle, "release_i": 1})
    freed = loader.outputs(idle)
    assert (freed["bank_ok_o"], freed["full_o"]) == (1, 2)
    loader.tick({**idle, "release_i": 3, "rst": 0})
    assert loader.outputs(idle)["full_o"] == 0
    loader.tick({**idle, "done_i": 1, "rst": 1})
    assert loader.outputs(idle)["full_o"] == 0


def test_loader_skews_the_weights() -> None:
    hw = small_hardware(1, 3, 4)
    loader, weight = Ported(WeightLoader, {"hw": hw}), ports.pe_weight_fields(hw)
    seen = []
    for number in range(6):
        lanes = {"values": [-number] * 3, "index": [number % 4] * 3}
        write = ports.pack(ports.write_fields(hw), {"enable": 1, "row": 0, "slot": 0, **lanes})
        inputs = {"write_i": write, "done_i": 0, "release_i": 0}
        words = ports.unpack_array(loader.outputs(inputs)["weights_o"], 3, ports.word_bits(weight))
        seen.append([(ports.field_of(weight, w, "value"), ports.field_of(weight, w, "index")) for w in words])
        loader.tick(inputs)
    assert seen[5] == [(256 - 5, 1), (256 - 4, 0), (256 - 3, 3)]


def feed(beat: int, pixels: int, rows: int) -> list[tuple[int, ...]]:
    """{open, close, pixel, slot, bank} and row 0's and row 1's first activation for each step of one pass."""
    hw = small_hardware(2, 2, 4)
    sequencer = Ported(Sequencer, {"hw": hw})
    steps: list[tuple[int, ...]] = []
    pass_ = {"pixels": pixels, "beat": beat, "rows": rows, "load": int(beat > 0), "first": 1, "last": 1}
    pass_ |= {"stale": 0, "one_step": int(beat <= 1), "two_steps": int(beat <= 2), "one_pixel": int(pixels == 1)}
    inputs = {
        "passes__payload": ports.pack(ports.pass_fields(hw), pass_),
        "activations__valid": 1,
        "full_i": 1,
        "halt_i": 0,
        "taken_i": 0,
    }
    pixel = 0
    for clock in range(40):
        step = {**inputs, "passes__valid": int(clock == 0), "activations__payload": (pixel + 1) | (pixel + 65) << 32}
        outputs = sequencer.outputs(step)
        control = ports.unpack(ports.control_fields(hw), outputs["control_o"])
        if control["valid"]:
            bank, slot = divmod(outputs["slot_o"], 4)
            low, high = outputs["bundles_o"] & 0xFF, outputs["bundles_o"] >> 32 & 0xFF
            steps.append((control["open"], control["close"], control["pixel"], slot, bank, low, high))
        pixel += outputs["activations__ready"]
        sequencer.tick(step)
    assert sequencer.outputs(inputs | {"passes__valid": 0})["active_o"] == 0
    return steps


def test_sequencer_makes_b_steps_for_each_pixel() -> None:
    expected = [(int(s == 0), int(s == 2), p, s, 0, p + 1, 0) for p in range(3) for s in range(3)]
    assert feed(beat=3, pixels=3, rows=1) == expected


def test_a_null_pass_feeds_zeros_and_reads_no_bundle() -> None:
    assert feed(beat=0, pixels=2, rows=0) == [(1, 1, 0, 0, 1, 0, 0), (1, 1, 1, 0, 1, 0, 0)]
