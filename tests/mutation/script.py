"""Programs written instruction after instruction, with the data that they load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import COMMON_BITS, INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat
from skipbeat_verify.core_passes import random_tile
from tests.sim.machine.machine_loads import L, S, X

#: Everywhere in these programs: data begins here, above the instructions.
DATA = 0x6000
MEMORY_BYTES = 1 << 19
#: Clocks after which a program that does not end is left: the watchdog must not end it, not even while the counters
#: are read after them.
WATCHED = 300


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """Memory with a program of `count` instructions at `address`; `clocks`: it is watched for no longer than that.

    `page`: the program's base on the bus; `first`: address of the memory's first byte from there; `abort_at`: clock in
    which the run is aborted; `timed`: it is sound only with the memory of docs/machine.md.
    """

    name: str
    memory: Bytes
    count: int
    address: int = 0
    clocks: int | None = None
    page: int = 0
    first: int = 0
    abort_at: int | None = None
    timed: bool = False


class Script:
    """A program in the making; what is loaded is random unless it is given."""

    def __init__(self, machine: Machine, *seed: int) -> None:
        self.machine, self.rng = machine, np.random.default_rng(seed)
        self.memory = np.zeros(MEMORY_BYTES, np.uint8)
        self.instructions: list[Instruction] = []
        self._at = DATA
        self.add(isa.Header(version=VERSION, fingerprint=machine.fingerprint))

    def add(self, instruction: Instruction) -> None:
        """One more instruction."""
        self.instructions.append(instruction)

    def put(self, data: npt.NDArray[np.generic]) -> int:
        """Data into memory, at the next multiple of V or a little later; returns the address."""
        flat, vector = np.ascontiguousarray(data).view(np.uint8).ravel(), self.machine.vector
        at = self._at + vector * int(self.rng.integers(0, 4))
        assert at + len(flat) <= MEMORY_BYTES
        self.memory[at : at + len(flat)] = flat
        self._at = at + -(-len(flat) // vector) * vector
        return at

    def vectors(self, count: int) -> Int8Array:
        """Random bytes, int8 [count, V]."""
        return self.rng.integers(-128, 128, (count, self.machine.vector)).astype(np.int8)

    def load(
        self,
        kind: Kind,
        to: int,
        data: npt.NDArray[np.generic],
        wait: Sequence[Engine] = (),
        signal: Sequence[Engine] = (),
        place: Mapping[str, int] | None = None,
    ) -> None:
        """A LOAD of some vectors; without a place, activations go to entries in a row of all banks."""
        fields = {"width": 4000, "pitch": 1, "period": 0, "bank": 0} | dict(place or {})
        fields |= {"kind": kind, "to": to, "count": -(-data.nbytes // self.machine.vector), "source": self.put(data)}
        self.add(isa.Load.of_values(fields, wait=tuple(wait), signal=tuple(signal)))

    def load_banks(self, entries: int) -> None:
        """Random bytes into the first entries of all banks, the same in each."""
        self.load(Kind.ACTIVATIONS, 0, self.vectors(entries))

    def load_table(self, first: int, offsets: Int64Array) -> None:
        """Entries [n, R] of the table from `first` on."""
        parts, vector = self.machine.table_vectors, self.machine.vector
        data = np.zeros((len(offsets), parts * vector), np.uint8)
        data[:, : 2 * offsets.shape[1]] = (offsets % 65536).astype("<u2").view(np.uint8)
        self.load(Kind.TABLE, first * parts, data)

    def load_parameters(
        self, block: int, bias: Int64Array, multiplier: Int64Array, other: Int64Array, shift: Int64Array
    ) -> None:
        """One block, [V] each."""
        data = np.concatenate([x.astype("<i4").view(np.uint8) for x in (bias, multiplier, other)])
        self.load(Kind.PARAMETERS, block * 16, np.concatenate([data, shift.astype(np.uint8)]))

    def tile(self, rows: int | None = None, cols: int | None = None, *, most: int | None = None) -> PackedTile:
        """A tile of random size, encoding and sparsity, or with so many nonzeros in each group at the most."""
        hw, rng = self.machine.hw, self.rng
        rows = rows or int(rng.integers(1, hw.array.rows + 1))
        cols = cols or int(rng.integers(1, hw.array.cols + 1))
        weights = random_tile(rng, hw, rows, cols, most or int(rng.integers(1, hw.array.group + 1)))
        legal = legal_encodings(tile_beat(weights), hw)
        return pack_tile(weights, hw, legal[int(rng.integers(len(legal)))])

    def setup(
        self, counts: Sequence[int], steps: Sequence[int], wait: Sequence[Engine] = (), signal: Sequence[Engine] = ()
    ) -> None:
        """The walk of the passes that follow."""
        self.add(replace(isa.Setup.of(counts, steps), wait=tuple(wait), signal=tuple(signal)))

    def run(
        self,
        command: Command,
        tile: PackedTile | None = None,
        at: int = 0,
        base: int = 0,
        table: int = 0,
        wait: Sequence[Engine] = (),
    ) -> None:
        """A PASS; `tile` at vector `at` if it is to be loaded."""
        words = 0 if tile is None else len(tile.words)
        run = isa.Pass(command=command, words=words, weights=at, base=base % 65536, table=table, wait=tuple(wait))
        self.add(run)

    def null(self, pixels: int, wait: Sequence[Engine] = ()) -> None:
        """A pass whose sums are zero."""
        self.run(Command(pixels=pixels, beat=0, rows=0, cols=0, load=False), wait=wait)

    def store(self, count: int, *, wait: Sequence[Engine] = (), signal: Sequence[Engine] = (), **fields: int) -> None:
        """A STORE, to memory unless `local` or `memory` says otherwise."""
        raw = fields.get("raw", 0)
        room = np.zeros(count * self.machine.vector * (4 if raw else 1), np.uint8)
        fields = {"low": -128, "high": 127, "pool": 1, "memory": 1, "count": count, "address": self.put(room)} | fields
        self.add(isa.Store.of_values(fields, wait=tuple(wait), signal=tuple(signal)))

    def plain_parameters(self, block: int, shift: int) -> None:
        """sum >> shift, plus the residual as it is."""
        one = np.ones(self.machine.vector, np.int64)
        self.load_parameters(block, 0 * one, one, one << shift, shift * one)

    def full_tile(self) -> PackedTile:
        """A tile that uses every weight of the array."""
        array = self.machine.hw.array
        weights = self.rng.integers(1, 128, (array.rows, array.group, array.cols)).astype(np.int8)
        return pack_tile(weights, self.machine.hw)

    def program(self, name: str, clocks: int | None = None) -> Program:
        """The whole, with its END, anywhere below its data or above; of every second instruction, about, bits are set
        that no field has."""
        self.add(isa.End())
        code = b"".join(self._word(each).to_bytes(INSTRUCTION_BYTES, "little") for each in self.instructions)
        assert len(code) <= DATA
        begin, end = (0, DATA) if self.rng.random() < 0.5 else (max(self._at, 2 * DATA), MEMORY_BYTES)
        step = max(INSTRUCTION_BYTES, self.machine.vector)
        at = int(self.rng.integers(-(-begin // step), (end - len(code)) // step + 1)) * step
        self.memory[at : at + len(code)] = np.frombuffer(code, np.uint8)
        return Program(name=name, memory=self.memory, count=len(self.instructions), address=at, clocks=clocks)

    def _word(self, instruction: Instruction) -> int:
        used = COMMON_BITS + instruction.bit_count()
        junk = int.from_bytes(self.rng.bytes(INSTRUCTION_BYTES), "little") if self.rng.random() < 0.5 else 0
        return instruction.to_word() | junk >> used << used


def last_load_signals(script: Script, *engines: Engine) -> None:
    """A load that tells these engines that all before it are there."""
    script.load(Kind.WEIGHTS, script.machine.weight_depth - 1, script.vectors(1), signal=engines)


def load_all(script: Script, tile: PackedTile, shift: int) -> None:
    """A tile, four entries of all banks and where a pass reads them; sums are shifted by so many bits."""
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.load_table(0, np.zeros((1, script.machine.hw.array.rows), np.int64))
    script.load_banks(4)
    script.plain_parameters(0, shift)
    last_load_signals(script, X, S)


def least_work(
    script: Script,
    engine: Engine,
    wait: tuple[Engine, ...] = (),
    signal: tuple[Engine, ...] = (),
    *,
    local: bool = False,
) -> None:
    """The least that an engine can do; a STORE goes to memory, or `local` to the chip."""
    if engine == L:
        script.add(isa.Zero(to=0, count=1, wait=wait, signal=signal))
    elif engine == X:
        script.setup((1, 1, 1, 1), (0, 0, 0, 0), wait=wait, signal=signal)
    else:
        script.null(1)
        script.store(1, memory=int(not local), local=int(local), wait=wait, signal=signal)


WAIT_L = (L,)
