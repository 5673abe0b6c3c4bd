"""Accumulators and the result queue against one column written out, and against the order of the items."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_hw.core.accumulators import Accumulators
from skipbeat_hw.core.results import ResultBuffer
from skipbeat_sim.core.history import SPARE
from skipbeat_verify.core_passes import small_hardware
from tests.hw.ported import Ported

Fields = dict[str, int]


@dataclass
class Column:
    """One column of accumulators, register by register."""

    bits: int
    memory: dict[int, int] = field(default_factory=dict)
    control_r: Fields = field(default_factory=lambda: {"valid": 0})
    control_a: Fields = field(default_factory=lambda: {"valid": 0})
    control_b: Fields = field(default_factory=lambda: {"valid": 0})
    data: int = 0
    entry: int = 0
    sum: int = 0

    def tick(self, control_in: Fields, psum: int, rst: int) -> None:
        """One clock."""
        a, b = self.control_a, self.control_b
        data, total = self.data, self.sum
        if control_in["valid"] and control_in["open"] and not control_in["first"]:
            data = self.memory.get(control_in["pixel"], 0)
        if a["valid"]:
            base = (0 if a["first"] else self.entry) if a["open"] else self.sum
            total = (psum + base) % (1 << self.bits)
        if b["valid"] and b["close"] and not b["last"]:
            self.memory[b["pixel"]] = self.sum
        self.data, self.entry, self.sum = data, self.data, total
        self.control_r, self.control_a, self.control_b = dict(control_in), dict(self.control_r), dict(a)
        if rst:
            self.control_r["valid"] = self.control_a["valid"] = self.control_b["valid"] = 0


@pytest.mark.parametrize("cols", [1, 3, 8])
def test_every_column_is_a_column(cols: int) -> None:
    hw = small_hardware(2, cols, 4, depth=5)
    rng = np.random.default_rng(cols)
    twin, columns = Ported(Accumulators, {"hw": hw}), [Column(hw.numbers.accumulator_bits) for _ in range(cols)]
    for clock in range(SPARE + 200):
        busy = clock // 60 % 2  # stretches of work and of rest
        names = ("open", "close", "first", "last")
        control = {"valid": int(rng.random() < 0.8 * busy), **{name: int(rng.integers(2)) for name in names}}
        control["pixel"] = int(rng.integers(5))
        psums = [int(p) for p in rng.integers(-(1 << (hw.psum_bits - 1)), 1 << (hw.psum_bits - 1), cols)]
        inputs = {
            "control_i": ports.pack(ports.control_fields(hw), control),
            "psums_i": ports.pack_array(psums, hw.psum_bits),
            "rst": int(rng.random() < 0.01),
        }
        last = [column.control_b for column in columns]
        push = [int(b["valid"] and b["close"] and b["last"]) for b in last]
        assert twin.outputs(inputs) == {
            "push_o": ports.pack_array(push, 1),
            "sums_o": ports.pack_array([column.sum for column in columns], hw.numbers.accumulator_bits),
        }
        twin.tick(inputs)
        chain = [control, *(column.control_r for column in columns)]
        for column, control_in, psum in zip(columns, [dict(c) for c in chain[:cols]], psums, strict=True):
            column.tick(control_in, psum, inputs["rst"])


@pytest.mark.parametrize("share", [0.1, 0.6, 1.0])
def test_items_leave_the_result_queue_whole_and_in_order(share: float) -> None:
    hw = small_hardware(2, 3, 4)
    rng = np.random.default_rng(int(share * 10))
    twin, bits = Ported(ResultBuffer, {"hw": hw}), hw.numbers.accumulator_bits
    late: list[list[int]] = [[], [], []]  # items still to be pushed into each column
    sent, got, outstanding = 0, [], 0
    history = [False, False, False]
    for _ in range(600):
        begin = outstanding < hw.result_depth and bool(rng.random() < 0.6)
        history = [begin, *history[:2]]
        if begin:
            sent, outstanding = sent + 1, outstanding + 1
            for column in range(3):
                late[column].append(sent * 10 + column)
        sums = [late[c].pop(0) if history[c] else int(rng.integers(1 << 30)) for c in range(3)]
        inputs = {
            "push_i": ports.pack_array(history, 1),
            "sums_i": ports.pack_array(sums, bits),
            "o__ready": int(rng.random() < share),
        }
        outputs = twin.outputs(inputs)
        assert outputs["taken_o"] == (outputs["o__valid"] & inputs["o__ready"])
        if outputs["taken_o"]:
            got.append(ports.unpack_array(outputs["o__payload"], 3, bits))
            outstanding -= 1
        twin.tick(inputs)
    assert got == [[n * 10, n * 10 + 1, n * 10 + 2] for n in range(1, len(got) + 1)]
    assert len(got) > 40
