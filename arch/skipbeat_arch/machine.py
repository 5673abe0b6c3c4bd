"""Sizes of the accelerator around the core, derived from the hardware description."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .errors import InputError
from .hardware import Hardware
from .instruction import VERSION

#: Vectors of parameters that belong to an output block of V channels, and the distance between blocks.
PARAMETER_VECTORS, PARAMETER_PITCH = 13, 16
PARAMETER_BLOCKS = 64
TABLE_ENTRIES = 256
OFFSET_BITS = 16
#: Bits of an address within a page, which no burst leaves, and of a page in a program's addresses.
PAGE_BITS, PROGRAM_PAGE_BITS = 12, 20
#: Entries that an address of 16 bits can name.
MOST_ENTRIES = 1 << 16


@dataclass(frozen=True)
class Machine:
    """The accelerator's sizes. A vector is V = C_arr bytes.

    Attributes:
        vector: V, bytes of a vector and values of a weight word.
        bundles: M-element bundles in a vector.
        weight_depth, residual_depth: vectors; bank_depth: bundles of an activation bank; output_depth: vectors of one
            of the two halves; table_vectors: vectors of one table entry.
    """

    hw: Hardware
    vector: int
    bundles: int
    weight_depth: int
    bank_depth: int
    output_depth: int
    residual_depth: int
    table_vectors: int

    @classmethod
    def of(cls, hw: Hardware) -> Machine:
        """The machine around a core.

        Raises:
            InputError: a size that the accelerator does not support; the core alone may.
        """
        array, numbers = hw.array, hw.numbers
        for name, size in (("array.rows", array.rows), ("array.cols", array.cols)):
            if size & (size - 1):
                raise InputError(f"hardware {hw.name}: the accelerator needs a power of two in {name}, not {size}")
        if array.cols % hw.outputs.lanes:
            raise InputError(
                f"hardware {hw.name}: the accelerator needs outputs.lanes that divide array.cols ({array.cols}), "
                f"not {hw.outputs.lanes}"
            )
        if (numbers.weight_bits, numbers.activation_bits, numbers.accumulator_bits) != (8, 8, 32):
            raise InputError(f"hardware {hw.name}: the accelerator needs 8-bit numbers and 32-bit accumulators")
        if array.group > array.cols or array.cols > array.rows * array.group:
            raise InputError(f"hardware {hw.name}: the accelerator needs array.group <= array.cols <= rows x group")
        if hw.outputs.turn and array.cols == 1:
            raise InputError(f"hardware {hw.name}: outputs.turn needs more than one column")
        bandwidth = hw.memory.bytes_per_clock
        if bandwidth & (bandwidth - 1):
            raise InputError(
                f"hardware {hw.name}: the accelerator needs a power of two in memory.bytes_per_clock, not {bandwidth}"
            )
        vector = array.cols
        machine = cls(
            hw=hw,
            vector=vector,
            bundles=vector // array.group,
            weight_depth=hw.weights.buffer_kib * 1024 // vector,
            bank_depth=hw.activations.buffer_kib * 1024 // (array.rows * array.group),
            output_depth=hw.outputs.buffer_kib * 512 // vector,
            residual_depth=hw.outputs.buffer_kib * 1024 // vector,
            table_vectors=1 << (max(1, -(-array.rows * OFFSET_BITS // (8 * vector))) - 1).bit_length(),
        )
        machine._check_depths()
        return machine

    def _check_depths(self) -> None:
        """Every entry of a memory on the chip has an address."""
        depths = {
            "weights.buffer_kib": (self.weight_depth, "vectors"),
            "activations.buffer_kib": (self.bank_depth, "entries of a bank"),
            "outputs.buffer_kib": (self.residual_depth, "vectors of residuals"),
        }
        for key, (depth, what) in depths.items():
            if depth > MOST_ENTRIES:
                needs = f"the accelerator needs at most {MOST_ENTRIES} {what} in {key}"
                raise InputError(f"hardware {self.hw.name}: {needs}, not {depth}")

    @classmethod
    def lacking(cls, hw: Hardware) -> str | None:
        """Why the accelerator does not support this hardware, of which the core may be built; None if it does."""
        try:
            cls.of(hw)
        except InputError as error:
            return str(error).removeprefix(f"hardware {hw.name}: ")
        return None

    @classmethod
    def fits(cls, hw: Hardware) -> bool:
        """Whether the accelerator supports this hardware; the core may, even if it does not."""
        return cls.lacking(hw) is None

    @property
    def beat_bytes(self) -> int:
        """Q, bytes of a beat on the memory bus: a vector's, unless the memory or the port has less."""
        memory = self.hw.memory
        return min(memory.bytes_per_clock, self.vector, memory.port_bytes or self.vector)

    @property
    def port_bytes(self) -> int:
        """P, bytes that the memory port is wide."""
        return self.hw.memory.port_bytes or self.beat_bytes

    @property
    def port_places(self) -> int:
        """Places for a beat in the port."""
        return self.port_bytes // self.beat_bytes

    @property
    def vector_beats(self) -> int:
        """Beats of a vector."""
        return self.vector // self.beat_bytes

    @property
    def duplex(self) -> bool:
        """Whether the memory serves reads and writes apart, because it has the bandwidth for both."""
        return self.hw.memory.bytes_per_clock >= 2 * self.beat_bytes

    @property
    def burst_beats(self) -> int:
        """Beats of the longest burst: a power of two, and never more than a page."""
        return min(self.hw.memory.burst_beats, (1 << PAGE_BITS) // self.beat_bytes)

    @property
    def page_bits(self) -> int:
        """Bits of a page's number on the bus."""
        return self.hw.memory.address_bits - PAGE_BITS

    @property
    def counted_bits(self) -> int:
        """Bits of an address that the masters count with: 32, and whether it left the first 4 GiB from the base's."""
        return min(self.hw.memory.address_bits, PAGE_BITS + PROGRAM_PAGE_BITS + 1)

    @property
    def fingerprint(self) -> int:
        """32 bits that tell hardware descriptions apart whose programs differ: not by name, clock, host or bus."""
        description = self.hw.sizes | {"version": VERSION}
        for key in ("address_bits", "port_bytes"):
            del description["memory"][key]
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).digest()
        return int.from_bytes(digest[:4], "little")
