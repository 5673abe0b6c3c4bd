"""Events, counted where they happen, clock by clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.timing import Events

from .accumulators import Control
from .aligner import Write


@dataclass
class Counter:
    """Running counts; the ones that are multiples of others are worked out by `events`."""

    hw: Hardware
    steps: int = 0
    macs: int = 0
    bundle_reads: int = 0
    reads: int = 0
    writes: int = 0
    results: int = 0
    slots_written: int = 0
    rows_decoded: int = 0
    value_words: int = 0
    metadata_words: int = 0
    #: Nonzero weights of each slot of the tiles in both banks.
    nonzeros: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nonzeros = [[0] * self.hw.array.group for _ in range(2)]

    def write(self, write: Write, bank: int) -> None:
        """A slot of a row is written into the array."""
        found = len(write.values) - write.values.count(0)
        slots = self.nonzeros[bank]
        slots[write.slot] = found if write.row == 0 else slots[write.slot] + found
        self.slots_written += 1

    def step(self, control: Control, rows: int, slot_word: int) -> None:
        """A step enters the array with `rows` rows of bundles, 0 for a null pass; `slot_word` is {slot, bank}."""
        self.steps += 1
        if rows:
            bank, slot = divmod(slot_word, self.hw.array.group)
            self.macs += self.nonzeros[bank][slot]
        if control.open:
            self.bundle_reads += rows
            self.reads += not control.first
        if control.close:
            self.writes += not control.last

    def events(self) -> Events:
        """The counts so far."""
        cols, pe_steps = self.hw.array.cols, self.steps * self.hw.pes
        return Events(
            macs=self.macs,
            slots_idle=pe_steps - self.macs,
            bundle_reads=self.bundle_reads,
            weight_slot_reads=pe_steps,
            weight_slot_writes=self.slots_written * cols,
            psum_hops=pe_steps,
            accumulator_reads=self.reads * cols,
            accumulator_writes=self.writes * cols,
            results=self.results * cols,
            groups_decoded=self.rows_decoded * cols,
            value_bits=self.value_words * self.hw.word_bits,
            metadata_bits=self.metadata_words * self.hw.word_bits,
        )
