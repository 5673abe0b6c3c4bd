"""The accelerator's instructions: 128 bits each, in three queues that tokens hold together (docs/machine.md).

A class for each instruction declares its fields, their widths and what they may hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

from .command import Command
from .depths import output_vectors
from .engines import Engine, Kind, Opcode
from .errors import InputError
from .training.ranks import LARGEST
from .training.rounding import STORE_SEED_BITS
from .word import Word, bits

INSTRUCTION_BITS = 128
INSTRUCTION_BYTES = INSTRUCTION_BITS // 8
#: Version of the instruction set; the header carries it.
VERSION = 2
OPCODE_BITS = 4
#: Bits of `wait`, and of `signal`: one for each other engine.
TOKEN_BITS = 2
#: What every instruction begins with.
COMMON: tuple[tuple[str, int], ...] = (("opcode", OPCODE_BITS), ("wait", TOKEN_BITS), ("signal", TOKEN_BITS))
COMMON_BITS = OPCODE_BITS + 2 * TOKEN_BITS


@dataclass(frozen=True, kw_only=True)
class Instruction(Word):
    """One instruction.

    Attributes:
        wait, signal: the other engines whose token it takes before it begins, and those it gives one when done.
    """

    opcode: ClassVar[Opcode]
    #: The engine whose queue it goes to; the header goes to none.
    engine: ClassVar[Engine | None] = None

    wait: tuple[Engine, ...] = ()
    signal: tuple[Engine, ...] = ()

    @classmethod
    def full_layout(cls) -> tuple[tuple[str, int], ...]:
        """Names and widths of all fields with opcode, wait and signal, lowest bits first."""
        return (*COMMON, *cls.layout())

    @cached_property
    def wait_bits(self) -> int:
        """`wait` as bits, in the order of `Engine.others`."""
        return self._mask(self.wait)

    @cached_property
    def signal_bits(self) -> int:
        """`signal` as bits, in the order of `Engine.others`."""
        return self._mask(self.signal)

    def to_word(self) -> int:
        """The instruction as 128 bits.

        Raises:
            InputError: a field is too large, or contradicts another.
        """
        tokens = self.wait_bits | self.signal_bits << TOKEN_BITS
        word = super().to_word()
        self.check()
        return int(self.opcode) | tokens << OPCODE_BITS | word << COMMON_BITS

    def check(self) -> None:
        """Whether the fields agree with one another.

        Raises:
            InputError: they do not.
        """

    @classmethod
    def from_bits(cls, word: int) -> Self:
        """The instruction of a word with this opcode; bits beyond the last field are ignored."""
        engines = Engine.LOAD.others if cls.engine is None else cls.engine.others
        wait, signal = (
            tuple(engine for i, engine in enumerate(engines) if word >> (OPCODE_BITS + at + i) & 1)
            for at in (0, TOKEN_BITS)
        )
        return cls.of_bits(word >> COMMON_BITS, wait=wait, signal=signal)

    def _mask(self, engines: tuple[Engine, ...]) -> int:
        if self.engine is None or self.engine in engines:
            if engines:
                raise InputError(f"{self.title}: cannot wait for or signal {[e.name.lower() for e in engines]}")
            return 0
        return sum(1 << self.engine.others.index(engine) for engine in set(engines))


@dataclass(frozen=True, kw_only=True)
class Header(Instruction):
    """The first instruction: what the program was compiled for."""

    title = "HEADER"
    opcode = Opcode.HEADER

    version: int = bits(8)
    fingerprint: int = bits(32, address=True)


@dataclass(frozen=True, kw_only=True)
class Placement(Instruction):
    """How vectors are written into the activation banks.

    Attributes:
        to: entry of the first vector.
        width, pitch: vectors of a line, and entries from one line to the next.
        period, bank: a vector's bundles go to as many banks from `bank` on, of every 2^period banks.
    """

    to: int = bits(16)
    width: int = bits(12)
    pitch: int = bits(12)
    period: int = bits(3)
    bank: int = bits(6)


@dataclass(frozen=True, kw_only=True)
class Load(Placement):
    """Vectors from memory to an on-chip memory; what is not for the banks has neither lines nor banks.

    Attributes:
        kind: a `Kind`.
        count: vectors; source: byte address.
    """

    title = "LOAD"
    opcode = Opcode.LOAD
    engine = Engine.LOAD

    kind: int = bits(3, names=Kind)
    count: int = bits(16, least=1)
    source: int = bits(32, address=True)


@dataclass(frozen=True, kw_only=True)
class Zero(Instruction):
    """Zeros in `count` entries of all activation banks."""

    title = "ZERO"
    opcode = Opcode.ZERO
    engine = Engine.LOAD

    to: int = bits(16)
    count: int = bits(16, least=1)


@dataclass(frozen=True, kw_only=True)
class Setup(Instruction):
    """Four nested loops over the entries of the activation banks, innermost first: counts and steps (mod 2^16)."""

    title = "SETUP"
    opcode = Opcode.SETUP
    engine = Engine.EXECUTE

    n0: int = bits(4, least=1)
    n1: int = bits(4, least=1)
    n2: int = bits(12, least=1)
    n3: int = bits(12, least=1)
    step0: int = bits(16)
    step1: int = bits(16)
    step2: int = bits(16)
    step3: int = bits(16)

    @classmethod
    def of(cls, counts: Sequence[int], steps: Sequence[int]) -> Setup:
        """The loops, innermost first; steps may be negative."""
        n0, n1, n2, n3 = counts
        step0, step1, step2, step3 = (step % (1 << 16) for step in steps)
        return cls(n0=n0, n1=n1, n2=n2, n3=n3, step0=step0, step1=step1, step2=step2, step3=step3)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The loops' counts, innermost first."""
        return self.n0, self.n1, self.n2, self.n3

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """The loops' steps, innermost first."""
        return self.step0, self.step1, self.step2, self.step3


