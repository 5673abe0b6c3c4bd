"""The machine's memories as a program finds them, without any clock: what loads, passes and stores read and write."""

from __future__ import annotations

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import Encoding
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine
from skipbeat_arch.tile import PackedTile, unpack_tile
from skipbeat_arch.training.noted import round_noted
from skipbeat_arch.training.rounding import MOST_SHIFT, round_stochastically, rounding_draws, store_seed
from skipbeat_arch.turn_instruction import Turn


class InterpretedMemories:
    """All on-chip memories but the accumulators; they start with noise.

    Attributes:
        vectors: uint8 [entries, V] of each memory of vectors.
        banks: uint8 [R, entries, M], the activations.
    """

    def __init__(self, machine: Machine, rng: np.random.Generator) -> None:
        self.machine, array = machine, machine.hw.array

        def noise(*shape: int) -> Bytes:
            return rng.integers(0, 256, shape, np.uint8)

        self.vectors = {
            Kind.WEIGHTS: noise(machine.weight_depth, machine.vector),
            Kind.PARAMETERS: noise(PARAMETER_BLOCKS * PARAMETER_PITCH, machine.vector),
            Kind.RESIDUAL: noise(machine.residual_depth, machine.vector),
            Kind.TABLE: noise(TABLE_ENTRIES * machine.table_vectors, machine.vector),
        }
        self.banks = noise(array.rows, machine.bank_depth, array.group)

    def load(self, instruction: isa.Load, memory: Bytes) -> None:
        """A LOAD from the memory uint8 [bytes]."""
        vector, count = self.machine.vector, instruction.count
        assert count > 0
        assert instruction.source % vector == 0
        data = memory[instruction.source : instruction.source + count * vector].reshape(-1, vector)
        if instruction.kind == Kind.ACTIVATIONS:
            self.place(instruction, data)
        else:
            self.vectors[Kind(instruction.kind)][instruction.to + np.arange(count)] = data

    def place(self, place: isa.Placement, data: Bytes) -> None:
        """Vectors uint8 [count, V] into the banks."""
        group, index = self.machine.hw.array.group, np.arange(len(data))
        entries = place.to + index // place.width * place.pitch + index % place.width
        for bank in range(self.machine.hw.array.rows):
            if (bank ^ place.bank) % (1 << place.period) // self.machine.bundles == 0:
                bundle = bank % self.machine.bundles * group
                self.banks[bank, entries] = data[:, bundle : bundle + group]

    def zero(self, instruction: isa.Zero) -> None:
        """A ZERO."""
        self.banks[:, np.arange(instruction.to, instruction.to + instruction.count)] = 0

    def bundles(self, instruction: isa.Pass, walk: isa.Setup) -> Int64Array:
        """What a pass reads: int64 [pixels, rows, M]."""
        at = np.array([instruction.base])
        for count, step in zip(walk.counts, walk.steps, strict=True):
            at = (np.arange(count)[:, None] * step + at).ravel()
        rows, parts = instruction.command.rows, self.machine.table_vectors
        table = self.vectors[Kind.TABLE][instruction.table * parts : (instruction.table + 1) * parts]
        offsets = table.ravel()[: 2 * self.machine.hw.array.rows].copy().view("<u2").astype(np.int64)
        entries = (at[:, None] + offsets[:rows]) % (1 << 16)
        assert entries.max() < self.machine.bank_depth
        return self.banks[np.arange(rows), entries].view(np.int8).astype(np.int64)

    def tile(self, instruction: isa.Pass) -> tuple[Bytes, Int64Array]:
        """The words of the tile that a pass loads, and its weights int64 [R, M, C_arr]."""
        command, array = instruction.command, self.machine.hw.array
        words = self.vectors[Kind.WEIGHTS][instruction.weights : instruction.weights + instruction.words].copy()
        packed = PackedTile(
            words=words,
            encoding=Encoding(command.encoding),
            beat=command.beat,
            rows=command.rows,
            cols=command.cols,
            value_bits=0,
            metadata_bits=0,
            nonzeros=0,
            slots=np.zeros((0, 0), np.int64),
        )
        tile = np.zeros((array.rows, array.group, array.cols), np.int64)
        tile[: command.rows, :, : command.cols] = unpack_tile(packed, self.machine.hw)
        return words, tile

    def outputs(self, instruction: isa.Store, sums: Int64Array) -> Bytes:
        """What the output stage makes of sums int64 [items, C_arr]: vectors uint8 [count, V], four an item if raw.

        Behind each comes one of places if the STORE wants it.
        """
        assert len(sums) == instruction.count * instruction.pool
        parameters = self.vectors[Kind.PARAMETERS][instruction.block * PARAMETER_PITCH :].ravel()
        width = self.machine.vector
        words = [parameters[4 * width * i : 4 * width * (i + 1)].view("<i4").astype(np.int64) for i in range(3)]
        shift = parameters[12 * width : 13 * width].astype(np.int64)
        total = sums + words[0]
        if instruction.raw:
            assert instruction.pool == 1
            return total.astype("<i4").view(np.uint8).reshape(-1, width)
        if instruction.stochastic:
            largest = total.reshape(instruction.count, instruction.pool, width).max(axis=1)
            if instruction.residual:
                largest = np.where(self._residuals(instruction), largest, 0)
            lanes = self.machine.hw.outputs.lanes
            drawn = rounding_draws(store_seed(instruction.seed), lanes, *largest.shape)
            return round_stochastically(largest, min(int(shift[0]), MOST_SHIFT), drawn)[0].view(np.uint8)
        product = (total * words[1]).reshape(instruction.count, instruction.pool, width)
        if instruction.residual:
            product = product + (self._residuals(instruction) * words[2])[:, None]
        low, high = instruction.low, instruction.high
        if instruction.noted:
            pooled = round_noted(product.max(axis=1), shift, low, high)[0]
        else:
            rounded = (product + (np.int64(1) << (shift - 1))) >> shift
            pooled = np.clip(rounded, low, high).max(axis=1).astype(np.int8)
        if instruction.places:
            places = total.reshape(product.shape).argmax(axis=1).clip(low, high).astype(np.int8)
            pooled = np.stack([pooled, places], axis=1).reshape(-1, width)
        return pooled.view(np.uint8)

    def made(self, job: isa.Store | Turn, results: list[Int64Array]) -> Bytes | None:
        """The vectors of a job, uint8 [vectors, V], if all results that it needs are there; these are gone then."""
        if isinstance(job, Turn):
            assert self.machine.hw.outputs.turn
            return self.turned(job)
        if sum(map(len, results)) < job.count * job.pool:
            return None
        sums = [results.pop(0)]
        while sum(map(len, sums)) < job.count * job.pool:
            sums.append(results.pop(0))  # of a window with more pixels than a pass
        return self.outputs(job, np.concatenate(sums))

    def turned(self, instruction: Turn) -> Bytes:
        """The vectors of a TURN, uint8 [vectors, V]."""
        size, kept = self.machine.vector, slice(instruction.lane, instruction.lane + instruction.lanes)
        rows = np.array(instruction.blocks())[:, None] + np.arange(size)
        blocks = self.vectors[Kind.RESIDUAL][rows]
        return blocks.swapaxes(1, 2)[:, kept].reshape(-1, size)

    def _residuals(self, instruction: isa.Store) -> Int64Array:
        """What a STORE reads of the residual memory: int64 [count, V]."""
        at = instruction.residual_at + np.arange(instruction.count)
        return self.vectors[Kind.RESIDUAL][at].view(np.int8).astype(np.int64)
