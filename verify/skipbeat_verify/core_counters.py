"""The performance counters of the core as its events tell them."""

from __future__ import annotations

from skipbeat_arch.registers import Cause, Counter
from skipbeat_arch.timing import Events


def core_counters(cycles: int, clocks: dict[Cause, int], events: Events, vector: int) -> dict[Counter, int]:
    """The counters of the core, from its events; the clock of the start pulse, an idle one, is not counted."""
    causes = {Counter[cause.name]: count for cause, count in clocks.items()}
    return causes | {
        Counter.CYCLES: cycles - 1,
        Counter.IDLE: causes[Counter.IDLE] - 1,
        Counter.BUNDLE_READS: events.bundle_reads,
        Counter.ACCUMULATOR_READS: events.accumulator_reads // vector,
        Counter.ACCUMULATOR_WRITES: events.accumulator_writes // vector,
        Counter.RESULTS: events.results // vector,
        Counter.SLOT_WRITES: events.weight_slot_writes // vector,
        Counter.ROWS_DECODED: events.groups_decoded // vector,
        Counter.METADATA_WORDS: events.metadata_bits // (8 * vector),
        Counter.VALUE_WORDS: events.value_bits // (8 * vector),
    }
