"""The accelerator's instructions: 128 bits each, in three queues that tokens hold together (docs/machine.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from .command import COMMAND_BITS
from .errors import InputError
from .ports import Fields, pack, unpack

INSTRUCTION_BITS = 128
INSTRUCTION_BYTES = INSTRUCTION_BITS // 8
#: Version of the instruction set; the header carries it.
VERSION = 2


class Opcode(IntEnum):
    """What an instruction does; every other code is an error."""

    LOAD = 1
    ZERO = 2
    SETUP = 3
    PASS = 4
    STORE = 5
    END = 6
    HEADER = 7
    PLACE = 8


class Engine(IntEnum):
    """The three engines, each with a queue of instructions."""

    LOAD = 0
    EXECUTE = 1
    STORE = 2


class Kind(IntEnum):
    """Where a LOAD writes to."""

    WEIGHTS = 0
    ACTIVATIONS = 1
    PARAMETERS = 2
    RESIDUAL = 3
    TABLE = 4


#: The engine whose queue an opcode goes to; HEADER goes to none.
ENGINE_OF = {
    Opcode.LOAD: Engine.LOAD,
    Opcode.ZERO: Engine.LOAD,
    Opcode.SETUP: Engine.EXECUTE,
    Opcode.PASS: Engine.EXECUTE,
    Opcode.STORE: Engine.STORE,
    Opcode.END: Engine.STORE,
    Opcode.PLACE: Engine.STORE,
}

_COMMON: Fields = (("opcode", 4), ("wait", 2), ("signal", 2))
#: How vectors are written into the activation banks.
PLACE_FIELDS: Fields = (("to", 16), ("width", 12), ("pitch", 12), ("period", 3), ("bank", 6))

#: Four nested loops over the entries of the activation banks, innermost first: counts and steps.
WALK_FIELDS: Fields = (
    ("n0", 4),
    ("n1", 4),
    ("n2", 12),
    ("n3", 12),
    ("step0", 16),
    ("step1", 16),
    ("step2", 16),
    ("step3", 16),
)

#: Fields of each instruction after opcode, wait and signal, lowest bits first.
FIELDS: dict[Opcode, Fields] = {
    Opcode.LOAD: (*PLACE_FIELDS, ("kind", 3), ("count", 16), ("source", 32)),
    Opcode.ZERO: (("to", 16), ("count", 16)),
    Opcode.SETUP: WALK_FIELDS,
    Opcode.PASS: (("command", COMMAND_BITS), ("words", 16), ("weights", 16), ("base", 16), ("table", 8)),
    Opcode.STORE: (
        ("address", 32),
        ("block", 6),
        ("low", 8),
        ("high", 8),
        ("raw", 1),
        ("residual", 1),
        ("residual_at", 16),
        ("count", 14),
        ("pool", 5),
        ("memory", 1),
        ("local", 1),
    ),
    Opcode.END: (),
    Opcode.HEADER: (("version", 8), ("fingerprint", 32)),
    Opcode.PLACE: PLACE_FIELDS,
}


def layout(opcode: Opcode) -> Fields:
    """All fields of an instruction, lowest bits first."""
    return (*_COMMON, *FIELDS[opcode])


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        fields: by the names in `FIELDS`.
        wait, signal: the other engines whose token it takes before it begins, and those it gives one when done.
    """

    opcode: Opcode
    fields: Mapping[str, int] = field(default_factory=dict)
    wait: tuple[Engine, ...] = ()
    signal: tuple[Engine, ...] = ()

    def to_word(self) -> int:
        """The instruction as 128 bits.

        Raises:
            InputError: a field is missing, unknown or too large, or contradicts another.
        """
        values = dict(self.fields)
        values |= {"opcode": self.opcode, "wait": self._mask(self.wait), "signal": self._mask(self.signal)}
        fields = layout(self.opcode)
        for name, bits in fields:
            if name not in values:
                raise InputError(f"{self.opcode.name}: {name} is missing")
            if not isinstance(bits, int) or not 0 <= values[name] < 1 << bits:
                raise InputError(f"{self.opcode.name}: {name} must fit in {bits} bits, not {values[name]}")
        if unknown := set(values) - {name for name, _ in fields}:
            raise InputError(f"{self.opcode.name}: no field {min(unknown)}")
        self._check(values)
        return pack(fields, values)

    def _check(self, values: Mapping[str, int]) -> None:
        if self.opcode == Opcode.PLACE and (self.wait or self.signal):
            raise InputError("PLACE: it waits for nothing and signals nothing")
        if values.get("count") == 0:
            raise InputError(f"{self.opcode.name}: count must be at least 1")
        if self.opcode == Opcode.SETUP and not all(values[f"n{loop}"] for loop in range(4)):
            raise InputError("SETUP: n0 to n3 must be at least 1")
        if self.opcode == Opcode.STORE:
            low, high = (values[name] - 256 * (values[name] >> 7) for name in ("low", "high"))
            if low > high:
                raise InputError(f"STORE: low must be at most high, not {low} and {high}")
            if not values["memory"] and not values["local"]:
                raise InputError("STORE: one of memory and local must be 1")
            if values["raw"] and values["local"]:
                raise InputError("STORE: raw sums are not local")

    @classmethod
    def from_word(cls, word: int) -> Instruction:
        """Inverse of `to_word`.

        Raises:
            InputError: an opcode that there is not, or bits beyond the last field.
        """
        code = word & 15
        if code not in list(Opcode):
            raise InputError(f"opcode {code} is unknown")
        opcode = Opcode(code)
        fields = layout(opcode)
        if word >> sum(bits for _, bits in fields if isinstance(bits, int)):
            raise InputError(f"{opcode.name}: bits beyond the last field are set")
        values = unpack(fields, word)
        del values["opcode"]
        masks = values.pop("wait"), values.pop("signal")
        others = [e for e in Engine if e != ENGINE_OF.get(opcode)][:2]
        wait, signal = (tuple(e for i, e in enumerate(others) if mask >> i & 1) for mask in masks)
        return cls(opcode, values, wait, signal)

    def _mask(self, engines: tuple[Engine, ...]) -> int:
        own = ENGINE_OF.get(self.opcode)
        if own is None or own in engines:
            if engines:
                raise InputError(f"{self.opcode.name}: cannot wait for or signal {[e.name.lower() for e in engines]}")
            return 0
        others = [e for e in Engine if e != own]
        return sum(1 << others.index(engine) for engine in set(engines))
