"""What a run costs: clocks by cause, and counts of the events in core and machine that energy is charged for."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Events:
    """Counts of events. Bubbles (clocks without a step) do nothing and are not counted.

    Attributes:
        macs: products with a weight that is not zero: for each pass, pixels × the tile's nonzeros.
        slots_idle: the other PE-steps: steps × R·C − macs.
        bundle_reads: bundles fed to the array: pixels × rows of the tile, once per pass.
        weight_slot_reads: slots read by the PEs: steps × R·C.
        weight_slot_writes: slots written into PEs: rows × b × C for each tile loaded.
        psum_hops: partial sums handed down: steps × R·C.
        accumulator_reads: pixels × C for each pass that is not `first`; accumulator_writes: pixels × C for each
            that is not `last`.
        results: int32 sums that leave: pixels × C for each `last` pass.
        groups_decoded: rows × C for each tile loaded with metadata (bitmap or coordinate).
        value_bits, metadata_bits: bits of the weight stream, section by section, with padding to whole words.
    """

    macs: int = 0
    slots_idle: int = 0
    bundle_reads: int = 0
    weight_slot_reads: int = 0
    weight_slot_writes: int = 0
    psum_hops: int = 0
    accumulator_reads: int = 0
    accumulator_writes: int = 0
    results: int = 0
    groups_decoded: int = 0
    value_bits: int = 0
    metadata_bits: int = 0

    def __add__(self, other: Events) -> Events:
        return Events(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def to_json(self) -> dict[str, int]:
        """The counts by name."""
        return {f.name: int(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, kw_only=True)
class MachineEvents:
    """Counts of events around the core; a vector is V = C_arr bytes.

    Attributes:
        activation_vectors: written into the activation banks, by loads, zeros and the output stage.
        weight_vectors: written into the weight buffer; weight_words: read from it.
        parameter_vectors, residual_vectors, table_vectors: written into these memories.
        residual_reads: vectors read by the output stage.
        outputs: int32 sums that the output stage turned into int8, or passed on raw.
        comparisons: int32 sums of pooling windows, the first one of each left out.
        output_vectors: written into the output memory, and read from it again.
        instructions: executed. read_bytes, written_bytes: over the memory bus.
    """

    activation_vectors: int = 0
    weight_vectors: int = 0
    weight_words: int = 0
    parameter_vectors: int = 0
    residual_vectors: int = 0
    table_vectors: int = 0
    residual_reads: int = 0
    outputs: int = 0
    comparisons: int = 0
    output_vectors: int = 0
    instructions: int = 0
    read_bytes: int = 0
    written_bytes: int = 0

    def __add__(self, other: MachineEvents) -> MachineEvents:
        return MachineEvents(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def times(self, count: int) -> MachineEvents:
        """The events of `count` equal runs."""
        return MachineEvents(**{f.name: getattr(self, f.name) * count for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Where each clock of a run went; the sum is the run's cycles.

    Attributes:
        compute: clocks with a step of the array.
        tile_wait: no step, because the next tile was not loaded yet.
        hazard: no step, because a very short pass has just written what the next one reads.
        fill_drain: the clocks before the first tile can be there and after the last step, until the last result.
    """

    compute: int = 0
    tile_wait: int = 0
    hazard: int = 0
    fill_drain: int = 0

    @property
    def cycles(self) -> int:
        """All clocks."""
        return self.compute + self.tile_wait + self.hazard + self.fill_drain

    def __add__(self, other: Clocks) -> Clocks:
        return Clocks(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class CoreTiming:
    """Cycles (clock of the last result + 1, clock 0 being the first after reset), their causes and the events."""

    cycles: int
    clocks: Clocks
    events: Events
