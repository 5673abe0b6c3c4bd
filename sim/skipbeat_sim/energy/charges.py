"""What each event of a run is charged: which figure of the table, times which count.

`docs/energy.md` has the same list for people. A charge whose figure the table lacks is not counted, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES
from skipbeat_arch.timing import Events, MachineEvents

from .table import EnergyTable

Count = Callable[[Events, MachineEvents], float]

#: Width of the output stage's multipliers and sums, in bits.
REQUANTISE_BITS = 32
#: Width of the decoder's counts, in bits.
COUNT_BITS = 8

DRAM = "dram"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One kind of event. `energy` is pJ for each of `count`; None: the table has no figure for it."""

    component: str
    part: str
    count: Count
    energy: float | None


def charges(hw: Hardware, table: EnergyTable) -> tuple[Charge, ...]:
    """All charges of a machine with the figures of a table."""
    return (*_array(hw, table), *_activations(hw, table), *_weights(hw, table), *_sums(hw, table), *_outputs(hw, table))


def dram_bits(machine: MachineEvents) -> int:
    """Bits that crossed the memory bus."""
    return 8 * (machine.read_bytes + machine.written_bytes)


def _array(hw: Hardware, table: EnergyTable) -> Iterator[Charge]:
    n, cols, group = hw.numbers, hw.array.cols, hw.array.group
    operand = max(n.weight_bits, n.activation_bits)
    slot, operands = n.weight_bits + hw.index_bits, n.weight_bits + n.activation_bits
    yield Charge(
        component="macs",
        part="multipliers and adders",
        count=lambda e, _: e.macs,
        energy=table.mac_energy(operand, n.accumulator_bits),
    )
    yield Charge(
        component="idle_slots",
        part="PEs whose weight is zero",
        count=lambda e, _: e.slots_idle,
        energy=table.idle_energy(n.accumulator_bits),
    )
    yield Charge(
        component="weight_slots",
        part="slots read and written",
        count=lambda e, _: e.weight_slot_reads + e.weight_slot_writes,
        energy=table.register_energy(slot),
    )
    if not hw.is_dense:
        yield Charge(
            component="activation_multiplexers",
            part="one of M activations",
            count=lambda e, _: e.weight_slot_reads,
            energy=table.multiplexer_energy(group, n.activation_bits),
        )
    yield Charge(
        component="pe_registers",
        part="activation, weight, product and slot number of a step",
        count=lambda e, _: e.weight_slot_reads,
        energy=table.register_energy(2 * operands + 1 + hw.index_bits),
    )
    yield Charge(
        component="bundle_registers",
        part="bundles handed along their row",
        count=lambda e, _: e.bundle_reads * cols,
        energy=table.register_energy(group * n.activation_bits),
    )
    yield Charge(
        component="psum_registers",
        part="sums handed down",
        count=lambda e, _: e.psum_hops,
        energy=table.register_energy(hw.psum_bits),
    )


def _activations(hw: Hardware, table: EnergyTable) -> Iterator[Charge]:
    bundle = hw.array.group * hw.numbers.activation_bits
    bank = hw.activations.buffer_kib / hw.array.rows
    vector = hw.array.cols * hw.numbers.activation_bits
    yield Charge(
        component="activation_banks",
        part="bundles read",
        count=lambda e, _: e.bundle_reads,
        energy=table.sram_energy(bank, bundle),
    )
    yield Charge(
        component="activation_banks",
        part="vectors written",
        count=lambda _, m: m.activation_vectors,
        energy=table.sram_energy(bank, vector, write=True),
    )


def _weights(hw: Hardware, table: EnergyTable) -> Iterator[Charge]:
    kib, word, group = hw.weights.buffer_kib, hw.word_bits, hw.array.group
    count_sum = table.add_energy(COUNT_BITS)
    yield Charge(
        component="weight_buffer",
        part="words read",
        count=lambda _, m: m.weight_words,
        energy=table.sram_energy(kib, word),
    )
    yield Charge(
        component="weight_buffer",
        part="vectors written",
        count=lambda _, m: m.weight_vectors,
        energy=table.sram_energy(kib, word, write=True),
    )
    yield Charge(
        component="decoder",
        part="counts of a group's nonzeros",
        count=lambda e, _: e.groups_decoded,
        energy=None if count_sum is None else (group - 1) * count_sum,
    )
    yield Charge(
        component="decoder",
        part="metadata and values in its queues",
        count=lambda e, _: e.metadata_bits + e.value_bits,
        energy=table.register_energy(1),
    )


def _sums(hw: Hardware, table: EnergyTable) -> Iterator[Charge]:
    bits, rows = hw.numbers.accumulator_bits, hw.array.rows
    kib, queue = hw.accumulators.depth * bits / 8192, hw.result_depth * bits / 8192
    yield Charge(
        component="accumulators", part="adders", count=lambda e, _: e.psum_hops / rows, energy=table.add_energy(bits)
    )
    yield Charge(
        component="accumulators",
        part="reads",
        count=lambda e, _: e.accumulator_reads,
        energy=table.sram_energy(kib, bits),
    )
    yield Charge(
        component="accumulators",
        part="writes",
        count=lambda e, _: e.accumulator_writes,
        energy=table.sram_energy(kib, bits, write=True),
    )
    yield Charge(
        component="result_queue",
        part="results written and read",
        count=lambda e, _: e.results,
        energy=_written_and_read(table, queue, bits),
    )


def _outputs(hw: Hardware, table: EnergyTable) -> Iterator[Charge]:
    vector, columns = hw.array.cols * 8, hw.array.cols
    product, total = table.multiply_energy(REQUANTISE_BITS), table.add_energy(REQUANTISE_BITS)
    parameters = PARAMETER_BLOCKS * PARAMETER_PITCH * columns / 1024
    offsets = TABLE_ENTRIES * max(columns, 2 * hw.array.rows) / 1024
    yield Charge(
        component="output_stage",
        part="multipliers",
        energy=product,
        count=lambda _, m: m.outputs + m.residual_reads * columns,
    )
    yield Charge(
        component="output_stage",
        part="adders",
        energy=total,
        count=lambda _, m: 2 * m.outputs + m.comparisons + m.residual_reads * columns,
    )
    yield Charge(
        component="output_memory",
        part="vectors written and read",
        count=lambda _, m: m.output_vectors,
        energy=_written_and_read(table, hw.outputs.buffer_kib, vector),
    )
    yield Charge(
        component="parameters",
        part="vectors written and read",
        count=lambda _, m: m.parameter_vectors,
        energy=_written_and_read(table, parameters, vector),
    )
    yield Charge(
        component="offset_table",
        part="vectors written and read",
        count=lambda _, m: m.table_vectors,
        energy=_written_and_read(table, offsets, vector),
    )
    yield Charge(
        component="residual_memory",
        part="vectors written",
        count=lambda _, m: m.residual_vectors,
        energy=table.sram_energy(hw.outputs.buffer_kib, vector, write=True),
    )
    yield Charge(
        component="residual_memory",
        part="vectors read",
        count=lambda _, m: m.residual_reads,
        energy=table.sram_energy(hw.outputs.buffer_kib, vector),
    )
    yield Charge(
        component=DRAM, part="bits read and written", count=lambda _, m: dram_bits(m), energy=table.dram_energy(1)
    )


def _written_and_read(table: EnergyTable, kib: float, bits: int) -> float | None:
    write, read = table.sram_energy(kib, bits, write=True), table.sram_energy(kib, bits)
    return None if write is None or read is None else write + read
