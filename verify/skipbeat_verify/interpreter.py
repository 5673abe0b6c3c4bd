"""What a program image means, without any clock: the check of the compiler that shares nothing with it.

Queues, tokens and memories are those of docs/machine.md. Whatever may happen in either order does so at random, and
everything is read as late and written as early as the hardware might. Memories start with noise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipbeat_arch.command import Command, command_error
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import ENGINE_OF, VERSION, Engine, Instruction, Kind, Opcode
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.tile import PackedTile, unpack_tile

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

QUEUE, ROUTES, JOBS, FETCH_AHEAD, TOKENS = 8, 8, 6, 8, 63


class DeadlockError(AssertionError):
    """Nothing can go on, and the program has not ended."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CorePass:
    """A pass as the core's ports see it.

    Attributes:
        words: uint8 [words, V] of the tile that it loads; None if it loads none.
        bundles: int8 [pixels, rows, M]; none for a null pass.
        sums: int64 [pixels, C_arr] that leave the core; None unless it is the last pass of a block.
    """

    command: Command
    words: Bytes | None
    bundles: npt.NDArray[np.int8]
    sums: Ints | None


@dataclass
class _Pass:
    command: Command
    fields: dict[str, int]
    walk: dict[str, int]
    signal: tuple[Engine, ...]
    begins: int
    ends: int
    bundles: Ints | None = None
    tile: Ints | None = None
    words: Bytes | None = None
    started: bool = False
    fetched: bool = False


