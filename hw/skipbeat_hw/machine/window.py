"""The items of a window: which are taken, and what is kept of them."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import PureInterface

from skipbeat_arch.depths import RAW_VECTORS


class Walk:
    """Which columns are sent.

    Attributes:
        closed: the last item of a window enters the registers; ends: the job has no other.
        sending: columns are sent; `sub` counts the clocks of the output, and `last` is its last one.
        near: it is the last one or that before it. following_last, following_near: those of the next clock.
        final: the output is the job's last.

    Parameters
    ----------
    steps: clocks of the longest output that is not raw.
    """

    def __init__(self, steps: int) -> None:
        self.closed = Signal()
        self.ends = Signal()
        self.sending = Signal()
        self.last = Signal()
        self.near = Signal()
        self.following_last = Signal()
        self.following_near = Signal()
        self.final = Signal()
        self.sub = Signal(range(max(steps, RAW_VECTORS)))


def take_items(
    m: Module,
    results: PureInterface,
    job: data.View,
    offered: data.View,
    start: Signal,
    ready: Signal,
    walk: Walk,
    *,
    places: bool,
) -> tuple[data.View, list[Signal]]:
    """Takes items, and keeps the largest sum of a window in each column; without pooling it is of one item.

    With `places` it also keeps which item was the first largest one; else there are none.
    """
    left = Signal(14)
    rest = Signal.like(job.pool)
    opens = Signal()
    more = Signal()
    taken = Signal()
    # Known a clock ahead: windows are of one item, the next item closes one, it may enter the registers.
    single, closes, free = Signal(name="single"), Signal(name="closes"), Signal(name="free", init=1)
    soon = Mux(single, walk.following_last, walk.following_near)
    m.d.comb += [
        results.ready.eq(more & ready & (~opens | free)),
        taken.eq(results.valid & results.ready),
        walk.closed.eq(taken & closes),
        walk.ends.eq(left == 1),
    ]
    m.d.sync += free.eq(soon | (~walk.closed & (~walk.sending | walk.last)))
    with m.If(start):
        m.d.sync += [left.eq(offered.count), more.eq(offered.count != 0), rest.eq(offered.pool - 1), opens.eq(1)]
        m.d.sync += [single.eq(offered.pool == 1), closes.eq(offered.pool == 1)]
    with m.Elif(taken):
        m.d.sync += [opens.eq(closes), rest.eq(Mux(closes, job.pool - 1, rest - 1))]
        m.d.sync += closes.eq(Mux(closes, single, rest == 1))
        with m.If(walk.closed):
            m.d.sync += [left.eq(left - 1), more.eq(~walk.ends), walk.final.eq(walk.ends)]
    columns = data.ArrayLayout(signed(32), len(results.payload))
    largest = Signal(columns, reset_less=True)
    sums = data.View(columns, results.payload.as_value())
    number = Signal.like(job.pool)
    numbers = [Signal.like(number, name=f"number_{c}", reset_less=True) for c in range(columns.length if places else 0)]
    if places:
        with m.If(start | taken):
            m.d.sync += number.eq(Mux(start | closes, 0, number + 1))
    for c in range(columns.length):
        # The sign of a difference: a comparison would need two carries of its chain, and `<=` all bits of the sum.
        takes = (largest[c] - sums[c])[-1] if places else ~(sums[c] - largest[c])[-1]
        with m.If(taken & (opens | takes)):
            m.d.sync += largest[c].eq(sums[c])
            if places:
                m.d.sync += numbers[c].eq(number)
    return largest, numbers
