"""Random programs that press on what holds the machine's clocks back: queues, tokens, credits, the bus.

What they compute means nothing. They end, because every instruction waits only for earlier ones, and a STORE for the
results of the passes just before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, pack_tile
from skipbeat_arch.turn_instruction import Turn
from skipbeat_verify.core_passes import random_tile

L, X, S = Engine.LOAD, Engine.EXECUTE, Engine.STORE
#: Where weights begin, and where everything else is read and written.
WEIGHTS, DATA, SIZE = 1 << 16, 1 << 17, 1 << 18
#: Tokens that may lie in a counter, far from its limit.
MOST_TOKENS = 6


def timing_hardware(rng: np.random.Generator) -> Hardware:
    """A small machine of any shape, with a memory port of any width that its vectors may have."""
    cols = int(rng.choice([4, 8, 16, 32, 64], p=[0.22, 0.22, 0.22, 0.22, 0.12]))
    group = int(rng.choice([g for g in (1, 4, 8, 16) if g <= cols <= 8 * g]))
    rows = int(rng.choice([r for r in (1, 2, 4, 8) if cols <= r * group]))
    lanes = [n for n in (1, 2, 4, 8, 16, 32, 64) if cols % n == 0]
    return Hardware.model_validate(
        {
            "name": "random-machine",
            "clock_mhz": 100.0,
            "array": {"rows": rows, "cols": cols, "group": group},
            "weights": {"decode_lanes": int(rng.choice(lanes)), "buffer_kib": 64},
            "activations": {"buffer_kib": 64},
            "accumulators": {"depth": 128},
            "outputs": {"lanes": int(rng.choice(lanes)), "buffer_kib": 4},
            "memory": {
                "bytes_per_clock": int(rng.choice([cols // 4, cols // 2, cols, 2 * cols, 4 * cols])),
                "latency_clocks": int(rng.integers(1, 50)),
                "burst_beats": int(rng.choice([1, 2, 4, 16])),
                "outstanding": int(rng.choice([1, 2, 8])),
                "port_bytes": int(rng.choice([cols // 4, 2 * cols])) if rng.random() < 0.3 else None,
            },
        }
    )


def turning(hardware: Hardware) -> Hardware:
    """The same machine with a turner."""
    return hardware.model_copy(update={"outputs": hardware.outputs.model_copy(update={"turn": True})})


@dataclass
class TimingProgram:
    """A program in the making.

    Attributes:
        address: byte address of the program.
        local: STOREs may write the activation banks; nothing keeps them apart from LOADs and ZEROs.
        tokens: given and not taken yet, by (giver, taker); tiles: of its PASSes.
    """

    machine: Machine
    rng: np.random.Generator
    local: bool = True
    address: int = 0
    instructions: list[Instruction] = field(default_factory=list)
    tiles: list[PackedTile] = field(default_factory=list)
    tokens: dict[tuple[Engine, Engine], int] = field(
        default_factory=lambda: {(a, b): 0 for a in Engine for b in Engine if a != b}
    )

    def __post_init__(self) -> None:
        self._add(isa.Header(version=VERSION, fingerprint=self.machine.fingerprint))
        hw = self.machine.hw
        self._stored = [
            pack_tile(random_tile(self.rng, hw, hw.array.rows, hw.array.cols, int(b)), hw)
            for b in self.rng.integers(1, hw.array.group + 1, 4)
        ]
        sizes = [len(tile.words) for tile in self._stored]
        self._at = np.cumsum([0, *sizes]).tolist()
        self._resident: PackedTile | None = None
        self._quiet = False
        self._load(Kind.WEIGHTS, sum(sizes), WEIGHTS, signal=(X,))
        self._setup([1, 1, 1, 1], wait=(L,))

    @classmethod
    def random(cls, machine: Machine, rng: np.random.Generator, parts: int, *, local: bool = True) -> TimingProgram:
        """A program of some parts; its last store waits for all engines, and loads may still be under way then."""
        program = cls(machine, rng, local)
        program._parts(parts)
        program._finish()
        return program

    @classmethod
    def repeating(cls, machine: Machine, rng: np.random.Generator, parts: int, times: int) -> TimingProgram:
        """A program that begins and ends anyhow, and between that says the same again and again."""
        program = cls(machine, rng, local=False)
        program._parts(int(rng.integers(0, 3)))
        program._drain()
        first, tiles = len(program.instructions), len(program.tiles)
        program._resident = None
        program._parts(parts)
        program._drain()
        if rng.random() < 0.7:
            while (len(program.instructions) - first) % 8:
                program._setup([1, 1, 1, 1])
        program.instructions += program.instructions[first:] * (times - 1)
        program.tiles += program.tiles[tiles:] * (times - 1)
        program._parts(int(rng.integers(0, 3)))
        program._finish()
        return program

    def _drain(self) -> None:
        """Take all tokens."""
        self._quiet = True
        while self.tokens[L, S] or self.tokens[X, S]:
            self._group()
        while wait := tuple(e for e in X.others if self.tokens[e, X]):
            self._setup([1, 1, 1, 1], wait=wait)
        while wait := tuple(e for e in L.others if self.tokens[e, L]):
            self._add(isa.Zero(to=0, count=1, wait=wait))
        self._quiet = False

    def _parts(self, count: int) -> None:
        makers = [self._loads, self._zero, self._setups, self._group, self._group, self._group]
        makers += [self._turns] * self.machine.hw.outputs.turn
        for _ in range(count):
            makers[int(self.rng.integers(0, len(makers)))]()

    def _finish(self) -> None:
        """What waits for all engines, and loads that may still be under way at the end."""
        rng = self.rng
        self._add(isa.Zero(to=0, count=1, signal=(X,)))
        while self.tokens[L, X]:
            self._setup([1, 1, 1, 1], wait=(L,))
        self._group()
        if rng.random() < 0.3:
            self._load(Kind.RESIDUAL, int(rng.integers(1, 60)), DATA)
        self._add(isa.End())
        self.address = int(rng.integers(0, 40)) * self.machine.vector

    @property
    def memory(self) -> Bytes:
        """The memory before the program."""
        memory = np.zeros(SIZE, np.uint8)
        code = b"".join(i.to_word().to_bytes(16, "little") for i in self.instructions)
        assert self.address + len(code) <= WEIGHTS
        memory[self.address : self.address + len(code)] = np.frombuffer(code, np.uint8)
        words = np.concatenate([tile.words.ravel() for tile in self._stored])
        memory[WEIGHTS : WEIGHTS + words.size] = words
        return memory

    def _add(self, instruction: Instruction) -> None:
        engine = instruction.engine
        for giver in instruction.wait:
            assert engine is not None
            assert self.tokens[giver, engine] > 0
            self.tokens[giver, engine] -= 1
        for taker in instruction.signal:
            assert engine is not None
            self.tokens[engine, taker] += 1
        self.instructions.append(instruction)

    def _tokens(self, engine: Engine) -> dict[str, Any]:
        """Tokens that an instruction of this engine may take and give."""
        others = engine.others
        wait = tuple(e for e in others if self.tokens[e, engine] and self.rng.random() < 0.6)
        signal = tuple(
            e for e in others if not self._quiet and self.tokens[engine, e] < MOST_TOKENS and self.rng.random() < 0.3
        )
        return {"wait": wait, "signal": signal}

    def _load(
        self, kind: Kind, count: int, source: int, wait: tuple[Engine, ...] = (), signal: tuple[Engine, ...] = ()
    ) -> None:
        self._add(isa.Load(width=3, pitch=5, kind=kind, count=count, source=source, wait=wait, signal=signal))

    def _loads(self) -> None:
        rng = self.rng
        most = int(rng.choice([3, 60]))
        for _ in range(int(rng.choice([1, 3, 14]))):
            kind = Kind(int(rng.choice([Kind.ACTIVATIONS, Kind.PARAMETERS, Kind.RESIDUAL])))
            source = DATA + int(rng.integers(0, 64)) * self.machine.vector
            self._load(kind, int(rng.integers(1, most)), source, **self._tokens(L))

    def _zero(self) -> None:
        self._add(isa.Zero(to=0, count=int(self.rng.integers(1, 40)), **self._tokens(L)))

    def _setup(self, counts: list[int], wait: tuple[Engine, ...] = (), signal: tuple[Engine, ...] = ()) -> None:
        self._add(replace(isa.Setup.of(counts, (1, 2, 3, 4)), wait=wait, signal=signal))

    def _setups(self) -> None:
        for _ in range(int(self.rng.choice([1, 2, 12, 70]))):
            self._setup([1, 1, 1, 1], **self._tokens(X))

    def _group(self) -> None:
        """Passes over some pixels, with the STOREs of their results behind or before them."""
        rng = self.rng
        pixels = int(rng.choice([1, 2, 3, int(rng.integers(1, 12)), int(rng.integers(1, 128))]))
        # one STORE at most: the queue of STOREs must not fill before the passes are dispatched
        early = rng.random() < 0.3 and pixels <= self.machine.output_depth
        before = {pair: count for pair, count in self.tokens.items() if pair[1] == S}
        if early:
            self._store(pixels, 1, False, before, quiet=True)
        passes = int(rng.integers(1, 4))
        for number in range(passes):
            if number == 0 or rng.random() < 0.3:
                self._setup([1, 1, pixels, 1], **self._tokens(X))
            self._pass(pixels, number == 0, number == passes - 1)
        if not early:
            self._stores(pixels, before)

    def _pass(self, pixels: int, first: bool, last: bool) -> None:
        fields: dict[str, Any] = {}
        kind = self.rng.choice(["load", "load", "again", "null"])
        tile = self._resident
        if kind == "null":
            command = Command(pixels=pixels, beat=0, rows=0, cols=0, load=False, first=first, last=last)
        elif kind == "again" and tile is not None:
            command = Command(
                pixels=pixels, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=first, last=last
            )
        else:
            number = int(self.rng.integers(0, len(self._stored)))
            tile = self._resident = self._stored[number]
            self.tiles.append(tile)
            command = tile.command(pixels, first=first, last=last)
            fields |= {"words": len(tile.words), "weights": self._at[number]}
        self._add(isa.Pass(command=command, **fields, **self._tokens(X)))

    def _stores(self, items: int, before: dict[tuple[Engine, Engine], int]) -> None:
        """STOREs that take so many items; they wait only for tokens given `before`."""
        rng = self.rng
        while items:
            if self.machine.hw.outputs.turn and rng.random() < 0.3:
                self._turn(before)
            pool = int(rng.choice([p for p in (1, 1, 2, 3) if p <= items]))
            raw = pool == 1 and rng.random() < 0.3
            most = min(items // pool, self.machine.output_depth // (4 if raw else 1))
            count = most if rng.random() < 0.7 else int(rng.integers(1, most + 1))
            self._store(count, pool, raw, before, quiet=False)
            items -= count * pool

    def _store(
        self, count: int, pool: int, raw: bool, before: dict[tuple[Engine, Engine], int], *, quiet: bool
    ) -> None:
        """A `quiet` one gives no tokens: its passes are still to come, and must not wait for it."""
        wait = tuple(e for e in (L, X) if before[e, S] and self.rng.random() < 0.5)
        for giver in wait:
            before[giver, S] -= 1
        goes = "memory" if raw or not self.local else str(self.rng.choice(["memory", "memory", "local", "both"]))
        for _ in range(int(self.rng.choice([0, 0, 0, 1, 2]))):
            self._add(isa.Place(to=0, width=2, pitch=3, period=0, bank=0))
        address = DATA + int(self.rng.integers(0, 64)) * self.machine.vector
        self._add(
            isa.Store(
                address=address,
                high=127,
                raw=raw,
                count=count,
                pool=pool,
                memory=goes != "local",
                local=goes != "memory",
                wait=wait,
                signal=() if quiet else self._tokens(S)["signal"],
            )
        )

    def _turns(self) -> None:
        """Several in a row, of which each waits for what was given before it."""
        for _ in range(int(self.rng.choice([1, 2, 6]))):
            self._turn({pair: count for pair, count in self.tokens.items() if pair[1] == S})

    def _turn(self, before: dict[tuple[Engine, Engine], int]) -> None:
        """Of any vectors; it waits only for tokens given `before`."""
        rng, size = self.rng, self.machine.vector
        wait = tuple(e for e in (L, X) if before[e, S] and rng.random() < 0.5)
        for giver in wait:
            before[giver, S] -= 1
        lane = int(rng.integers(0, size))
        lanes = int(rng.integers(1, size - lane + 1))
        count = int(rng.integers(1, max(2, self.machine.output_depth // lanes // 2)))
        address = DATA + int(rng.integers(0, 64)) * size
        turn = Turn(address=address, step0=size, n0=2, count=count, step1=1, lane=lane, lanes=lanes)
        self._add(replace(turn, wait=wait, signal=self._tokens(S)["signal"]))
