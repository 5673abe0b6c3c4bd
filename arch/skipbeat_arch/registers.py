"""The accelerator's registers and counters: what software sees over AXI4-Lite, 32 bits each, by byte offset.

This is their only description: the RTL's decoder, the C header, SystemRDL and the tables of the page come from it.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

from .instruction import VERSION
from .machine import PAGE_BITS, Machine

REGISTER_BITS = 32
#: Bits of a byte offset within the registers.
OFFSET_BITS = 9


class Access(Enum):
    """What software does with a register."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read, write"
    READ_CLEAR = "read, clear"


class Field(NamedTuple):
    """Some bits of a register, from bit `first` on."""

    name: str
    first: int
    bits: int
    about: str

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return ((1 << self.bits) - 1) << self.first


class Register(IntEnum):
    """Byte offset of each register.

    Attributes:
        access: of software; a write of 1 to a field that it may clear sets that to 0.
        fields: all others of its bits read 0.
    """

    access: Access
    fields: tuple[Field, ...]

    def __new__(cls, offset: int, access: Access, *fields: Field) -> Register:
        register = int.__new__(cls, offset)
        register._value_, register.access, register.fields = offset, access, fields
        return register

    CONTROL = (
        0x00,
        Access.WRITE,
        Field("start", 0, 1, "begin a run; ignored while busy"),
        Field("abort", 1, 1, "end the run with ABORTED, once the bus is quiet; ignored while not busy"),
    )
    STATUS = (
        0x04,
        Access.READ,
        Field("busy", 0, 1, "a run is under way"),
        Field("done", 1, 1, "the last run reached its END"),
        Field("error", 8, 5, "the last run's error code"),
    )
    VERSION = 0x08, Access.READ, Field("version", 0, 8, "of the instruction set")
    FINGERPRINT = 0x0C, Access.READ, Field("fingerprint", 0, 32, "of the hardware; equal to the program's")
    SHAPE = (
        0x10,
        Access.READ,
        Field("rows", 0, 8, "of the array"),
        Field("columns", 8, 8, "of the array: V, the bytes of a vector"),
        Field("group", 16, 8, "M, the elements of a group"),
        Field("decode_lanes", 24, 8, "groups of metadata decoded per clock"),
    )
    PROGRAM = 0x14, Access.READ_WRITE, Field("address", 0, 32, "from the base on, of the first instruction")
    COUNT = 0x18, Access.READ_WRITE, Field("instructions", 0, 24, "of the program")
    INTERRUPT = 0x1C, Access.READ_CLEAR, Field("ended", 0, 1, "a run has ended since; a start clears it too")
    INTERRUPT_ENABLE = 0x20, Access.READ_WRITE, Field("ended", 0, 1, "`interrupt_o` is 1 while INTERRUPT is")
    BASE_LOW = 0x24, Access.READ_WRITE, Field("page", PAGE_BITS, 20, "the base's lower half; its lowest bits are 0")
    BASE_HIGH = 0x28, Access.READ_WRITE, Field("upper", 0, 32, "the base's upper half, as far as the bus has it")
    BUS = (
        0x2C,
        Access.READ,
        Field("bytes", 0, 8, "Q, of a beat on the memory port"),
        Field("address_bits", 8, 8, "of the memory port"),
        Field("burst", 16, 8, "beats of the longest burst less one"),
        Field("outstanding", 24, 8, "read bursts that may be under way"),
    )
    WEIGHTS = 0x30, Access.READ, Field("vectors", 0, 24, "of the weight memory")
    ACTIVATIONS = 0x34, Access.READ, Field("entries", 0, 24, "of each activation bank")
    OUTPUTS = (
        0x38,
        Access.READ,
        Field("vectors", 0, 24, "of a half of the output memory"),
        Field("lanes", 24, 8, "columns requantised per clock"),
    )
    ACCUMULATORS = 0x3C, Access.READ, Field("pixels", 0, 24, "of the longest block of a pass")
    PEAK = 0x40, Access.READ, Field("bits", 0, 6, "of the largest magnitude that the run noted")
    CLIPS = 0x44, Access.READ, Field("clipped", 0, 32, "bytes of those that were clipped")

    @property
    def mask(self) -> int:
        """The bits of its fields."""
        return sum(field.mask for field in self.fields)

    def word(self, **values: int) -> int:
        """A word with these values in its fields, all of them."""
        return sum(values[field.name] << field.first for field in self.fields)


