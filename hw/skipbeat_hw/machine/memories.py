"""The on-chip memories around the core, and who reads and writes them."""

from __future__ import annotations

from amaranth import Module, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, bank_write_fields, memory_write_fields, offset_fields
from skipbeat_arch.ports import bundle_bits

from ..arguments import expect
from ..layouts import struct
from ..memories import NO_COLLISION


class Memories(wiring.Component):
    """Weight, parameter, residual, table and output memories and the R activation banks; data one clock after its
    address.

    One write and one read port each. Contents are not reset. What comes on `bank_write_i` and `memory_write_i` waits a
    clock in a register, as the memories are spread over the part: it is read two clocks later at the earliest.

    Members
    -------
    bank_write_i: from the load or the store engine. memory_write_i: from the load engine. output_*: written by the
    store engine, read by the writer. The others: read ports of weight reader, output stage and fetcher.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        rows, vector = machine.hw.array.rows, 8 * machine.vector
        super().__init__(
            {
                "bank_write_i": In(struct(bank_write_fields(machine))),
                "memory_write_i": In(struct(memory_write_fields(machine))),
                "weight_address_i": In(LOCAL_BITS),
                "weight_enable_i": In(1),
                "weight_o": Out(vector),
                "parameter_address_i": In(LOCAL_BITS),
                "parameter_o": Out(vector),
                "residual_address_i": In(LOCAL_BITS),
                "residual_enable_i": In(1),
                "residual_o": Out(vector),
                "table_address_i": In(8),
                "table_enable_i": In(1),
                "offsets_o": Out(struct(offset_fields(machine))),
                "bank_address_i": In(data.ArrayLayout(unsigned(LOCAL_BITS), rows)),
                "bank_enable_i": In(1),
                "bundles_o": Out(data.ArrayLayout(unsigned(bundle_bits(machine.hw)), rows)),
                "output_enable_i": In(1),
                "output_write_address_i": In(LOCAL_BITS),
                "output_data_i": In(vector),
                "output_read_address_i": In(LOCAL_BITS),
                "output_o": Out(vector),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        machine, write = self.machine, Signal.like(self.memory_write_i)
        bank_write = Signal.like(self.bank_write_i)
        m.d.sync += [write.eq(self.memory_write_i), bank_write.eq(self.bank_write_i)]
        vector = 8 * machine.vector
        for position, (name, depth, address, enable, out) in enumerate(
            (
                ("weights", machine.weight_depth, self.weight_address_i, self.weight_enable_i, self.weight_o),
                ("parameters", PARAMETER_BLOCKS * PARAMETER_PITCH, self.parameter_address_i, 1, self.parameter_o),
                (
                    *("residual", machine.residual_depth),
                    *(self.residual_address_i, self.residual_enable_i, self.residual_o),
                ),
            )
        ):
            store = _memory(vector, depth)
            m.submodules[name] = store
            _write(m, store, write.enable[position], write.address, write.data)
            _read(m, store, address, enable, out)
        self._table(m, write)
        self._banks(m, bank_write)
        output = _memory(vector, 2 * machine.output_depth)
        m.submodules.output = output
        _write(m, output, self.output_enable_i, self.output_write_address_i, self.output_data_i)
        _read(m, output, self.output_read_address_i, 1, self.output_o)
        return m

    def _table(self, m: Module, write: data.View) -> None:
        """One entry is `table_vectors` vectors, written one by one."""
        machine = self.machine
        parts, vector = machine.table_vectors, 8 * machine.vector
        table = _memory(parts * vector, TABLE_ENTRIES)
        m.submodules.table = table
        port = table.write_port(granularity=vector)
        shift = parts.bit_length() - 1
        part = write.address[:shift] if shift else 0
        m.d.comb += [
            port.addr.eq(write.address >> shift),
            port.data.eq(write.data.replicate(parts)),
            port.en.eq(write.enable[3] << part),
        ]
        read = Signal(parts * vector)
        _read(m, table, self.table_address_i, self.table_enable_i, read)
        m.d.comb += self.offsets_o.eq(read)

    def _banks(self, m: Module, write: data.View) -> None:
        machine = self.machine
        bits = bundle_bits(machine.hw)
        for bank in range(machine.hw.array.rows):
            store = _memory(bits, machine.bank_depth)
            m.submodules[f"bank_{bank}"] = store
            bundle = write.data.word_select(bank % machine.bundles, bits)
            _write(m, store, write.enable[bank], write.address, bundle)
            read = store.read_port()
            m.d.comb += [
                read.addr.eq(self.bank_address_i[bank]),
                read.en.eq(self.bank_enable_i),
                self.bundles_o[bank].eq(read.data),
            ]


def _memory(bits: int, depth: int) -> memory.Memory:
    """Of which nobody reads an entry that is written in the same clock, which would cost a comparison of addresses."""
    return memory.Memory(shape=unsigned(bits), depth=depth, init=[], attrs={**NO_COLLISION, "rw_addr_collision": "no"})


def _write(m: Module, store: memory.Memory, enable: Signal, address: Signal, value: Signal) -> None:
    port = store.write_port()
    m.d.comb += [port.en.eq(enable), port.addr.eq(address), port.data.eq(value)]


def _read(m: Module, store: memory.Memory, address: Signal, enable: Signal | int, out: Signal) -> None:
    port = store.read_port()
    m.d.comb += [port.en.eq(enable), port.addr.eq(address), out.eq(port.data)]
