"""The on-chip memories: one read and one write port each; an entry is not read in the clock in which it is written."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.machine import OFFSET_BITS, PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine

from .load import ENABLES, MemoryWrite
from .placer import BankWrite

_KINDS = {enable: kind for kind, enable in ENABLES.items()}


class Memories:
    """What the engines read and write. Nothing has a reset; the power-up value is 0.

    What the engines write into all but the output memory is held for a clock, see `update`. Reads of a clock come
    before its writes. A write of an entry that is read in the same clock is an InputError, if what the read brings is
    used: it is not defined, and tokens must keep them apart.

    Attributes:
        weight, parameter, residual, output: data of the last read, a vector as an integer.
        table: offsets of the last entry read, int64 [R]; banks: bundles of the last read, int32 [R, M].
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        rows, group = machine.hw.array.rows, machine.hw.array.group
        vector = machine.vector
        self._depths = {
            Kind.WEIGHTS: machine.weight_depth,
            Kind.PARAMETERS: PARAMETER_BLOCKS * PARAMETER_PITCH,
            Kind.RESIDUAL: machine.residual_depth,
            Kind.TABLE: TABLE_ENTRIES * machine.table_vectors,
        }
        self._memory = {int(kind): [0] * depth for kind, depth in self._depths.items()}
        self._outputs = [0] * (2 * machine.output_depth)
        #: What is read and used in this clock: an entry of each kind, vectors of the table, an entry of the output
        #: memory and of each bank.
        self._read: dict[int, int] = {}
        self._table_read = range(0)
        self._output_read: int | None = None
        self._banks_read: Int64Array | None = None
        self._depth = machine.bank_depth
        self._banks = np.zeros((rows * self._depth, group), np.int32)
        self._first = np.arange(rows, dtype=np.int64) * self._depth
        self._lane = np.arange(rows) % machine.bundles
        self._enabled: dict[int, tuple[Int64Array, Int64Array]] = {}
        self._table_bytes = machine.table_vectors * vector
        self._memory_write: MemoryWrite | None
        self._bank_write: BankWrite | None
        self.reset()
        self.weight = self.parameter = self.residual = self.output = 0
        self.table = np.zeros(rows, np.int64)
        self.banks = np.zeros((rows, group), np.int32)

    def reset(self) -> None:
        """What is held; the contents stay."""
        self._memory_write = self._bank_write = None

    def begin_clock(self) -> None:
        """Nothing is read yet."""
        self._read.clear()
        self._table_read = range(0)
        self._output_read = self._banks_read = None

    def read_weight(self, address: int) -> None:
        """Read a vector of weights."""
        self.weight = self._vector(Kind.WEIGHTS, address)

    def read_parameter(self, address: int) -> None:
        """Read a vector of parameters."""
        self.parameter = self._vector(Kind.PARAMETERS, address)

    def read_residual(self, address: int) -> None:
        """Read a vector of residuals."""
        self.residual = self._vector(Kind.RESIDUAL, address)

    def read_output(self, address: int) -> None:
        """Read a finished vector."""
        self._output_read = address % len(self._outputs)
        self.output = self._outputs[self._output_read]

    def read_table(self, entry: int, rows: int) -> None:
        """Read an entry of the table, for a pass that uses the first `rows`; other offsets may be written."""
        vectors, size = self._machine.table_vectors, self._machine.vector
        self._table_read = range(entry * vectors, entry * vectors - (-OFFSET_BITS * rows // (8 * size)))
        words = self._memory[Kind.TABLE][entry * vectors : (entry + 1) * vectors]
        data = b"".join(word.to_bytes(size, "little") for word in words)
        offsets = np.frombuffer(data, "<u2", len(self.table))
        self.table = offsets.astype(np.int64)

    def read_banks(self, address: Int64Array, rows: int) -> None:
        """Read entry `address[q]` of each bank q, for a pass that uses the first `rows`."""
        at = address % self._depth + self._first
        self._banks_read = at[:rows]
        self.banks = self._banks.take(at, axis=0)

    def update(self, memory_write_i: MemoryWrite | None, bank_write_i: BankWrite | None) -> None:
        """End of the clock, after its reads: what came a clock before is written."""
        if self._memory_write is not None:
            self.write(self._memory_write)
        if self._bank_write is not None:
            self.write_banks(self._bank_write)
        self._memory_write, self._bank_write = memory_write_i, bank_write_i

    def write(self, write: MemoryWrite) -> None:
        """Write a vector into a memory that is addressed in vectors."""
        kind = _KINDS[write.enable]
        address = write.address % self._depths[kind]
        if kind == Kind.TABLE and address in self._table_read:
            raise _collision("table", address // self._machine.table_vectors)
        if self._read.get(kind) == address:
            raise _collision(kind.name.lower(), address)
        self._memory[kind][address] = write.data

    def write_banks(self, write: BankWrite) -> None:
        """Write a vector's bundles into the banks that are enabled."""
        if write.enable not in self._enabled:
            banks = np.array([q for q in range(len(self._first)) if write.enable >> q & 1], np.int64)
            self._enabled[write.enable] = self._first[banks], self._lane[banks]
        first, lane = self._enabled[write.enable]
        at = first + write.address % self._depth
        if self._banks_read is not None and np.isin(at, self._banks_read).any():
            raise _collision("activations", write.address % self._depth)
        size = self._machine.vector
        bundles = np.frombuffer(write.data.to_bytes(size, "little"), np.int8).reshape(self._machine.bundles, -1)
        self._banks[at] = bundles[lane]

    def write_output(self, address: int, data: int) -> None:
        """Write a finished vector."""
        address %= len(self._outputs)
        if address == self._output_read:
            raise _collision("output", address)
        self._outputs[address] = data

    def _vector(self, kind: Kind, address: int) -> int:
        self._read[kind] = address = address % self._depths[kind]
        return self._memory[kind][address]


def _collision(name: str, entry: int) -> InputError:
    return InputError(
        f"program: entry {entry} of the memory {name} is read in the clock in which it is written: tokens must keep a "
        "LOAD or STORE apart from what reads the same"
    )
