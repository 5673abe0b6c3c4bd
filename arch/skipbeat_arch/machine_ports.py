"""Layouts of the words at the accelerator's internal ports; see `ports`."""

from __future__ import annotations

from enum import IntEnum

from .command import Command
from .instruction import INSTRUCTION_BITS, Setup, Store
from .machine import OFFSET_BITS, Machine
from .ports import Fields
from .training.rounding import SUM_BITS

ADDRESS_BITS = 32
COUNT_BITS = 16
#: Address inside any on-chip memory.
LOCAL_BITS = 16
CODE_BITS = 5


class MachineError(IntEnum):
    """Code in the status register: the core's own errors keep their numbers, 1 to 7."""

    NONE = 0
    READ_FAILED = 16
    WRITE_FAILED = 17
    BAD_PROGRAM = 18
    WRONG_HARDWARE = 19
    BAD_OPCODE = 20
    TOKEN_OVERFLOW = 21
    BANK_CONFLICT = 22
    UNALIGNED_PROGRAM = 23
    EMPTY_INSTRUCTION = 24
    DEADLOCK = 25
    ABORTED = 26


#: What fetch and the engines ask for: addresses from the base on.
REQUEST: Fields = (("address", ADDRESS_BITS), ("count", COUNT_BITS))
WRITE_REQUEST: Fields = (*REQUEST, ("start", LOCAL_BITS))
TILE_READ: Fields = (("address", LOCAL_BITS), ("words", COUNT_BITS))
INSTRUCTION: Fields = (("word", INSTRUCTION_BITS),)
COMMAND: Fields = Command.layout()
#: A pass's walk over the activation banks.
JOB: Fields = (("null", 1), *Setup.layout(), ("base", LOCAL_BITS), ("table", 8), ("signal", 2))


def bus_read_fields(machine: Machine) -> Fields:
    """What the reader is asked for: addresses with the base."""
    return (("address", machine.counted_bits), ("count", COUNT_BITS))


def bus_write_fields(machine: Machine) -> Fields:
    """What the writer is asked for: addresses with the base."""
    return (*bus_read_fields(machine), ("start", LOCAL_BITS))


def beat_fields(machine: Machine) -> Fields:
    """A vector from memory; `final` is the last one of its request."""
    return (("valid", 1), ("data", 8 * machine.vector), ("final", 1))


def bank_write_fields(machine: Machine) -> Fields:
    """A vector on its way into the activation banks."""
    return (("enable", machine.hw.array.rows), ("address", LOCAL_BITS), ("data", 8 * machine.vector))


def memory_write_fields(machine: Machine) -> Fields:
    """A vector on its way into one of the other memories: weights, parameters, residual, table."""
    return (("enable", 4), ("address", LOCAL_BITS), ("data", 8 * machine.vector))


def store_fields(machine: Machine) -> Fields:
    """A STORE as this machine reads it: what it cannot do is beyond the last field."""
    missing = () if machine.hw.outputs.gradients else ("stochastic", "seed", "noted", "places")
    return tuple((name, size) for name, size in Store.full_layout() if name not in missing)


def noted_fields(machine: Machine) -> Fields:
    """What `peak` is told: sums of a clock (40 bits) that become bytes, and of which lanes bytes were clipped."""
    lanes = machine.hw.outputs.lanes
    return (("valid", 1), ("sums", (lanes, SUM_BITS)), ("clipped", lanes))


def vector_fields(machine: Machine) -> Fields:
    """A finished output vector; `index` counts the vectors of its job."""
    return (("valid", 1), ("data", 8 * machine.vector), ("final", 1), ("index", LOCAL_BITS))


def offset_fields(machine: Machine) -> Fields:
    """One entry of the table: an offset for each bank."""
    return (("offset", (machine.hw.array.rows, OFFSET_BITS)),)
