"""A port that is wider than a beat: which of its bytes each beat takes."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import Machine

from ..arguments import expect


class WidePort(wiring.Component):
    """Joins beats of Q bytes to a port of P, as AXI4's narrow transfers want it: a beat takes the bytes of its address.

    The P / Q *places* of the port are taken in turn, from that of the burst's address on. Nothing is held up: what
    comes goes on in the same clock. The beats of a request to write are in turn too, whichever of address and beat
    comes first; the first one comes a clock after the request's address at the soonest.

    Members
    -------
    asked_i, read_at_i: the address of a read burst is taken, and its place.
    beat_i, last_i, wide_i: a beat is read, the last one of its burst; all of the port. read_o: the beat's bytes.
    offered_i, write_at_i: the address of a write burst is on offer, without a gap within a request, and its place.
    moved_i, write_i: a beat is written, and its bytes. wide_o, strobes_o: all of the port, and which bytes are written.

    Raises
    ------
    ValueError: the port is no wider than a beat.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        if machine.port_places == 1:
            raise ValueError(f"expected a port wider than a beat of {machine.beat_bytes} bytes")
        self.machine = machine
        place, wide = machine.port_places.bit_length() - 1, 8 * machine.port_bytes
        super().__init__(
            {
                "asked_i": In(1),
                "read_at_i": In(place),
                "beat_i": In(1),
                "last_i": In(1),
                "wide_i": In(wide),
                "read_o": Out(8 * machine.beat_bytes),
                "offered_i": In(1),
                "write_at_i": In(place),
                "moved_i": In(1),
                "write_i": In(8 * machine.beat_bytes),
                "wide_o": Out(wide),
                "strobes_o": Out(machine.port_bytes),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self._reads(m)
        self._writes(m)
        return m

    def _reads(self, m: Module) -> None:
        """A burst's place waits for its first beat."""
        m.submodules.places = places = SyncFIFO(width=len(self.read_at_i), depth=self.machine.hw.memory.outstanding)
        inside = Signal()
        following = Signal.like(self.read_at_i)
        place = Signal.like(self.read_at_i)
        m.d.comb += [
            places.w_en.eq(self.asked_i),
            places.w_data.eq(self.read_at_i),
            places.r_en.eq(self.beat_i & ~inside),
            place.eq(Mux(inside, following, places.r_data)),
            self.read_o.eq(self.wide_i.word_select(place, len(self.read_o))),
        ]
        with m.If(self.beat_i):
            m.d.sync += [inside.eq(~self.last_i), following.eq(place + 1)]

    def _writes(self, m: Module) -> None:
        """The place of the next beat: that of a request's first address, then one after the other."""
        offered = Signal()
        writing = Signal.like(self.write_at_i)
        m.d.sync += offered.eq(self.offered_i)
        with m.If(self.offered_i & ~offered):
            m.d.sync += writing.eq(self.write_at_i)
        with m.Elif(self.moved_i):
            m.d.sync += writing.eq(writing + 1)
        m.d.comb += [
            self.wide_o.eq(self.write_i.replicate(self.machine.port_places)),
            self.strobes_o.word_select(writing, self.machine.beat_bytes).eq(-1),
        ]
