"""The accelerator's registers: what software sees over AXI4-Lite, 32 bits each, by byte offset."""

from __future__ import annotations

from enum import IntEnum


class Register(IntEnum):
    """Byte offset of each register.

    CONTROL: write 1 to start (ignored while busy). STATUS: bit 0 busy, bit 1 done, bits 8..12 the error code.
    VERSION: of the instruction set. FINGERPRINT: of the hardware description. SHAPE: rows, columns, M and lanes, 8 bits
    each. PROGRAM: byte address of the first instruction. COUNT: number of instructions.
    """

    CONTROL = 0x00
    STATUS = 0x04
    VERSION = 0x08
    FINGERPRINT = 0x0C
    SHAPE = 0x10
    PROGRAM = 0x14
    COUNT = 0x18


#: Byte offset of the first counter; each takes 8 bytes, low word first.
COUNTERS_AT = 0x80
COUNTER_BITS = 48


class Counter(IntEnum):
    """Position of each performance counter. All are cleared by a start and count until the machine is idle again.

    CYCLES: clocks while busy; the next six divide them by what the array did: COMPUTE a step, TILE_WAIT the next tile
    was not loaded, HAZARD a sum was not written yet, ACTIVATION_WAIT no bundle was there, OUTPUT_WAIT no room for a
    result, IDLE no pass was queued. READ_BEATS, WRITE_BEATS: beats on the bus. The others count what energy is
    charged for: bundles fed, accumulator entries read and written and results (each per column), slots written (per
    column), rows of groups decoded, and words of metadata and values that entered the decoder.
    """

    CYCLES = 0
    IDLE = 1
    COMPUTE = 2
    TILE_WAIT = 3
    HAZARD = 4
    ACTIVATION_WAIT = 5
    OUTPUT_WAIT = 6
    READ_BEATS = 7
    WRITE_BEATS = 8
    BUNDLE_READS = 9
    ACCUMULATOR_READS = 10
    ACCUMULATOR_WRITES = 11
    RESULTS = 12
    SLOT_WRITES = 13
    ROWS_DECODED = 14
    METADATA_WORDS = 15
    VALUE_WORDS = 16


class Cause(IntEnum):
    """What the array did in a clock: a step, or why it did not."""

    IDLE = 0
    COMPUTE = 1
    TILE_WAIT = 2
    HAZARD = 3
    ACTIVATION_WAIT = 4
    OUTPUT_WAIT = 5
