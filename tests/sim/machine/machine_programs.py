"""Random programs for the machine, with the memory that they must leave behind.

A program is a row of units (see `machine_loads`). A unit has groups of passes, each with its store. A group reads one
window of its unit's half of the activation banks; a local store writes the other one, which the next group may read
when the store's token is there. What a program must write is worked out instruction after instruction, without clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.training.noted import round_noted
from skipbeat_arch.training.rounding import (
    MOST_SHIFT,
    STORE_SEED_BITS,
    SUM_BITS,
    magnitude_bits,
    round_stochastically,
    rounding_draws,
    store_seed,
)
from skipbeat_arch.turn_instruction import Turn
from tests.sim.machine.machine_loads import DATA, L, LoadedMachine, LoadedTile, S, X


def random_hardware(rng: np.random.Generator) -> Hardware:
    """A small machine of any shape that there is, whose memory moves a quarter of a vector to four in a clock."""
    cols = int(rng.choice([4, 8, 16, 32]))
    group = int(rng.choice([g for g in (1, 4, 8, 16) if g <= cols <= 8 * g]))
    rows = int(rng.choice([r for r in (1, 2, 4, 8) if cols <= r * group]))
    lanes = [n for n in (1, 2, 4, 8, 16, 32) if cols % n == 0]
    return Hardware.model_validate(
        {
            "name": "random-machine",
            "clock_mhz": 100.0,
            "array": {"rows": rows, "cols": cols, "group": group},
            "weights": {"decode_lanes": int(rng.choice(lanes)), "buffer_kib": 32},
            "activations": {"buffer_kib": 64},
            "accumulators": {"depth": 128},
            "outputs": {"lanes": int(rng.choice(lanes)), "buffer_kib": max(4, cols // 4)},
            "memory": {
                "bytes_per_clock": int(cols * rng.choice([0.25, 0.5, 1, 2, 4])),
                "latency_clocks": int(rng.integers(1, 50)),
                "burst_beats": int(rng.choice([1, 4, 16])),
                "outstanding": int(rng.choice([1, 2, 8])),
            },
        }
    )


@dataclass
class MachineProgram(LoadedMachine):
    """Instructions and memory of a program, and a machine without clocks that follows along."""

    #: (address, bytes) that the program must write.
    expected: list[tuple[int, Bytes]] = field(default_factory=list)
    #: Of what it notes: bits of the largest magnitude, and bytes that are clipped.
    bits: int = 0
    clips: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._resident: LoadedTile | None = None
        self._sums = np.zeros((0, self.machine.vector), np.int64)
        # The window that a group reads, the place of local stores, and whether the next pass waits for one.
        self._reads = 0
        self._place: dict[str, int] | None = None
        self._stored = False

    @classmethod
    def random(cls, machine: Machine, rng: np.random.Generator, units: int) -> MachineProgram:
        """A program of some units."""
        program = cls(machine, rng)
        for unit in range(units):
            program.load_unit(unit)
            groups = int(rng.integers(1, 4))
            for group in range(groups):
                program._group((group == 0, group == groups - 1))
        program.add(isa.End())
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

    def _group(self, ends: tuple[bool, bool]) -> None:
        """Passes and their store; `ends`: the first one of its unit, the last one."""
        rng = self.rng
        pool = int(rng.choice([1, 1, 2, 3]))
        counts = [int(rng.integers(1, 4)) for _ in range(3)]
        counts.insert(int(rng.integers(0, 3)), pool)
        if ends[0] or not self._stored or rng.random() < 0.2:
            self._reads = int(rng.integers(0, 2))
        passes = int(rng.integers(1, 5))
        for number in range(passes):
            first, last = number == 0, number == passes - 1
            wait = ((L,) if ends[0] and first else ()) + ((S,) if self._stored else ())
            self._stored = False
            self._pass(counts, (first, last), (wait, (L,) if ends[1] and last else ()))
        self._store(int(np.prod(counts)), pool, ends)

    def _pass(
        self, counts: list[int], position: tuple[bool, bool], tokens: tuple[Sequence[Engine], Sequence[Engine]]
    ) -> None:
        rng, pixels = self.rng, int(np.prod(counts))
        steps = [int(rng.integers(-3, 6)) for _ in counts]
        self.add(isa.Setup.of(counts, steps))
        i = np.arange(pixels)
        walk = np.zeros(pixels, np.int64)
        for n, step in zip(counts, steps, strict=True):
            walk += i % n * step
            i = i // n
        base = self.window(self._reads) - int(walk.min())
        table = int(rng.choice(self._tables))
        fields: dict[str, Any] = {"words": 0, "weights": 0, "base": base % 65536, "table": table}
        command = self._command(pixels, position, fields)
        sums = np.zeros((pixels, self.machine.vector), np.int64)
        if command.beat and self._resident is not None:
            entries = (base + walk[:, None] + self._table[table]) % 65536 % self.machine.bank_depth
            bundles = self._banks[np.arange(self.machine.hw.array.rows), entries]
            weights = self._resident.weights
            sums[:, : weights.shape[2]] = np.einsum("prm,rmc->pc", bundles[:, : len(weights)], weights.astype(np.int64))
        self._sums = sums if position[0] else self._sums + sums
        wait, signal = tokens
        self.add(isa.Pass(command=command, wait=tuple(wait), signal=tuple(signal), **fields))

    def _command(self, pixels: int, position: tuple[bool, bool], fields: dict[str, int]) -> Command:
        """A pass with a new tile (noted in `fields`), with the tile that is there, or with none."""
        first, last = position
        kind = self.rng.choice(["load", "load", "load", "again", "null"])
        if kind == "null":
            return Command(pixels=pixels, beat=0, rows=0, cols=0, load=False, first=first, last=last)
        if kind == "again" and self._resident is not None:
            tile = self._resident.tile
            return Command(
                pixels=pixels, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=first, last=last
            )
        chosen = self._tiles[int(self.rng.integers(0, len(self._tiles)))]
        self._resident = chosen
        fields |= {"words": len(chosen.tile.words), "weights": chosen.address}
        return chosen.tile.command(pixels, first=first, last=last)

    def _store(self, pixels: int, pool: int, ends: tuple[bool, bool]) -> None:
        rng = self.rng
        raw, residual = int(pool == 1 and rng.random() < 0.3), int(rng.random() < 0.5)
        low, high = (0, 127) if rng.random() < 0.5 else (-100, 90)
        at = self._half * self.machine.residual_depth // 2 + int(rng.integers(0, 40))
        count = pixels // pool
        trains = self.machine.hw.outputs.gradients and not raw
        stochastic = trains and rng.random() < 0.4
        noted = trains and not stochastic and rng.random() < 0.7
        placed = trains and not stochastic and rng.random() < 0.5
        seed = int(rng.integers(1 << STORE_SEED_BITS)) if stochastic else 0
        if stochastic:
            low, high = -127, 127
            vectors = self._rounded(count, seed, at if residual else None)
            data = vectors.view(np.uint8).ravel()
        elif raw:
            data = (self._sums + self._parameters[self._block][0]).astype("<i4").view(np.uint8).ravel()
        elif noted:
            vectors = self._nearest(self._scaled(at if residual else None, pool).reshape(count, pool, -1), low, high)
            data = vectors.view(np.uint8).ravel()
        else:
            values = self._quantised(at if residual else None, pool).clip(low, high)
            vectors = values.reshape(count, pool, -1).max(axis=1).astype(np.int8)
            data = vectors.view(np.uint8).ravel()
        if placed:
            numbers = self._sums.reshape(count, pool, -1).argmax(axis=1).clip(low, high).astype(np.int8)
            data = np.stack([vectors, numbers], axis=1).view(np.uint8).ravel()
        memory, local = (1, 0) if raw or placed else ((1, 0), (0, 1), (1, 1))[int(rng.integers(0, 3))]
        address = self.put(np.zeros(len(data), np.uint8))
        if memory:
            self.expected.append((address, data))
        if local:
            self._store_locally(vectors)
        fields = {
            "address": address,
            "block": self._block,
            "low": low,
            "high": high,
            "raw": raw,
            "residual": residual,
            "residual_at": at,
            "count": count,
            "pool": pool,
            "memory": memory,
            "local": local,
            "stochastic": int(stochastic),
            "seed": seed,
            "noted": int(noted),
            "places": int(placed),
        }
        turns = self._turns()
        wait, tell = (L,) if ends[0] else (), (L,) if ends[1] else ()
        self._add_turns(turns[0], wait, ())
        self.add(
            isa.Store.of_values(
                fields, wait=() if turns[0] else wait, signal=(() if turns[1] else tell) + ((X,) if local else ())
            )
        )
        self._add_turns(turns[1], (), tell)

    def _turns(self) -> tuple[int, int]:
        """How many TURNs there are before a STORE and behind it."""
        if not self.machine.hw.outputs.turn:
            return 0, 0
        before, behind = self.rng.choice([0, 0, 0, 1, 2], 2)
        return int(before), int(behind)

    def _add_turns(self, count: int, wait: tuple[Engine, ...], signal: tuple[Engine, ...]) -> None:
        """So many TURNs, of which the first one waits and the last one signals."""
        for number in range(count):
            self._turn(wait if number == 0 else (), signal if number == count - 1 else ())

    def _turn(self, wait: tuple[Engine, ...], signal: tuple[Engine, ...]) -> None:
        """A TURN of any blocks of the unit's residuals."""
        rng, size, (first, loaded) = self.rng, self.machine.vector, self._residuals
        lane = int(rng.integers(0, size)) if rng.random() < 0.5 else 0
        lanes = int(rng.integers(1, size - lane + 1)) if rng.random() < 0.5 else size - lane
        count = min(int(rng.integers(1, 6)), self.machine.output_depth // lanes)
        n0, k = int(rng.choice([1, 2, 3, 200])), np.arange(count)
        steps = [int(step) for step in rng.integers(-9, 10, 2)]
        starts = k % n0 * steps[0] + k // n0 * steps[1]
        if np.ptp(starts) > loaded - size:
            steps, starts = [0, 0], 0 * starts
        at = int(rng.integers(first - starts.min(), first + loaded - size - starts.max() + 1))
        blocks = [self._residual[at + start : at + start + size].T[lane : lane + lanes] for start in starts]
        data = np.concatenate(blocks).astype(np.int8).view(np.uint8).ravel()
        address = self.put(np.zeros(len(data), np.uint8))
        self.expected.append((address, data))
        fields = {"address": address, "residual_at": at % 65536, "count": count, "n0": n0, "lane": lane, "lanes": lanes}
        fields |= {"step0": steps[0] % 65536, "step1": steps[1] % 65536}
        self.add(Turn.of_values(fields, wait=wait, signal=signal))

    def _rounded(self, count: int, seed: int, residual_at: int | None) -> Int8Array:
        """Bytes of the largest sums of windows, int8 [count, V], which are noted; 0 where there is a residual of 0."""
        bias, _, _, shift = self._parameters[self._block]
        sums = (self._sums + bias).reshape(count, -1, self.machine.vector).max(axis=1)
        if residual_at is not None:
            sums = np.where(self._residual[residual_at + np.arange(count)], sums, 0)
        drawn = rounding_draws(store_seed(seed), self.machine.hw.outputs.lanes, *sums.shape)
        vectors, clipped = round_stochastically(sums, min(int(shift[0]), MOST_SHIFT), drawn)
        self.bits = max(self.bits, magnitude_bits(sums))
        self.clips += int(clipped.sum())
        return vectors

    def _nearest(self, scaled: Int64Array, low: int, high: int) -> Int8Array:
        """Bytes of windows, int8 [count, V], of which the largest in 40 bits is noted."""
        largest, shift = scaled.max(axis=1), self._parameters[self._block][3]
        vectors, clipped = round_noted(largest, shift, low, high)
        sign = 1 << (SUM_BITS - 1)
        self.bits = max(self.bits, magnitude_bits(((largest + sign) & (2 * sign - 1)) - sign))
        self.clips += int(clipped.sum())
        return vectors

    def _quantised(self, residual_at: int | None, pool: int) -> Int64Array:
        shift = self._parameters[self._block][3]
        return (self._scaled(residual_at, pool) + (1 << (shift - 1))) >> shift

    def _scaled(self, residual_at: int | None, pool: int) -> Int64Array:
        bias, multiplier, other, _ = self._parameters[self._block]
        scaled = (self._sums + bias) * multiplier
        if residual_at is not None:
            scaled = scaled + self._residual[residual_at + np.arange(len(scaled)) // pool] * other
        return scaled

    def _store_locally(self, vectors: Int8Array) -> None:
        """Into the window that this group does not read, at a new PLACE or at the last one."""
        target = 1 - self._reads
        first, place = self.window(target), self._place
        if place is None or not first <= place["to"] < first + 10 or self.rng.random() < 0.7:
            for _ in range(int(self.rng.integers(1, 3))):  # the last one counts
                place = self.place(target, len(vectors))
                self.add(isa.Place.of_values(dict(place)))
        assert place is not None
        self._place = place
        self.write_banks(place, vectors)
        self._reads, self._local, self._stored = target, True, True
