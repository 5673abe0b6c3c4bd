"""What the FIFOs of the proofs owe to Amaranth's: equal counts, steady heads, equal data."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Cover, Fragment, Module, Signal
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In

from skipbeat_hw.registered_fifo import RegisteredFifo
from skipbeat_hw.shift_fifo import ShiftFifo
from skipbeat_hw.stored_queue import StoredQueue
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import RegisterFifo, implies, stays


class FifoContract(Component):
    """SyncFIFO counts as `formal_parts.count` does, and its head stays while it is offered and not taken.

    This is all that a proof with a StableFifo assumes. Its data are only moved, so one bit stands for any width.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        super().__init__({"w_en": In(1), "w_data": In(1), "r_en": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        fifo = SyncFIFO(width=1, depth=self.depth)
        m.submodules.fifo = inside = Fragment.get(fifo, None)
        produce, consume, level = (
            register(inside, "produce"),
            register(inside, "consume"),
            Signal(range(self.depth + 1)),
        )
        m.d.comb += [fifo.w_en.eq(self.w_en), fifo.w_data.eq(self.w_data), fifo.r_en.eq(self.r_en)]
        m.d.sync += level.eq(level + (self.w_en & (level != self.depth)) - (self.r_en & (level != 0)))
        m.d.comb += [
            Assert(level <= self.depth),
            Assert(fifo.level == level),
            Assert((produce - consume - level)[: len(produce)] == 0),  # the depths are powers of two
            Assert(fifo.w_rdy == (level != self.depth)),
            Assert(fifo.r_rdy == (level != 0)),
            Assert((fifo.w_level == level) & (fifo.r_level == level)),
            Cover(level == self.depth),
        ]
        stays(m, fifo.r_rdy, fifo.r_en, fifo.r_data)
        return m


class FifoData(Component):
    """What goes through a SyncFIFO also goes through a RegisterFifo, entry by entry."""

    #: What is compared with a RegisterFifo.
    kind: type[SyncFIFO] = SyncFIFO

    def __init__(self, depth: int) -> None:
        self.depth = depth
        super().__init__({"w_en": In(1), "w_data": In(1), "r_en": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        fifos = [kind(width=1, depth=self.depth) for kind in (self.kind, RegisterFifo)]
        m.submodules += fifos
        for fifo in fifos:
            m.d.comb += [fifo.w_en.eq(self.w_en), fifo.w_data.eq(self.w_data), fifo.r_en.eq(self.r_en)]
        theirs, ours = fifos
        m.d.comb += [
            Assert((theirs.level == ours.level) & (theirs.w_rdy == ours.w_rdy) & (theirs.r_rdy == ours.r_rdy)),
            implies(ours.r_rdy, theirs.r_data == ours.r_data),
        ]
        return m


class RegisteredData(FifoData):
    """What goes through a RegisteredFifo also goes through a RegisterFifo, in the same clocks: it is a SyncFIFO."""

    kind = RegisteredFifo


class ShiftData(FifoData):
    """What goes through a ShiftFifo also goes through a RegisterFifo, in the same clocks: it is a SyncFIFO."""

    kind = ShiftFifo


class StoredContract(Component):
    """A StoredQueue loses and invents nothing, its head stays while it is not taken and is there in the third clock at
    the latest, and it never reads the entry that it writes.

    Assumed: nothing is put in where there is no room, as its user sees to.
    """

    def __init__(self, queue: StoredQueue) -> None:
        self.queue, self.depth = queue, queue.depth
        super().__init__({"w_en": In(1), "w_data": In(1), "r_en": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m, queue = Module(), self.queue
        m.submodules.queue = inside = Fragment.get(queue, None)
        unread, ahead, reads, some = (register(inside, name) for name in ("unread", "ahead", "reads", "some"))
        level, missing, missed = Signal(range(self.depth + 1)), Signal(2), Signal()
        m.d.comb += [queue.w_en.eq(self.w_en), queue.w_data.eq(self.w_data), queue.r_en.eq(self.r_en)]
        m.d.comb += missed.eq((level != 0) & ~queue.r_rdy)
        m.d.sync += [
            level.eq(level + self.w_en - (self.r_en & queue.r_rdy)),
            missing.eq(Cat(missed, missing[0] & missed)),
        ]
        written, read = Signal(range(self.depth)), Signal(range(self.depth))
        m.d.sync += [written.eq(written + self.w_en), read.eq(read + reads)]
        m.d.comb += [
            Assume(~self.w_en | (level != self.depth)),
            Assert(level <= self.depth),
            Assert(level == unread + ahead + queue.r_rdy),
            Assert(some == (unread != 0)),
            Assert((written - read - unread)[: len(written)] == 0),
            Assert(~(self.w_en & reads & (written == read))),
            implies(missing[0], queue.r_rdy | ahead),
            implies(missing[1], queue.r_rdy),
            Cover(level == self.depth),
        ]
        stays(m, queue.r_rdy, queue.r_en, queue.r_data)
        return m


class StoredData(Component):
    """What goes through a StoredQueue also goes through a RegisterFifo, entry by entry.

    Assumed: nothing is put in where there is no room.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        super().__init__({"w_en": In(1), "w_data": In(1), "r_en": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.stored = stored = StoredQueue(width=1, depth=self.depth)
        m.submodules.ours = ours = RegisterFifo(width=1, depth=self.depth)
        for queue in (stored, ours):
            m.d.comb += [
                queue.w_en.eq(self.w_en),
                queue.w_data.eq(self.w_data),
                queue.r_en.eq(self.r_en & stored.r_rdy),
            ]
        m.d.comb += [Assume(~self.w_en | ours.w_rdy), implies(stored.r_rdy, ours.r_rdy, stored.r_data == ours.r_data)]
        return m
