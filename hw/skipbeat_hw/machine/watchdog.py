"""The watchdog: a run that does not move any more ends."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import patience
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, MachineError

from ..arguments import expect


class Watchdog(wiring.Component):
    """`error_o` is DEADLOCK in the clock after `patience` clocks in a row in which nothing moved, and stays.

    Members
    -------
    moves_i: something moved. error_o: DEADLOCK, until something moves or a reset.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.patience = patience(machine.hw)
        super().__init__({"moves_i": In(1), "error_o": Out(CODE_BITS)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        moved = Signal()
        still = Signal(range(self.patience))
        m.d.sync += moved.eq(self.moves_i)
        with m.If(moved):
            m.d.sync += still.eq(0)
        with m.Elif(still.all()):
            m.d.comb += self.error_o.eq(MachineError.DEADLOCK)
        with m.Else():
            m.d.sync += still.eq(still + 1)
        return m
