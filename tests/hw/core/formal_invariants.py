"""Invariants that hold for ever, and stream rules, of the smaller components."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from skipbeat_arch.command import CoreError
from skipbeat_arch.depths import SETTLE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import pass_fields
from skipbeat_hw.core.accumulators import AccumulatorColumn
from skipbeat_hw.core.aligner import Aligner, span_layout
from skipbeat_hw.core.results import ResultBuffer
from skipbeat_hw.core.sequencer import Sequencer
from skipbeat_hw.core.slots import Slots
from skipbeat_hw.layouts import struct
from skipbeat_hw.tools.formal import register
from tests.hw.core.symbolic_tile import total


class Wrapped(Component):
    """A component with all its ports free."""

    def __init__(self, part: Component) -> None:
        self.part = part
        super().__init__(dict(part.signature.members))

    def place(self, m: Module) -> Fragment:
        """Joins the component to the ports and returns it, for `register`."""
        fragment = Fragment.get(self.part, None)
        m.submodules.part = fragment
        connect(m, flipped(self), self.part)
        return fragment


class AlignerWords(Wrapped):
    """The books of the two words always balance: nothing is read that is not there and nothing is overwritten.

    The second word is there only if the first one is, a first word that was begun is there, and a slot that fires
    finds its values in the words that are there. What is known of a slot beforehand is so. Halted, it moves nothing.
    """

    def __init__(self, hw: Hardware) -> None:
        self.width = hw.array.cols
        super().__init__(Aligner(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside, width = self.place(m), self.width
        read, there, drop = register(inside, "read"), register(inside, "there"), register(inside, "drop")
        waits, fires, span = register(inside, "waits"), register(inside, "fire"), register(inside, "span")
        span, slot = span_layout(width)(span), self.slots.payload.shape()(register(inside, "slot"))
        held, place, pos = Signal(range(2 * width + 1)), Signal.like(read), Signal(range(2 * width + 1))
        words = there[0] + there[1]
        m.d.comb += [
            place.eq(Mux(waits, span.read, read)),
            held.eq(words * width - place),
            pos.eq(span.read + slot.count),
            Assume(self.slots.payload.count == total(self.slots.payload.mask)),  # what Slots gives
            Assert((read < width) & (place < width)),
            Assert(~waits | (slot.count <= width)),
            Assert(~waits | ((span.full == (pos == width)) & (span.cross == (pos > width)))),
            Assert(~waits | ((span.nothing == (slot.count == 0)) & (span.unread == (pos == 0)))),
            Assert(~waits | (read == Mux(slot.final, 0, Mux(pos >= width, pos - width, pos)))),
            Assert(there[0] | ~there[1]),
            Assert((place == 0) | there[0]),
            Assert(drop <= words),
            Assert((drop == 0) | fires),
            Assert(~fires | (waits & (slot.count <= held))),
            Assert(~(self.words.valid & self.words.ready) | (words - drop != 2)),
            Assert(~self.halt_i | ~(self.slots.ready | self.words.ready | self.done_o | (self.error_o != 0))),
            Cover((held == 2 * width) & fires & slot.final),
            Cover((place != 0) & (words == 1) & waits & (slot.count + place > width)),
        ]
        return m


class SlotsStream(Wrapped):
    """A slot that is offered stays until it is taken; no more rows are collected than there is room for."""

    def __init__(self, hw: Hardware) -> None:
        super().__init__(Slots(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        stays_until_taken(m, self.slots)
        rows = register(inside, "rows")
        m.d.comb += Assert((rows <= 2) & (register(inside, "room") == (rows != 2)))
        return m


class SequencerRules(Wrapped):
    """Halted, nothing is taken or issued; a beat is never interrupted; the accumulators are read late enough.

    Assumed of the passes what the core checks of commands: b <= M, and 1 to D pixels.
    """

    def __init__(self, hw: Hardware) -> None:
        self.group, self.layout, self.depth = hw.array.group, struct(pass_fields(hw)), hw.accumulators.depth
        super().__init__(Sequencer(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        offered, step = self.passes.payload, self.control_o
        slot, beat = register(inside, "slot"), Signal.like(offered.beat)
        current = self.layout(register(inside, "current"))
        m.d.comb += [Assume(offered.beat <= self.group), beat.eq(current.beat)]
        m.d.comb += Assume((offered.pixels != 0) & (offered.pixels <= self.depth))
        m.d.comb += [Assume(offered.one_step == (offered.beat <= 1)), Assume(offered.two_steps == (offered.beat <= 2))]
        m.d.comb += Assume(offered.one_pixel == (offered.pixels == 1))
        m.d.comb += Assert((slot == 0) | (self.active_o & (slot < beat)))
        m.d.comb += Assert(register(inside, "amid") == (slot != 0))
        m.d.comb += Assert(~self.active_o | ((beat != 0) & (beat <= self.group)))

        halted, amid = Signal(), Signal(name="was_amid")
        moves = self.passes.ready | self.activations.ready | self.release_o.any() | (self.error_o != CoreError.NONE)
        m.d.sync += [halted.eq(self.halt_i), amid.eq(slot != 0)]
        m.d.comb += [
            Assert(~self.halt_i | ~moves),
            Assert(~halted | ~step.valid),
            Assert(~amid | halted | (step.valid & ~step.open)),
            Assert(~(step.valid & ~amid) | step.open),
        ]
        self._knows_ahead(m, inside, current, slot)
        m.d.comb += [Assert(reads_late(m, step)), Cover(step.valid & step.open & ~step.first & (step.pixel == 1))]
        return m

    def _knows_ahead(self, m: Module, inside: Fragment, current: data.View, slot: Signal) -> None:
        """The flags that are computed a clock ahead say what they are called."""
        pixel, place, step = register(inside, "pixel"), register(inside, "place"), self.control_o
        m.d.comb += [
            Assert(~self.active_o | (register(inside, "close") == (slot == current.beat - 1))),
            Assert(~self.active_o | (register(inside, "at_end") == (pixel == current.pixels - 1))),
            Assert(~self.active_o | (register(inside, "before_end") == (pixel + 2 == current.pixels))),
            Assert(~self.active_o | ((pixel < current.pixels) & (current.pixels <= self.depth))),
            Assert(~self.active_o | (register(inside, "left") == current.pixels - pixel)),
        ]
        for p in range(SETTLE - 1):
            m.d.comb += Assert(~self.active_o | (place[p] == (pixel == p)))
        for p in range(2):
            ended = step.valid & step.close & (step.pixel == p)
            m.d.comb += Assert(register(inside, "ended_1")[p] == ended)


def reads_late(m: Module, step: data.View) -> Value:
    """Whether a step that reads an entry comes `SETTLE` clocks after the last step that wrote it, or later."""
    wrote, pixel, early = step.valid & step.close & ~step.last, step.pixel, []
    reads = step.valid & step.open & ~step.first
    for clocks in range(1, SETTLE):
        earlier, where = Signal(name=f"wrote_{clocks}"), Signal(len(step.pixel), name=f"where_{clocks}")
        m.d.sync += [earlier.eq(wrote), where.eq(pixel)]
        early.append(reads & earlier & (where == step.pixel))
        wrote, pixel = earlier, where
    return ~Cat(early).any()


class NoCollision(Wrapped):
    """Under the rule that `SequencerRules` proves, no column reads an entry in the clock in which it writes it.

    The control of any column is that of column 0, some clocks later: one column stands for all.
    """

    def __init__(self, hw: Hardware) -> None:
        super().__init__(AccumulatorColumn(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside, control = self.place(m), self.control_i
        writes = register(inside, "stores")
        reads = control.valid & control.open & ~control.first
        where = self.control_i.shape()(register(inside, "beside_sum")).pixel
        m.d.comb += [
            Assume(reads_late(m, control)),
            Assert(~(reads & writes & (control.pixel == where))),
            Cover(reads & writes),
        ]
        return m


class CreditLoop(Component):
    """Sequencer and result buffer joined; between them an array that pushes each item some time after its first step,
    column after column.

    The credits, the items on their way, those in the buffer and the one at the port are always F in all; no counter
    leaves its range; no column is written where an item still lies; an item that is offered stays until it is taken.
    Of a column of two memories, neither has more than its entries, and what is read has gone on to the second.
    """

    def __init__(self, hw: Hardware) -> None:
        self.hw, self.sequencer, self.buffer = hw, Sequencer(hw), ResultBuffer(hw)
        inputs = ("passes", "activations", "full_i", "halt_i")
        members = {name: self.sequencer.signature.members[name] for name in inputs}
        members["sums_i"] = self.buffer.signature.members["sums_i"]
        members["results"] = Out(self.buffer.signature.members["o"].signature)
        super().__init__({**members, "arrive": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m, depth, cols = Module(), self.hw.result_depth, self.hw.array.cols
        sequencer, buffer = Fragment.get(self.sequencer, None), Fragment.get(self.buffer, None)
        m.submodules += [sequencer, buffer]
        connect(m, flipped(self.passes), self.sequencer.passes)
        connect(m, flipped(self.activations), self.sequencer.activations)
        connect(m, self.buffer.o, flipped(self.results))
        on_way, later = self._array(m)
        step = self.sequencer.control_o
        m.d.comb += [
            self.sequencer.full_i.eq(self.full_i),
            self.sequencer.halt_i.eq(self.halt_i),
            self.sequencer.taken_i.eq(self.buffer.taken_o),
            self.buffer.sums_i.eq(self.sums_i),
        ]
        credits, pointer = register(sequencer, "credits"), register(buffer, "pointer")
        pushes = [total(later[c:]) for c in range(cols)]
        level = Signal.like(pointer, name="level")
        started = step.valid & step.open & step.last
        m.d.comb += [
            level.eq(register(buffer, f"place_{cols - 1}") - pointer),
            Assert(credits + started + on_way + level + self.results.valid == depth),
            Assert(on_way <= depth),
            Assert(pushes[0] <= on_way),
            Assert(self.results.valid | (level <= 1)),
            Assert(register(buffer, "some") == (level != 0)),
            Assert(register(buffer, "after") == (pointer + 1)[: len(pointer)]),
            Assert(credits <= depth),
            Assert(register(sequencer, "credit_there") == (credits != 0)),
            Assert(self.sequencer.idle_o == (~self.sequencer.active_o & (credits == depth))),
            Cover(credits == 0),
            Cover((level != 0) & self.results.valid & self.results.ready),
        ]
        for c in range(cols):
            m.d.comb += Assert((pointer + level + pushes[c] - register(buffer, f"place_{c}"))[: len(pointer)] == 0)
        self._halves(m, buffer, level, later)
        stays_until_taken(m, self.results)
        return m

    def _array(self, m: Module) -> tuple[Value, Signal]:
        """Items on their way, and whether one was pushed a clock ago, two, and so on."""
        step, cols, depth = self.sequencer.control_o, self.hw.array.cols, self.hw.result_depth
        on_way = Signal(range(depth + 1))
        push, later = self.buffer.push_i, Signal(cols - 1)
        m.d.sync += [on_way.eq(on_way + (step.valid & step.open & step.last) - push[cols - 1]), later.eq(push[:-1])]
        m.d.comb += push.eq(Cat(self.arrive & (total(later) < on_way), later))
        return on_way, later

    def _halves(self, m: Module, buffer: Fragment, level: Signal, later: Signal) -> None:
        """What waits in the first memory is what was pushed a clock ago, or the second has room for one at most."""
        half, pointer = self.hw.result_depth // 2, register(buffer, "pointer")
        columns = range(self.buffer.halved)
        moves = [register(buffer, f"moves_{c}") for c in columns]
        for c in columns:
            place, moved = register(buffer, f"place_{c}"), register(buffer, f"moved_{c}")
            on_way, behind, waits = (Signal.like(place, name=f"{name}_{c}") for name in ("moving", "behind", "waits"))
            m.d.comb += [
                on_way.eq(total(moves[1 : c + 1])),
                behind.eq(moved - pointer),
                waits.eq(place - moved),
                Assert((moved + on_way - register(buffer, "moved_0"))[: len(moved)] == 0),
                Assert((behind <= half) & (waits <= half) & (waits + behind == level + total(later[c:]))),
                Assert(~(self.buffer.push_i[c] & (waits == half))),
                Assert(~moves[c] | ((waits != 0) & (behind != half))),
                Assert(~register(buffer, "read_now") | (behind != 0)),
            ]
            first = (register(buffer, "place_0") - register(buffer, "moved_0"))[: len(moved)]
            m.d.comb += Assert((first + on_way <= total(later[: c + 1])) | (behind >= half - 1 - c))
            m.d.comb += Cover((waits == half - 1) & (behind == half))


def stays_until_taken(m: Module, port: stream.Interface) -> None:
    """Asserts the rule of streams: valid and payload hold until ready."""
    payload = Value.cast(port.payload)
    waiting, before = Signal(), Signal(len(payload))
    m.d.sync += [waiting.eq(port.valid & ~port.ready), before.eq(payload)]
    m.d.comb += Assert(~waiting | (port.valid & (payload == before)))
    m.d.comb += Cover(waiting)
