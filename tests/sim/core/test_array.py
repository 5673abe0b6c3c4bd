"""The array against as many single PEs, wired together; the PE against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.hardware import Hardware
from skipbeat_hw.core.array import SystolicArray
from skipbeat_hw.core.pe import PE
from skipbeat_sim.core.history import SPARE
from skipbeat_verify.core_passes import small_hardware
from tests.hw.ported import Ported


def pe(group: int, weight_bits: int, activation_bits: int, psum_bits: int) -> Ported:
    sizes = {"group": group, "weight_bits": weight_bits, "activation_bits": activation_bits, "psum_bits": psum_bits}
    return Ported(PE, sizes)


class Grid:
    """R × C PEs: bundles, slots and writes go to the right, psums down, weights come from a bus per column."""

    def __init__(self, hw: Hardware) -> None:
        self.hw, self.rows, self.cols = hw, hw.array.rows, hw.array.cols
        numbers = hw.numbers
        self.pes = [
            [pe(hw.array.group, numbers.weight_bits, numbers.activation_bits, hw.psum_bits) for _ in range(self.cols)]
            for _ in range(self.rows)
        ]

    def outputs(self) -> dict[str, int]:
        """The lowest row's psums."""
        return {"psums_o": ports.pack_array([each.outputs({})["psum_o"] for each in self.pes[-1]], self.hw.psum_bits)}

    def tick(self, inputs: dict[str, int]) -> None:
        """One clock."""
        hw, slot_bits = self.hw, ports.slot_bits(self.hw)
        bundles = ports.unpack_array(inputs["bundles_i"], self.rows, ports.bundle_bits(hw))
        slots = ports.unpack_array(inputs["slots_i"], self.rows, slot_bits)
        weights = ports.unpack_array(inputs["weights_i"], self.cols, ports.word_bits(ports.pe_weight_fields(hw)))
        out = [[each.outputs({}) for each in row] for row in self.pes]
        for r in range(self.rows):
            write = inputs["write_address_i"] | (inputs["write_enable_i"] >> r & 1) << slot_bits
            for c in range(self.cols):
                left = {"bundle_o": bundles[r], "slot_o": slots[r], "write_o": write} if c == 0 else out[r][c - 1]
                self.pes[r][c].tick(
                    {
                        "bundle_i": left["bundle_o"],
                        "slot_i": left["slot_o"],
                        "write_i": left["write_o"],
                        "weight_i": weights[c],
                        "psum_i": out[r - 1][c]["psum_o"] if r else 0,
                        "rst": inputs["rst"],
                    }
                )


@pytest.mark.parametrize("size", [(1, 1, 4), (2, 3, 8), (3, 2, 32), (4, 4, 4)], ids=str)
def test_array_is_a_grid_of_pes(size: tuple[int, int, int]) -> None:
    hw = small_hardware(*size)
    rng = np.random.default_rng(size)
    rows, cols, _ = size
    array, grid = Ported(SystolicArray, {"hw": hw}), Grid(hw)
    widths = {
        "bundles_i": rows * ports.bundle_bits(hw),
        "slots_i": rows * ports.slot_bits(hw),
        "write_enable_i": rows,
        "write_address_i": ports.slot_bits(hw),
        "weights_i": cols * ports.word_bits(ports.pe_weight_fields(hw)),
    }
    for _ in range(SPARE + 100):
        inputs = {name: int.from_bytes(rng.bytes(128), "little") % (1 << bits) for name, bits in widths.items()}
        inputs["rst"] = int(rng.random() < 0.05)
        assert array.outputs(inputs) == grid.outputs()
        array.tick(inputs)
        grid.tick(inputs)


def test_pe_multiplies_the_activation_that_its_weight_picks() -> None:
    small = pe(4, 8, 8, 20)
    idle = {"bundle_i": 0, "slot_i": 0, "write_i": 0, "weight_i": 0, "psum_i": 0}
    bank_1_slot_2, weight = 0b110, (-5 & 0xFF) | 3 << 8
    small.tick({**idle, "write_i": bank_1_slot_2 | 1 << 3, "weight_i": weight})
    small.tick({**idle, "slot_i": bank_1_slot_2, "bundle_i": ports.pack_array([1, 2, 3, -7], 8)})
    assert small.outputs(idle)["slot_o"] == bank_1_slot_2
    small.tick(idle)
    small.tick({**idle, "psum_i": 100})
    assert small.outputs(idle)["psum_o"] == 135


def test_pe_reads_the_old_entry_in_the_clock_of_a_write() -> None:
    small = pe(4, 8, 8, 20)
    idle = {"bundle_i": 0, "slot_i": 0, "write_i": 0, "weight_i": 0, "psum_i": 0}
    for weight in (3, 4):
        small.tick({**idle, "write_i": 1 << 3, "weight_i": weight, "bundle_i": 1})
    small.tick(idle)
    small.tick(idle)
    assert small.outputs(idle)["psum_o"] == 3
