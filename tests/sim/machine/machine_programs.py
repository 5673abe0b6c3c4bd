"""Random programs for the machine, with the memory that they must leave behind.

A program is a row of units. Unit u loads into half u mod 2 of every on-chip memory, so its loads run beside the passes
and stores of unit u - 1 and wait for those of unit u - 2. What it must write is worked out one instruction after the
other, without clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skipbeat_arch.command import Command
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import VERSION, Engine, Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, pack_tile
from tests.sim.programs import random_tile

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
L, X, S = Engine.LOAD, Engine.EXECUTE, Engine.STORE
DATA = 0x4000


def random_hardware(rng: np.random.Generator) -> Hardware:
    """A small machine of any shape that there is."""
    cols = int(rng.choice([4, 8, 16]))
    group = int(rng.choice([g for g in (4, 8, 16) if g <= cols]))
    rows = int(rng.choice([r for r in (1, 2, 4, 8) if cols <= r * group]))
    lanes = [n for n in (1, 2, 4, 8, 16) if cols % n == 0]
    return Hardware.model_validate({
        "name": "random-machine", "clock_mhz": 100.0, "array": {"rows": rows, "cols": cols, "group": group},
        "weights": {"decode_lanes": int(rng.choice(lanes)), "buffer_kib": 8}, "activations": {"buffer_kib": 64},
        "accumulators": {"depth": 128}, "outputs": {"lanes": int(rng.choice(lanes)), "buffer_kib": 4},
        "memory": {
            "bytes_per_clock": cols, "latency_clocks": int(rng.integers(0, 50)),
            "burst_beats": int(rng.choice([1, 3, 16])), "outstanding": int(rng.choice([1, 2, 8])),
        },
    })  # fmt: skip


@dataclass
class MachineProgram:
    """Instructions and memory of a program, and a machine without clocks that follows along."""

    machine: Machine
    rng: np.random.Generator
    instructions: list[Instruction] = field(default_factory=list)
    memory: Bytes = field(default_factory=lambda: np.zeros(1 << 18, np.uint8))
    #: (address, bytes) that the program must write.
    expected: list[tuple[int, Bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        machine, array = self.machine, self.machine.hw.array
        self._at = DATA
        self._banks = np.zeros((array.rows, machine.bank_depth, array.group), np.int64)
        self._table = np.zeros((256, array.rows), np.int64)
        self._residual = np.zeros((machine.residual_depth, machine.vector), np.int64)
        self._parameters: dict[int, tuple[Ints, Ints, Ints, Ints]] = {}
        self._resident: npt.NDArray[np.int8] | None = None
        self._tile: PackedTile | None = None
        self._sums = np.zeros((0, machine.vector), np.int64)
        self.add(Opcode.HEADER, {"version": VERSION, "fingerprint": machine.fingerprint})
        self.add(Opcode.ZERO, {"to": 0, "count": machine.bank_depth})

    @classmethod
    def random(cls, machine: Machine, rng: np.random.Generator, units: int) -> MachineProgram:
        """A program of some units."""
        program = cls(machine, rng)
        for unit in range(units):
            program.unit(unit)
        program.add(Opcode.END, {})
        image = b"".join(i.to_word().to_bytes(16, "little") for i in program.instructions)
        assert len(image) <= DATA
        program.memory[: len(image)] = np.frombuffer(image, np.uint8)
        return program

    @property
    def after(self) -> Bytes:
        """The memory that the program must leave."""
        memory = self.memory.copy()
        for address, data in self.expected:
            memory[address : address + len(data)] = data
        return memory

    def add(
        self, opcode: Opcode, fields: dict[str, int], wait: Sequence[Engine] = (), signal: Sequence[Engine] = ()
    ) -> None:
        """One more instruction."""
        self.instructions.append(Instruction(opcode, fields, tuple(wait), tuple(signal)))

    def unit(self, unit: int) -> None:
        """Loads, then groups of passes, each with its store."""
        rng, half = self.rng, unit % 2
        waits = (X, S) if unit >= 2 else ()
        if rng.random() < 0.3:
            count = int(rng.integers(1, 30))
            entry = half * self.machine.bank_depth // 2 + int(rng.integers(0, 20))
            self.add(Opcode.ZERO, {"to": entry, "count": count}, waits)
            self._banks[:, entry : entry + count] = 0
            waits = ()
        for _ in range(int(rng.integers(1, 4))):
            self._load_activations(half, waits)
            waits = ()
        tables = self._load_table(half)
        tiles, addresses = self._load_tiles(half)
        self._load_residual(half)
        block = self._load_parameters(half)
        groups = int(rng.integers(1, 3))
        for group in range(groups):
            self._group(half, tables, tiles, addresses, block, (group == 0, group == groups - 1))

    def _put(self, data: npt.NDArray[np.generic]) -> int:
        """Place data in memory, at a multiple of V that may lie anywhere in a burst."""
        flat = np.ascontiguousarray(data).view(np.uint8).ravel()
        vector = self.machine.vector
        self._at += vector * int(self.rng.integers(0, 8))
        at = self._at
        self.memory[at : at + len(flat)] = flat
        self._at += -(-len(flat) // vector) * vector
        return at

    def _load(
        self, kind: Kind, to: int, data: npt.NDArray[np.generic], wait: Sequence[Engine] = (),
        signal: Sequence[Engine] = (), **place: int,
    ) -> None:  # fmt: skip
        fields = {"width": 1, "pitch": 1, "period": 0, "bank": 0} | place
        count = -(-data.nbytes // self.machine.vector)
        self.add(
            Opcode.LOAD, {**fields, "to": to, "kind": kind, "count": count, "source": self._put(data)}, wait, signal
        )

    def _load_activations(self, half: int, wait: Sequence[Engine]) -> None:
        rng, machine, array = self.rng, self.machine, self.machine.hw.array
        width = int(rng.integers(1, 12))
        pitch = width + int(rng.integers(0, 3))
        count = int(rng.integers(1, min(70, 110 * width // pitch)))
        bits = array.rows.bit_length() - 1
        period = int(rng.integers(machine.bundles.bit_length() - 1, bits + 1))
        bank = int(rng.integers(0, max(1, array.rows // machine.bundles))) * machine.bundles
        to = half * machine.bank_depth // 2 + int(rng.integers(0, 10))
        data = rng.integers(-128, 128, (count, machine.vector)).astype(np.int8)
        self._load(Kind.ACTIVATIONS, to, data, wait, width=width, pitch=pitch, period=period, bank=bank)
        entries = to + np.arange(count) // width * pitch + np.arange(count) % width
        for q in range(array.rows):
            if ((q ^ bank) % (1 << period)) // machine.bundles == 0:
                self._banks[q, entries] = data.reshape(count, machine.bundles, -1)[:, q % machine.bundles]

    def _load_table(self, half: int) -> list[int]:
        rng, rows = self.rng, self.machine.hw.array.rows
        entries = [half * 128 + n for n in range(int(rng.integers(1, 4)))]
        size = self.machine.table_vectors * self.machine.vector
        data = np.zeros((len(entries), size), np.uint8)
        for number, entry in enumerate(entries):
            self._table[entry] = rng.integers(0, 40, rows)
            data[number, : 2 * rows] = self._table[entry].astype("<u2").view(np.uint8)
        self._load(Kind.TABLE, entries[0] * self.machine.table_vectors, data)
        return entries

    def _load_tiles(self, half: int) -> tuple[list[tuple[npt.NDArray[np.int8], PackedTile]], list[int]]:
        rng, hw = self.rng, self.machine.hw
        tiles, addresses, at = [], [], half * self.machine.weight_depth // 2
        words = []
        for _ in range(int(rng.integers(1, 4))):
            shape = int(rng.integers(1, hw.array.rows + 1)), int(rng.integers(1, hw.array.cols + 1))
            weights = random_tile(rng, hw, *shape, int(rng.integers(1, hw.array.group + 1)))
            tile = pack_tile(weights, hw)
            tiles.append((weights, tile))
            addresses.append(at)
            words.append(tile.words)
            at += len(tile.words)
        self._load(Kind.WEIGHTS, addresses[0], np.concatenate(words))
        return tiles, addresses

    def _load_residual(self, half: int) -> None:
        count = int(self.rng.integers(70, 80))
        data = self.rng.integers(-128, 128, (count, self.machine.vector)).astype(np.int8)
        to = half * self.machine.residual_depth // 2
        self._load(Kind.RESIDUAL, to, data)
        self._residual[to : to + count] = data

    def _load_parameters(self, half: int) -> int:
        rng, vector = self.rng, self.machine.vector
        block = half * 32 + int(rng.integers(0, 32))
        bias = rng.integers(-(1 << 20), 1 << 20, vector)
        multiplier, other = rng.integers(1, 1 << 31, vector), rng.integers(1, 1 << 31, vector)
        shift = rng.integers(1, 63, vector) if rng.random() < 0.3 else rng.integers(38, 48, vector)
        data = np.concatenate([x.astype("<i4").view(np.uint8) for x in (bias, multiplier, other)])
        data = np.concatenate([data, shift.astype(np.uint8)])
        self._load(Kind.PARAMETERS, block * 16, data, signal=(X, S))
        self._parameters[block] = bias, multiplier, other, shift
        return block

    def _group(
        self, half: int, tables: list[int], tiles: list[tuple[npt.NDArray[np.int8], PackedTile]], addresses: list[int],
        block: int, ends: tuple[bool, bool],
    ) -> None:  # fmt: skip
        rng = self.rng
        pool = int(rng.choice([1, 1, 2, 3]))
        counts = [int(rng.integers(1, 4)) for _ in range(3)]
        counts.insert(int(rng.integers(0, 3)), pool)
        pixels = int(np.prod(counts))
        passes = int(rng.integers(1, 5))
        for number in range(passes):
            position = number == 0, number == passes - 1
            wait = (L,) if ends[0] and position[0] else ()
            signal = (L,) if ends[1] and position[1] else ()
            self._pass(half, tables, tiles, addresses, counts, position, (wait, signal))
        self._store(half, block, pixels, pool, ends)

    def _pass(
        self, half: int, tables: list[int], tiles: list[tuple[npt.NDArray[np.int8], PackedTile]], addresses: list[int],
        counts: list[int], position: tuple[bool, bool], tokens: tuple[Sequence[Engine], Sequence[Engine]],
    ) -> None:  # fmt: skip
        rng, pixels = self.rng, int(np.prod(counts))
        steps = [int(rng.integers(-3, 6)) for _ in counts]
        loops = {f"n{k}": n for k, n in enumerate(counts)} | {f"step{k}": s % 65536 for k, s in enumerate(steps)}
        self.add(Opcode.SETUP, loops)
        i = np.arange(pixels)
        walk = np.zeros(pixels, np.int64)
        for n, step in zip(counts, steps, strict=True):
            walk += i % n * step
            i = i // n
        base = half * self.machine.bank_depth // 2 - int(walk.min())
        table = int(rng.choice(tables))
        fields = {"words": 0, "weights": 0, "base": base % 65536, "table": table}
        kind = rng.choice(["load", "load", "load", "again", "null"])
        first, last = position
        sums = np.zeros((pixels, self.machine.vector), np.int64)
        if kind == "null":
            command = Command(pixels=pixels, beat=0, rows=0, cols=0, load=False, first=first, last=last)
        elif kind == "again" and self._tile is not None:
            tile = self._tile
            command = Command(
                pixels=pixels, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=first, last=last
            )
        else:
            chosen = int(rng.integers(0, len(tiles)))
            self._resident, self._tile = tiles[chosen]
            command = self._tile.command(pixels, first=first, last=last)
            fields |= {"words": len(self._tile.words), "weights": addresses[chosen]}
        if command.beat and self._resident is not None:
            entries = (base + walk[:, None] + self._table[table]) % 65536 % self.machine.bank_depth
            bundles = self._banks[np.arange(self.machine.hw.array.rows), entries]
            rows, _, cols = self._resident.shape
            sums[:, :cols] = np.einsum("prm,rmc->pc", bundles[:, :rows], self._resident.astype(np.int64))
        self._sums = sums if first else self._sums + sums
        self.add(Opcode.PASS, fields | {"command": command.to_word()}, *tokens)

    def _store(self, half: int, block: int, pixels: int, pool: int, ends: tuple[bool, bool]) -> None:
        rng, vector = self.rng, self.machine.vector
        raw, residual = int(pool == 1 and rng.random() < 0.3), int(rng.random() < 0.5)
        low, high = (0, 127) if rng.random() < 0.5 else (-100, 90)
        residual_at = half * self.machine.residual_depth // 2 + int(rng.integers(0, 40))
        bias, multiplier, other, shift = self._parameters[block]
        total = self._sums + bias
        count = pixels // pool
        if raw:
            data = total.astype("<i4").view(np.uint8).ravel()
        else:
            scaled = total * multiplier
            if residual:
                rows = residual_at + np.arange(pixels) // pool
                scaled = scaled + self._residual[rows] * other
            values = np.clip((scaled + (1 << (shift - 1))) >> shift, low, high)
            data = values.reshape(count, pool, vector).max(axis=1).astype(np.int8).view(np.uint8).ravel()
        address = self._put(np.zeros(len(data), np.uint8))
        fields = {
            "address": address, "block": block, "low": low % 256, "high": high % 256, "raw": raw,
            "residual": residual, "residual_at": residual_at, "count": count, "pool": pool,
        }  # fmt: skip
        self.add(Opcode.STORE, fields, (L,) if ends[0] else (), (L,) if ends[1] else ())
        self.expected.append((address, data))


def image(instructions: Sequence[Instruction], size: int = 1 << 16) -> Bytes:
    """Memory with a program at address 0."""
    memory = np.zeros(size, np.uint8)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in instructions)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    return memory


@dataclass
class Convolution:
    """A 1×1 convolution and the memory with its program; `output`: address of int8 [3·5 pixels, 4 channels]."""

    memory: Bytes
    count: int
    output: int
    x: npt.NDArray[np.int8]
    weights: npt.NDArray[np.int8]
    bias: Ints
    multiplier: Ints


def convolution(machine: Machine) -> Convolution:
    """16 channels to 4 on 3×5 pixels, for four rows and columns of groups of 4: one tile, one pass, one store."""
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (16, 3, 5)).astype(np.int8)
    weights = rng.integers(-128, 128, (16, 4)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.5] = 0
    bias = rng.integers(-1000, 1000, 4)
    multiplier = rng.integers(1 << 30, (1 << 31) - 1, 4)
    tile = pack_tile(weights.reshape(4, 4, 4), machine.hw)
    parameters = np.zeros((13, 4), np.uint8)
    parameters[0:4] = bias.astype("<i4").view(np.uint8).reshape(4, 4)
    parameters[4:8] = multiplier.astype("<i4").view(np.uint8).reshape(4, 4)
    parameters[12] = 45
    activations = x.reshape(4, 4, 15).transpose(0, 2, 1)
    place = {"to": 0, "width": 5, "pitch": 5, "period": 2, "bank": 0}

    def load(kind: Kind, count: int, source: int, signal: Sequence[Engine] = (), bank: int = 0) -> Instruction:
        fields = {**place, "bank": bank, "kind": kind, "count": count, "source": source}
        return Instruction(Opcode.LOAD, fields, (), tuple(signal))

    command = tile.command(15, first=True, last=True).to_word()
    store = {"address": 0x4000, "block": 0, "low": 0x80, "high": 127, "raw": 0, "residual": 0, "residual_at": 0}
    program = [
        Instruction(Opcode.HEADER, {"version": VERSION, "fingerprint": machine.fingerprint}),
        load(Kind.TABLE, machine.table_vectors, 0x1000), load(Kind.PARAMETERS, 13, 0x1100, (S,)),
        load(Kind.WEIGHTS, len(tile.words), 0x1200),
        *(load(Kind.ACTIVATIONS, 15, 0x2000 + 60 * b, (X,) if b == 3 else (), b) for b in range(4)),
        Instruction(Opcode.SETUP, {"n0": 1, "n1": 1, "n2": 5, "n3": 3, "step0": 0, "step1": 0, "step2": 1, "step3": 5}),
        Instruction(
            Opcode.PASS, {"command": command, "words": len(tile.words), "weights": 0, "base": 0, "table": 0}, (L,)
        ),
        Instruction(Opcode.STORE, {**store, "count": 15, "pool": 1}, (L,)),
        Instruction(Opcode.END),
    ]  # fmt: skip
    memory = image(program)
    for address, data in ((0x1100, parameters), (0x1200, tile.words), (0x2000, activations.view(np.uint8))):
        flat = np.ascontiguousarray(data).ravel()
        memory[address : address + len(flat)] = flat
    return Convolution(memory, len(program), 0x4000, x, weights, bias, multiplier)