class Interpreter:
    """Runs a program on a memory that it changes.

    Args:
        favour: names of actions that happen as soon as they can; `delay`: only when nothing else can.
        sums: int64 [items, C_arr] that the passes give, in their order, instead of what they compute: those of a core
            that ran elsewhere.

    Attributes:
        done: the passes so far, as the core saw them.
    """

    def __init__(
        self,
        program: MachineProgram,
        hw: Hardware,
        memory: Bytes,
        seed: int,
        favour: str = "",
        delay: str = "",
        sums: Ints | None = None,
    ) -> None:
        self.machine, self.hw, self.memory = Machine.of(hw), hw, memory
        self.done: list[CorePass] = []
        self._given, self._taken = sums, 0
        self._rng = np.random.default_rng(seed)
        self._favour, self._delay = favour, delay
        machine, rows, group = self.machine, hw.array.rows, hw.array.group

        def noise(*shape: int) -> Bytes:
            return self._rng.integers(0, 256, shape, np.uint8)

        self.vectors = {
            Kind.WEIGHTS: noise(machine.weight_depth, machine.vector),
            Kind.PARAMETERS: noise(PARAMETER_BLOCKS * PARAMETER_PITCH, machine.vector),
            Kind.RESIDUAL: noise(machine.residual_depth, machine.vector),
            Kind.TABLE: noise(TABLE_ENTRIES * machine.table_vectors, machine.vector),
        }
        self.banks = noise(rows, machine.bank_depth, group)
        self.tokens = {(a, b): 0 for a in Engine for b in Engine if a != b}
        self.code = deque(program.instructions)
        header = self.code.popleft()
        assert header.opcode == Opcode.HEADER
        assert header.fields == {"version": VERSION, "fingerprint": machine.fingerprint}
        self.queues: dict[Engine, deque[Instruction]] = {engine: deque() for engine in Engine}
        self.routes: deque[Instruction] = deque()
        self.walk: dict[str, int] = {}
        self.passes: list[_Pass] = []
        self.fetched = self.started = self.computed = 0
        self.resident: Ints = np.zeros((rows, group, machine.vector), np.int64)
        self.geometry = (0, 0)
        self.sums = np.zeros((hw.accumulators.depth, machine.vector), np.int64)
        self.results: list[Ints] = []
        self.stage: Instruction | None = None
        self.place: dict[str, int] = {}
        self.writing: deque[tuple[Instruction, Bytes]] = deque()
        self.ended = False

    def run(self) -> None:
        """Runs to END."""
        actions: dict[str, Callable[[], bool]] = {
            "dispatch": self._dispatch,
            "load_begin": self._load_begin,
            "load_end": self._load_end,
            "execute": self._execute,
            "fetch": self._fetch,
            "start": self._start,
            "compute": self._compute,
            "store_begin": self._store_begin,
            "store_output": self._store_output,
            "store_write": self._store_write,
        }
        names = list(actions)
        while not self.ended:
            order = [names[i] for i in self._rng.permutation(len(names))]
            order.sort(key=self._rank)
            if not any(actions[name]() for name in order):
                heads = {e.name: q[0] if q else None for e, q in self.queues.items()}
                raise DeadlockError(f"{len(self.code)} instructions left, heads {heads}, tokens {self.tokens}")
        assert not self.code
        assert not any(self.queues.values())
        assert not self.routes
        assert self.computed == len(self.passes)
        assert not self.results

    def _rank(self, name: str) -> int:
        if self._favour and name.startswith(self._favour):
            return -1
        return int(bool(self._delay) and name.startswith(self._delay))

    def _take(self, instruction: Instruction) -> bool:
        own = ENGINE_OF[instruction.opcode]
        if any(self.tokens[other, own] == 0 for other in instruction.wait):
            return False
        for other in instruction.wait:
            self.tokens[other, own] -= 1
        return True

    def _give(self, own: Engine, engines: tuple[Engine, ...]) -> None:
        for other in engines:
            self.tokens[own, other] += 1
            assert self.tokens[own, other] <= TOKENS

    def _dispatch(self) -> bool:
        if not self.code or len(self.queues[ENGINE_OF[self.code[0].opcode]]) >= QUEUE:
            return False
        instruction = self.code.popleft()
        self.queues[ENGINE_OF[instruction.opcode]].append(instruction)
        return True

    def _load_begin(self) -> bool:
        queue = self.queues[Engine.LOAD]
        if not queue or len(self.routes) >= ROUTES or (queue[0].opcode == Opcode.ZERO and self.routes):
            return False
        if not self._take(queue[0]):
            return False
        instruction = queue.popleft()
        if instruction.opcode == Opcode.ZERO or instruction.fields["kind"] == Kind.ACTIVATIONS:
            assert self.stage is None or not self.stage.fields["local"], "the banks have one write port"
        if instruction.opcode == Opcode.LOAD:
            self.routes.append(instruction)
            return True
        at = np.arange(instruction.fields["to"], instruction.fields["to"] + instruction.fields["count"])
        self.banks[:, at] = 0
        self._give(Engine.LOAD, instruction.signal)
        return True

    def _load_end(self) -> bool:
        if not self.routes:
            return False
        instruction = self.routes.popleft()
        fields, vector = instruction.fields, self.machine.vector
        assert fields["count"] > 0
        assert fields["source"] % vector == 0
        data = self.memory[fields["source"] : fields["source"] + fields["count"] * vector].reshape(-1, vector)
        index = np.arange(fields["count"])
        if fields["kind"] != Kind.ACTIVATIONS:
            self.vectors[Kind(fields["kind"])][fields["to"] + index] = data
        else:
            self._write_banks(fields, data)
        self._give(Engine.LOAD, instruction.signal)
        return True

    def _write_banks(self, place: Mapping[str, int], data: Bytes) -> None:
        index = np.arange(len(data))
        entries = place["to"] + index // place["width"] * place["pitch"] + index % place["width"]
        for bank in range(self.hw.array.rows):
            if (bank ^ place["bank"]) % (1 << place["period"]) // self.machine.bundles == 0:
                bundle = bank % self.machine.bundles * self.hw.array.group
                self.banks[bank, entries] = data[:, bundle : bundle + self.hw.array.group]

    def _execute(self) -> bool:
        queue = self.queues[Engine.EXECUTE]
        if not queue or len(self.passes) - self.fetched >= JOBS or not self._take(queue[0]):
            return False
        instruction = queue.popleft()
        if instruction.opcode == Opcode.SETUP:
            self.walk = dict(instruction.fields)
            if not instruction.signal:
                return True
            raise AssertionError("a SETUP that signals: the interpreter has no job for it")
        word = instruction.fields["command"]
        assert command_error(word, self.hw) == 0
        command = Command.from_word(word)
        begins = self.passes[-1].ends if self.passes else 0
        items = command.pixels if command.beat else 0
        if items:
            assert items == int(np.prod([self.walk[f"n{i}"] for i in range(4)]))
        self.passes.append(
            _Pass(command, dict(instruction.fields), self.walk, instruction.signal, begins, begins + items)
        )
        return True

    def _fetch(self) -> bool:
        """The last activation of a pass is read: at most 8 items are then still on their way to the core."""
        if self.fetched == len(self.passes):
            return False
        p = self.passes[self.fetched]
        if any(not q.started and q.begins + FETCH_AHEAD < p.ends for q in self.passes[self.started : self.fetched + 1]):
            return False
        if p.command.beat:
            p.bundles = self._bundles(p)
        p.fetched = True
        self.fetched += 1
        self._give(Engine.EXECUTE, p.signal)
        return True

    def _bundles(self, p: _Pass) -> Ints:
        at = np.array([p.fields["base"]])
        for level in range(4):
            at = (np.arange(p.walk[f"n{level}"])[:, None] * p.walk[f"step{level}"] + at).ravel()
        rows, parts = self.hw.array.rows, self.machine.table_vectors
        table = self.vectors[Kind.TABLE][p.fields["table"] * parts : (p.fields["table"] + 1) * parts]
        offsets = table.ravel()[: 2 * rows].copy().view("<u2").astype(np.int64)
        entries = (at[:, None] + offsets[: p.command.rows]) % (1 << 16)
        assert entries.max() < self.machine.bank_depth
        bundles = self.banks[np.arange(p.command.rows), entries]
        return bundles.view(np.int8).astype(np.int64)

    def _start(self) -> bool:
        """The core begins a pass, whose tile has left the weight buffer by then."""
        if self.started == len(self.passes) or self.started > self.computed:
            return False
        p = self.passes[self.started]
        if p.command.load:
            p.tile = self._tile(p)
        p.started = True
        self.started += 1
        return True

    def _tile(self, p: _Pass) -> Ints:
        start, command, array = p.fields["weights"], p.command, self.hw.array
        p.words = self.vectors[Kind.WEIGHTS][start : start + p.fields["words"]].copy()
        packed = PackedTile(
            words=p.words,
            encoding=command.encoding,
            beat=command.beat,
            rows=command.rows,
            cols=command.cols,
            value_bits=0,
            metadata_bits=0,
            nonzeros=0,
            slots=np.zeros((0, 0), np.int64),
        )
        tile = np.zeros((array.rows, array.group, array.cols), np.int64)
        tile[: command.rows, :, : command.cols] = unpack_tile(packed, self.hw)
        return tile

    def _compute(self) -> bool:
        """A pass as a whole; its results need a STORE that takes them."""
        if self.computed == self.started:
            return False
        p = self.passes[self.computed]
        command = p.command
        if not p.fetched or (command.last and self.stage is None):
            return False
        if p.tile is not None:
            self.resident, self.geometry = p.tile, (command.beat, command.rows)
        if command.first:
            self.sums[: command.pixels] = 0
        if command.beat:
            assert self.geometry == (command.beat, command.rows)
            assert p.bundles is not None
            self.sums[: command.pixels] += np.tensordot(p.bundles, self.resident[: command.rows], axes=2)
        sums = self._leaving(command.pixels) if command.last else None
        if sums is not None:
            self.results.append(sums)
        bundles = np.zeros((0, 0, self.hw.array.group)) if p.bundles is None else p.bundles
        self.done.append(CorePass(command=command, words=p.words, bundles=bundles.astype(np.int8), sums=sums))
        p.bundles = p.tile = None
        self.computed += 1
        return True

    def _leaving(self, pixels: int) -> Ints:
        """The sums [pixels, C_arr] that leave the core: its own, or those that were given."""
        if self._given is None:
            return self.sums[:pixels].copy()
        self._taken += pixels
        return self._given[self._taken - pixels : self._taken]

    def _store_begin(self) -> bool:
        queue = self.queues[Engine.STORE]
        if not queue or self.stage is not None:
            return False
        if queue[0].opcode == Opcode.PLACE:
            self.place = dict(queue.popleft().fields)
            return True
        if queue[0].opcode == Opcode.END:
            self.ended = not self.writing and self._take(queue[0])
            if self.ended:
                queue.popleft()
            return self.ended
        if len(self.writing) >= 2 or not self._take(queue[0]):
            return False
        self.stage = queue.popleft()
        if self.stage.fields["local"]:
            assert not any(r.fields["kind"] == Kind.ACTIVATIONS for r in self.routes), "the banks have one write port"
        return True

    def _store_output(self) -> bool:
        if self.stage is None or not self.results:
            return False
        items, fields = self.results.pop(0), self.stage.fields
        assert len(items) == fields["count"] * fields["pool"]
        parameters = self.vectors[Kind.PARAMETERS][fields["block"] * PARAMETER_PITCH :].ravel()
        width = self.machine.vector
        words = [parameters[4 * width * i : 4 * width * (i + 1)].view("<i4").astype(np.int64) for i in range(3)]
        shift = parameters[12 * width : 13 * width].astype(np.int64)
        total = items + words[0]
        if fields["raw"]:
            assert fields["pool"] == 1
            out = total.astype("<i4").view(np.uint8).reshape(-1, width)
        else:
            out = self._requantise(total.reshape(fields["count"], fields["pool"], width), words, shift)
        assert len(out) <= self.machine.output_depth
        if fields["local"]:
            self._write_banks(self.place, out)
        self._give(Engine.STORE, tuple(e for e in self.stage.signal if e == Engine.EXECUTE))
        self.writing.append((self.stage, out))
        self.stage = None
        return True

    def _requantise(self, total: Ints, words: list[Ints], shift: Ints) -> Bytes:
        assert self.stage is not None
        fields = self.stage.fields
        low, high = (value - (value >> 7 << 8) for value in (fields["low"], fields["high"]))
        product = total * words[1]
        if fields["residual"]:
            at = fields["residual_at"] + np.arange(fields["count"])
            residual = self.vectors[Kind.RESIDUAL][at].view(np.int8).astype(np.int64)
            product = product + (residual * words[2])[:, None]
        rounded = (product + (np.int64(1) << (shift - 1))) >> shift
        pooled: Bytes = np.clip(rounded, low, high).max(axis=1).astype(np.int8).view(np.uint8)
        return pooled

    def _store_write(self) -> bool:
        if not self.writing:
            return False
        instruction, data = self.writing.popleft()
        address = instruction.fields["address"]
        if instruction.fields["memory"]:
            self.memory[address : address + data.size] = data.ravel()
        self._give(Engine.STORE, tuple(e for e in instruction.signal if e == Engine.LOAD))
        return True