@dataclass(frozen=True, kw_only=True)
class Pass(Instruction):
    """A pass of the core with its walk over the activation banks.

    Attributes:
        words, weights: of its tile, and where it begins in the weight buffer; unused unless it loads one.
        base: entry at which the walk begins; table: entry of the table with each bank's offset.
    """

    title = "PASS"
    opcode = Opcode.PASS
    engine = Engine.EXECUTE

    command: Command
    words: int = bits(16)
    weights: int = bits(16)
    base: int = bits(16)
    table: int = bits(8)


@dataclass(frozen=True, kw_only=True)
class Store(Instruction):
    """Results of the core become output vectors, for memory, for the activation banks, or both.

    Attributes:
        address: byte address in memory.
        block: of parameters.
        low, high: the clamp.
        raw: sums of 32 bits leave as they are.
        residual: the residual memory is added, from vector `residual_at` on; stochastic sums become 0 where it is 0.
        count: output vectors (items, if raw); pool: items of which a vector is the maximum.
        memory, local: where they go.
        stochastic: bytes are rounded at random, by the shift of the block's first column; seed: the upper bits of that
            of its draws.
        noted: rounded half up, its sums and clipped bytes are noted, and with `low` 0 a sum above 0 is at least 1.
        places: a second vector follows each, of which of a window's items was the first largest one, from 0 on. Only
            hardware with `outputs.gradients` has these four.
    """

    title = "STORE"
    opcode = Opcode.STORE
    engine = Engine.STORE

    address: int = bits(32, address=True)
    block: int = bits(6)
    low: int = bits(8, signed=True)
    high: int = bits(8, signed=True)
    raw: bool = bits(1, default=False)
    residual: bool = bits(1, default=False)
    residual_at: int = bits(16)
    count: int = bits(14, least=1)
    pool: int = bits(5)
    memory: bool = bits(1, default=False)
    local: bool = bits(1, default=False)
    stochastic: bool = bits(1, default=False, seldom=True)
    seed: int = bits(STORE_SEED_BITS, seldom=True)
    noted: bool = bits(1, default=False, seldom=True)
    places: bool = bits(1, default=False, seldom=True)

    @property
    def vectors(self) -> int:
        """Of each output."""
        return output_vectors(raw=self.raw, places=self.places)

    def check(self) -> None:
        """See `Instruction.check`."""
        if self.stochastic and (self.raw or (self.low, self.high) != (-LARGEST, LARGEST)):
            raise InputError(f"STORE: stochastic bytes are not raw, and are clamped at -{LARGEST} and {LARGEST}")
        if self.seed and not self.stochastic:
            raise InputError("STORE: a seed is that of stochastic bytes")
        if self.noted and (self.raw or self.stochastic or self.low == -128 or self.high < 1):
            raise InputError("STORE: noted bytes are neither raw nor stochastic; low is not -128, and high at least 1")
        if self.places and (self.raw or self.stochastic or self.local):
            raise InputError("STORE: places are with bytes that are neither raw nor stochastic, and not local")
        if self.low > self.high:
            raise InputError(f"STORE: low must be at most high, not {self.low} and {self.high}")
        if not self.memory and not self.local:
            raise InputError("STORE: one of memory and local must be 1")
        if self.raw and self.local:
            raise InputError("STORE: raw sums are not local")


@dataclass(frozen=True, kw_only=True)
class Place(Placement):
    """Where the next local STORE writes; it waits for nothing and signals nothing."""

    title = "PLACE"
    opcode = Opcode.PLACE
    engine = Engine.STORE

    def check(self) -> None:
        """See `Instruction.check`."""
        if self.wait or self.signal:
            raise InputError("PLACE: it waits for nothing and signals nothing")


@dataclass(frozen=True, kw_only=True)
class End(Instruction):
    """The last instruction."""

    title = "END"
    opcode = Opcode.END
    engine = Engine.STORE
