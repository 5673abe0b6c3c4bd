"""The power that a machine leaks, as far as a table tells."""

from __future__ import annotations

from skipbeat_arch.hardware import Hardware

from .table import EnergyTable


def leak_power(hw: Hardware, table: EnergyTable) -> float | None:
    """µW of the memories on the chip and of the PEs' multipliers and adders; None if a figure is missing."""
    numbers, array = hw.numbers, hw.array
    accumulator = hw.accumulators.depth * numbers.accumulator_bits / 8192
    memories = (
        (array.rows, hw.activations.buffer_kib / array.rows),
        (1, hw.weights.buffer_kib),
        (2, hw.outputs.buffer_kib),  # outputs, and residuals
        (array.cols, accumulator),
    )
    logic = table.logic_leakage(max(numbers.weight_bits, numbers.activation_bits), hw.psum_bits)
    leaks = [(count, table.sram_leakage(kib)) for count, kib in memories]
    known = [count * power for count, power in leaks if power is not None]
    return None if logic is None or len(known) < len(leaks) else hw.pes * logic + sum(known)
