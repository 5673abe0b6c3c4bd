"""The on-chip memories: one read and one write port each; a read sees older writes only."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine

from .load import ENABLES, MemoryWrite
from .placer import BankWrite

_KINDS = {enable: kind for kind, enable in ENABLES.items()}


class Memories:
    """What the engines read and write. Nothing has a reset; the power-up value is 0.

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
        self._depth = machine.bank_depth
        self._banks = np.zeros((rows * self._depth, group), np.int32)
        self._first = np.arange(rows, dtype=np.int64) * self._depth
        self._lane = np.arange(rows) % machine.bundles
        self._enabled: dict[int, tuple[Int64Array, Int64Array]] = {}
        self._table_bytes = machine.table_vectors * vector
        self.weight = self.parameter = self.residual = self.output = 0
        self.table = np.zeros(rows, np.int64)
        self.banks = np.zeros((rows, group), np.int32)

    def read_weight(self, address: int) -> None:
        """Read a vector of weights."""
        self.weight = self._memory[Kind.WEIGHTS][address % self._depths[Kind.WEIGHTS]]

    def read_parameter(self, address: int) -> None:
        """Read a vector of parameters."""
        self.parameter = self._memory[Kind.PARAMETERS][address % self._depths[Kind.PARAMETERS]]

    def read_residual(self, address: int) -> None:
        """Read a vector of residuals."""
        self.residual = self._memory[Kind.RESIDUAL][address % self._depths[Kind.RESIDUAL]]

    def read_output(self, address: int) -> None:
        """Read a finished vector."""
        self.output = self._outputs[address % len(self._outputs)]

    def read_table(self, entry: int) -> None:
        """Read an entry of the table."""
        vectors, size = self._machine.table_vectors, self._machine.vector
        words = self._memory[Kind.TABLE][entry * vectors : (entry + 1) * vectors]
        data = b"".join(word.to_bytes(size, "little") for word in words)
        offsets = np.frombuffer(data, "<u2", len(self.table))
        self.table = offsets.astype(np.int64)

    def read_banks(self, address: Int64Array) -> None:
        """Read entry `address[q]` of each bank q."""
        self.banks = self._banks.take(address % self._depth + self._first, axis=0)

    def write(self, write: MemoryWrite) -> None:
        """Write a vector into a memory that is addressed in vectors."""
        kind = _KINDS[write.enable]
        self._memory[kind][write.address % self._depths[kind]] = write.data

    def write_banks(self, write: BankWrite) -> None:
        """Write a vector's bundles into the banks that are enabled."""
        if write.enable not in self._enabled:
            banks = np.array([q for q in range(len(self._first)) if write.enable >> q & 1], np.int64)
            self._enabled[write.enable] = self._first[banks], self._lane[banks]
        first, lane = self._enabled[write.enable]
        size = self._machine.vector
        bundles = np.frombuffer(write.data.to_bytes(size, "little"), np.int8).reshape(self._machine.bundles, -1)
        self._banks[first + write.address % self._depth] = bundles[lane]

    def write_output(self, address: int, data: int) -> None:
        """Write a finished vector."""
        self._outputs[address % len(self._outputs)] = data
