"""The loads of random programs, and a machine without clocks whose memories follow along.

Unit u of a program loads into half u mod 2 of every on-chip memory, so its loads run beside the passes and stores of
unit u - 1 and wait for those of unit u - 2. Loads into the activation banks also wait for the stores of unit u - 1, if
one is local. Each half of the banks has two windows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat
from skipbeat_verify.core_passes import random_tile

L, X, S = Engine.LOAD, Engine.EXECUTE, Engine.STORE
DATA = 0x4000


@dataclass(frozen=True, eq=False)
class LoadedTile:
    """A tile in the weight memory; weights: int8 [rows, M, cols]."""

    weights: Int8Array
    tile: PackedTile
    address: int


@dataclass
class LoadedMachine:
    """Instructions, memory, and what the on-chip memories hold after the instructions so far."""

    machine: Machine
    rng: np.random.Generator
    instructions: list[Instruction] = field(default_factory=list)
    memory: Bytes = field(default_factory=lambda: np.zeros(1 << 19, np.uint8))

    def __post_init__(self) -> None:
        machine, array = self.machine, self.machine.hw.array
        assert machine.bank_depth >= 4 * 128, "too few entries for two windows in each half"
        self._at = DATA
        self._banks = np.zeros((array.rows, machine.bank_depth, array.group), np.int64)
        self._table = np.zeros((256, array.rows), np.int64)
        self._residual = np.zeros((machine.residual_depth, machine.vector), np.int64)
        self._parameters: dict[int, tuple[Int64Array, Int64Array, Int64Array, Int64Array]] = {}
        # Of the unit at hand: number, half, entries of the table, tiles, block of parameters.
        self._unit = self._half = self._block = 0
        self._residuals = 0, 0
        self._tables: list[int] = []
        self._tiles: list[LoadedTile] = []
        # Whether this unit and the one before have local stores, and for how many units the load engine has waited.
        self._local = self._local_before = False
        self._waited = 0
        self.add(isa.Header(version=VERSION, fingerprint=machine.fingerprint))
        self.add(isa.Zero(to=0, count=machine.bank_depth))

    def add(self, instruction: Instruction) -> None:
        """One more instruction."""
        self.instructions.append(instruction)

    def load_unit(self, unit: int) -> None:
        """All loads of the next unit, in any order; the last one signals."""
        rng = self.rng
        self._unit, self._half = unit, unit % 2
        self._local_before, self._local = self._local, False
        loads = [self._load_table, self._load_tiles, self._load_residual, self._load_parameters]
        loads += [self._load_activations] * int(rng.integers(1, 4))
        if rng.random() < 0.3:
            loads.append(self._zero)
        order = [loads[i] for i in rng.permutation(len(loads))]
        if self._local_before:
            # An instruction takes one token, and the first load into the banks may need two.
            order.sort(key=lambda load: load != self._load_table)
        for load in order:
            load()
        self.instructions[-1] = replace(self.instructions[-1], signal=(X, S))

    def window(self, number: int) -> int:
        """First entry of window 0 or 1 of the unit's half of the banks."""
        return (2 * self._half + number) * (self.machine.bank_depth // 4)

    def put(self, data: npt.NDArray[np.generic]) -> int:
        """Place data in memory, at a multiple of V that may lie anywhere in a burst."""
        flat = np.ascontiguousarray(data).view(np.uint8).ravel()
        vector = self.machine.vector
        self._at += vector * int(self.rng.integers(0, 8))
        at = self._at
        self.memory[at : at + len(flat)] = flat
        self._at += -(-len(flat) // vector) * vector
        return at

    def place(self, window: int, count: int) -> dict[str, int]:
        """A place for at most 70 vectors in a window, from one of its first ten entries on."""
        rng, machine, rows = self.rng, self.machine, self.machine.hw.array.rows
        width = int(rng.integers(1 if count < 40 else 3, 12))
        pitch = width + int(rng.integers(0, 3))
        to = self.window(window) + int(rng.integers(0, 10))
        period = int(rng.integers(machine.bundles.bit_length() - 1, rows.bit_length()))
        bank = int(rng.integers(0, max(1, rows // machine.bundles))) * machine.bundles
        return {"to": to, "width": width, "pitch": pitch, "period": period, "bank": bank}

    def write_banks(self, place: dict[str, int], vectors: Int8Array) -> None:
        """Vectors int8 [count, V] to a place."""
        bundles, i = self.machine.bundles, np.arange(len(vectors))
        entries = place["to"] + i // place["width"] * place["pitch"] + i % place["width"]
        for q in range(self.machine.hw.array.rows):
            if ((q ^ place["bank"]) % (1 << place["period"])) // bundles == 0:
                self._banks[q, entries] = vectors.reshape(len(vectors), bundles, -1)[:, q % bundles]

    def _wait(self, *, banks: bool = False) -> tuple[Engine, ...]:
        """What the next load waits for: the last unit of this half and, for the banks, all local stores."""
        needed = self._unit - 1 + (banks and self._local_before)
        if needed <= self._waited:
            return ()
        self._waited += 1
        assert self._waited == needed
        return X, S

    def _load(self, kind: Kind, to: int, data: npt.NDArray[np.generic], **place: int) -> None:
        fields = {"width": 1, "pitch": 1, "period": 0, "bank": 0} | place
        count = -(-data.nbytes // self.machine.vector)
        fields |= {"to": to, "kind": kind, "count": count, "source": self.put(data)}
        self.add(isa.Load.of_values(fields, wait=self._wait(banks=kind == Kind.ACTIVATIONS)))

    def _zero(self) -> None:
        count, to = int(self.rng.integers(1, 30)), self.window(0) + int(self.rng.integers(0, 20))
        self.add(isa.Zero(to=to, count=count, wait=self._wait(banks=True)))
        self._banks[:, to : to + count] = 0

    def _load_activations(self) -> None:
        count = int(self.rng.integers(1, 71))
        place = self.place(int(self.rng.random() < 0.3), count)
        data = self.rng.integers(-128, 128, (count, self.machine.vector)).astype(np.int8)
        self._load(Kind.ACTIVATIONS, data=data, **place)
        self.write_banks(place, data)

    def _load_table(self) -> None:
        rng, rows = self.rng, self.machine.hw.array.rows
        self._tables = [self._half * 128 + n for n in range(int(rng.integers(1, 4)))]
        data = np.zeros((len(self._tables), self.machine.table_vectors * self.machine.vector), np.uint8)
        for number, entry in enumerate(self._tables):
            self._table[entry] = rng.integers(0, 40, rows)
            data[number, : 2 * rows] = self._table[entry].astype("<u2").view(np.uint8)
        self._load(Kind.TABLE, self._tables[0] * self.machine.table_vectors, data)

    def _load_tiles(self) -> None:
        rng, hw, depth = self.rng, self.machine.hw, self.machine.weight_depth
        first = at = self._half * depth // 2
        self._tiles = []
        for _ in range(int(rng.integers(1, 4))):
            shape = int(rng.integers(1, hw.array.rows + 1)), int(rng.integers(1, hw.array.cols + 1))
            weights = random_tile(rng, hw, *shape, int(rng.integers(1, hw.array.group + 1)))
            legal = legal_encodings(tile_beat(weights), hw)
            tile = pack_tile(weights, hw, legal[int(rng.integers(len(legal)))])
            self._tiles.append(LoadedTile(weights, tile, at))
            at += len(self._tiles[-1].tile.words)
        assert at - first <= depth // 2
        self._load(Kind.WEIGHTS, first, np.concatenate([loaded.tile.words for loaded in self._tiles]))

    def _load_residual(self) -> None:
        count, to = int(self.rng.integers(67, 75)), self._half * self.machine.residual_depth // 2
        assert count <= self.machine.residual_depth // 2
        data = self.rng.integers(-128, 128, (count, self.machine.vector)).astype(np.int8)
        if self.machine.hw.outputs.gradients:
            data[self.rng.random(data.shape) < 0.3] = 0
        self._load(Kind.RESIDUAL, to, data)
        self._residual[to : to + count] = data
        self._residuals = to, count

    def _load_parameters(self) -> None:
        rng, vector = self.rng, self.machine.vector
        self._block = self._half * 32 + int(rng.integers(0, 32))
        bias = rng.integers(-(1 << 20), 1 << 20, vector)
        multiplier, other = rng.integers(1, 1 << 31, vector), rng.integers(1, 1 << 31, vector)
        shift = rng.integers(1, 63, vector) if rng.random() < 0.3 else rng.integers(38, 48, vector)
        data = np.concatenate([x.astype("<i4").view(np.uint8) for x in (bias, multiplier, other)])
        if self.machine.hw.outputs.gradients:
            shift[0] = rng.choice([1, 6, 9, 12, 15, 40])
        self._load(Kind.PARAMETERS, self._block * 16, np.concatenate([data, shift.astype(np.uint8)]))
        self._parameters[self._block] = bias, multiplier, other, shift
