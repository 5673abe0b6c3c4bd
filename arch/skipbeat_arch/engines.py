"""The accelerator's three engines: what they are told to do, where a LOAD writes, and the tokens between them."""

from __future__ import annotations

from enum import IntEnum


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
    TURN = 9


class Engine(IntEnum):
    """The three engines, each with a queue of instructions."""

    LOAD = 0
    EXECUTE = 1
    STORE = 2

    @property
    def others(self) -> tuple[Engine, Engine]:
        """The other two, in the order of the bits of `wait` and `signal`."""
        first, second = (engine for engine in Engine if engine != self)
        return first, second


class TokenPair(IntEnum):
    """The counters of tokens from one engine to another, in the order of their bits."""

    LOAD_EXECUTE = 0
    LOAD_STORE = 1
    EXECUTE_LOAD = 2
    EXECUTE_STORE = 3
    STORE_LOAD = 4
    STORE_EXECUTE = 5

    @classmethod
    def of(cls, giver: Engine, taker: Engine) -> TokenPair:
        """The counter from one engine to another."""
        return cls(2 * giver + giver.others.index(taker))

    @classmethod
    def taken_by(cls, engine: Engine) -> tuple[TokenPair, TokenPair]:
        """The counters that an engine takes from, in the order of the bits of `wait`."""
        first, second = engine.others
        return cls.of(first, engine), cls.of(second, engine)

    @classmethod
    def given_by(cls, engine: Engine) -> tuple[TokenPair, TokenPair]:
        """The counters that an engine gives to, in the order of the bits of `signal`."""
        first, second = engine.others
        return cls.of(engine, first), cls.of(engine, second)


class Kind(IntEnum):
    """Where a LOAD writes to."""

    WEIGHTS = 0
    ACTIVATIONS = 1
    PARAMETERS = 2
    RESIDUAL = 3
    TABLE = 4
