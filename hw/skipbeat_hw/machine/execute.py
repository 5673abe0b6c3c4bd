"""The execute engine: passes become commands for the core, tiles to read and walks over the activations."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COMMAND, JOB, TILE_READ

from ..arguments import expect
from ..layouts import struct


class ExecuteEngine(wiring.Component):
    """Hands out one PASS per clock: command, tile and walk together, when all of them can be taken.

    A SETUP sets the loops of the walks that follow. Tokens that a pass gives travel with its walk, and are given when
    the last activation has been read.

    Members
    -------
    instructions: stream of SETUP and PASS. some_i: tokens from load and store; take_o: those taken.
    commands: the core's. tiles: stream of {address, words}. jobs: stream of walks.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "instructions": In(stream.Signature(INSTRUCTION_BITS)),
                "some_i": In(2),
                "halt_i": In(1),
                "take_o": Out(2),
                "commands": Out(stream.Signature(struct(COMMAND))),
                "tiles": Out(stream.Signature(struct(TILE_READ))),
                "jobs": Out(stream.Signature(struct(JOB))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        setups, passes = struct(isa.Setup.full_layout()), struct(isa.Pass.full_layout())
        setup = setups(self.instructions.payload[: setups.size])
        pass_ = passes(self.instructions.payload[: passes.size])
        command = struct(COMMAND)(pass_.command)
        walk = {name: Signal(bits, name=name) for name, bits in isa.Setup.layout()}
        is_setup = setup.opcode == Opcode.SETUP
        may_begin = Signal()
        begin = Signal()
        m.d.comb += [
            may_begin.eq(self.instructions.valid & ~self.halt_i & ((setup.wait & ~self.some_i) == 0)),
            # A tile in the queue of tiles belongs to a pass that was not taken: it is not full before that of commands,
            # and a pass need not look whether it loads one.
            begin.eq(may_begin & self.jobs.ready & (is_setup | (self.commands.ready & self.tiles.ready))),
            self.instructions.ready.eq(begin),
            self.take_o.eq(Mux(begin, setup.wait, 0)),
            self.commands.payload.eq(command),
            self.commands.valid.eq(begin & ~is_setup),
            self.tiles.payload.address.eq(pass_.weights),
            self.tiles.payload.words.eq(pass_.words),
            self.tiles.valid.eq(begin & ~is_setup & command.load),
            self.jobs.valid.eq(begin & (~is_setup | (setup.signal != 0))),
            self.jobs.payload.null.eq(is_setup | (command.beat == 0)),
            self.jobs.payload.base.eq(pass_.base),
            self.jobs.payload.table.eq(pass_.table),
            self.jobs.payload.signal.eq(setup.signal),
        ]
        for name, register in walk.items():
            m.d.comb += self.jobs.payload[name].eq(register)
            with m.If(begin & is_setup):
                m.d.sync += register.eq(setup[name])
        return m