def kept(register: Register, machine: Machine) -> int:
    """Bits that a register keeps of what is written to it."""
    upper = (1 << machine.hw.memory.address_bits - REGISTER_BITS) - 1
    return register.mask & (upper if register == Register.BASE_HIGH else register.mask)


def constants(machine: Machine) -> dict[Register, int]:
    """What the registers hold that tell what was built."""
    hw, memory = machine.hw, machine.hw.memory
    shape = {"rows": hw.array.rows, "columns": hw.array.cols, "group": hw.array.group}
    bus = {"bytes": machine.beat_bytes, "address_bits": memory.address_bits, "burst": machine.burst_beats - 1}
    return {
        Register.VERSION: Register.VERSION.word(version=VERSION),
        Register.FINGERPRINT: Register.FINGERPRINT.word(fingerprint=machine.fingerprint),
        Register.SHAPE: Register.SHAPE.word(**shape, decode_lanes=hw.weights.decode_lanes),
        Register.BUS: Register.BUS.word(**bus, outstanding=memory.outstanding),
        Register.WEIGHTS: Register.WEIGHTS.word(vectors=machine.weight_depth),
        Register.ACTIVATIONS: Register.ACTIVATIONS.word(entries=machine.bank_depth),
        Register.OUTPUTS: Register.OUTPUTS.word(vectors=machine.output_depth, lanes=hw.outputs.lanes),
        Register.ACCUMULATORS: Register.ACCUMULATORS.word(pixels=hw.accumulators.depth),
    }


#: Byte offset of the first counter; each takes 8 bytes, low word first.
COUNTERS_AT = 0x80
COUNTER_BITS = 48


class Counter(IntEnum):
    """Position of each performance counter. All are cleared by a start and count until the machine is idle again.

    The first is the sum of the next six, which are the clocks by what the array did. From BUNDLE_READS on they count
    what energy is charged for.

    Attributes:
        about: what it counts.
    """

    about: str

    def __new__(cls, position: int, about: str) -> Counter:
        counter = int.__new__(cls, position)
        counter._value_, counter.about = position, about
        return counter

    CYCLES = 0, "clocks while busy: the sum of the next six"
    IDLE = 1, "clocks in which no pass was queued"
    COMPUTE = 2, "steps of the array"
    TILE_WAIT = 3, "clocks in which the next tile was not loaded"
    HAZARD = 4, "clocks in which a sum was not written yet"
    ACTIVATION_WAIT = 5, "clocks in which no bundle was there"
    OUTPUT_WAIT = 6, "clocks in which there was no room for a result"
    READ_BEATS = 7, "beats read"
    WRITE_BEATS = 8, "beats written"
    BUNDLE_READS = 9, "bundles fed to the array"
    ACCUMULATOR_READS = 10, "sums read, in each column"
    ACCUMULATOR_WRITES = 11, "sums written, in each column"
    RESULTS = 12, "results, in each column"
    SLOT_WRITES = 13, "weight slots written, in each column"
    ROWS_DECODED = 14, "rows of groups decoded"
    METADATA_WORDS = 15, "words of metadata that entered the decoder"
    VALUE_WORDS = 16, "words of values that entered the decoder"

    @property
    def offset(self) -> int:
        """Byte offset of its lower word; the upper one is 4 bytes after it."""
        return COUNTERS_AT + 8 * self


class Cause(IntEnum):
    """What the array did in a clock: a step, or why it did not."""

    IDLE = 0
    COMPUTE = 1
    TILE_WAIT = 2
    HAZARD = 3
    ACTIVATION_WAIT = 4
    OUTPUT_WAIT = 5
