"""Bugs planted in the machine around the core: each must make a proof fail."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from amaranth.lib.wiring import Component

from skipbeat_hw import stored_queue
from skipbeat_hw.machine import (
    accelerator,
    axi,
    base,
    execute,
    fetch,
    fetcher,
    load,
    machine,
    reader,
    store,
    tokens,
    watchdog,
    weight_reader,
    wide_port,
    writer,
)
from skipbeat_hw.tools.formal import always, bounded
from tests.hw.machine.formal_credits import FetcherRules, FetchRules, WeightReaderRules
from tests.hw.machine.formal_engines import LoadRules, StoreRules
from tests.hw.machine.formal_fifo import StoredContract
from tests.hw.machine.formal_joined import Joined
from tests.hw.machine.formal_lite import LiteRules
from tests.hw.machine.formal_parts import small
from tests.hw.machine.formal_reader import ReaderRules
from tests.hw.machine.formal_runs import BaseRules, WatchdogRules
from tests.hw.machine.formal_tokens import ExecuteRules, TokenCounts
from tests.hw.machine.formal_wide_port import WidePortRules
from tests.hw.machine.formal_writer import WriterRules
from tests.hw.planted import mutant


def _reader(changed: ModuleType) -> ModuleType:
    """The reader with the bursts of this module."""
    copy = mutant(reader, "class Reader(", "class Reader(")
    vars(copy)["Bursts"] = changed.Bursts
    return copy


#: How each module is proved.
CLAIMS: dict[ModuleType, Callable[[ModuleType], Component]] = {
    axi: lambda m: ReaderRules(_reader(m).Reader(small(beat=2))),
    reader: lambda m: ReaderRules(m.Reader(small(beat=2))),
    writer: lambda m: WriterRules(m.Writer(small())),
    tokens: lambda m: TokenCounts(m.Tokens()),
    base: lambda m: BaseRules(m.Base(small(address=40))),
    wide_port: lambda m: WidePortRules(m.WidePort(small(port=16))),
    watchdog: lambda m: WatchdogRules(m.Watchdog(small())),
    load: lambda m: LoadRules(m.LoadEngine(small())),
    execute: lambda m: ExecuteRules(m.ExecuteEngine(small())),
    store: lambda m: StoreRules(m.StoreEngine(small())),
    weight_reader: lambda m: WeightReaderRules(m.WeightReader(small())),
    fetcher: lambda m: FetcherRules(m.Fetcher(small())),
    fetch: lambda m: FetchRules(m.Fetch(small(vector=32))),
    accelerator: lambda m: LiteRules(m, small()),
    stored_queue: lambda m: StoredContract(m.StoredQueue(width=1, depth=4)),
    machine: lambda m: Joined(m, small()),
}
#: The bug shows only far from reset, so the induction must fail; the others have a counterexample from reset on.
FAR = 0
#: Module, text, what stands there with the bug, and in how many clocks it shows.
BUGS: list[tuple[ModuleType, str, str, int]] = [
    (axi, "longest - 1) - self.within(self.address)", "longest - 1)", 6),
    (axi, "self.last.eq(more == full)", "self.last.eq(more == 0)", 6),
    (axi, "vector_beats + self.within(address)", "vector_beats + self.within(address) + 1", 6),
    (reader, "Mux(sent, outstanding != most - 1, outstanding != most)", "1", FAR),
    (reader, "Mux(sent, outstanding != most - 1, outstanding != most)", "outstanding != most", FAR),
    (reader, "eq(~waits & has_room(returns))", "eq(has_room(returns))", FAR),
    (reader, "Mux(waits, waiting.as_value(), request.as_value())", "request.as_value()", 8),
    (reader, "active.eq(waits | accepted)", "active.eq(accepted)", 8),
    (reader, "number == returns.r_data", "number + 1 == returns.r_data", FAR),
    (reader, "self.bus.rready.eq(1)", "self.bus.rready.eq(~self.beat_o.valid)", 8),
    (reader, "self.bus.arvalid.eq(active &", "self.bus.arvalid.eq(self.requests.valid & active &", 6),
    (reader, "eq(active & may_send)", "eq(active & ~self.bus.rvalid & may_send)", FAR),
    (axi, "more.eq(more - 1)", "more.eq(more - 2)", FAR),
    (writer, "wvalid.eq(data.r_rdy)", "wvalid.eq(data.r_rdy & ~(self.bus.awvalid & ~self.bus.awready))", 6),
    (writer, "wvalid.eq(data.r_rdy)", "wvalid.eq(data.r_rdy & ~self.bus.bvalid)", FAR),
    (writer, "awvalid.eq(announcing)", "awvalid.eq(announcing & self.bus.wvalid)", 6),
    (writer, "(position == beats - 1) | ", "", FAR),
    (writer, " & (room != 0)", "", FAR),
    (writer, " & silent)", ")", FAR),
    (writer, "silent.eq(unanswered == 1)", "silent.eq(1)", FAR),
    (writer, "ending.eq(owed == 2)", "ending.eq(owed == 1)", FAR),
    (writer, "to_read.eq(to_read - 1)", "to_read.eq(to_read - popped)", FAR),
    (writer, "read_at.eq(read_at + 1)", "read_at.eq(read_at + 2)", FAR),
    (tokens, "give & ~take & count.all()", "give & count.all()", FAR),
    (tokens, "m.If(give ^ take)", "m.If(give | take)", 4),
    (base, "self.page_i[PROGRAM_PAGE_BITS:] + 1", "self.page_i[PROGRAM_PAGE_BITS:]", 3),
    (base, "address[PAGE_BITS:] + page[:PROGRAM_PAGE_BITS]", "address[PAGE_BITS:] + page[: PROGRAM_PAGE_BITS - 1]", 3),
    (wide_port, "r_en.eq(self.beat_i & ~inside)", "r_en.eq(self.beat_i & self.last_i)", 5),
    (wide_port, "following.eq(place + 1)", "following.eq(following + 1)", 4),
    (wide_port, "inside.eq(~self.last_i)", "inside.eq(1)", 5),
    (wide_port, "with m.If(self.offered_i & ~offered)", "with m.If(self.offered_i)", 5),
    (wide_port, "m.Elif(self.moved_i)", "m.Elif(self.moved_i & self.offered_i)", 6),
    (watchdog, "m.d.sync += still.eq(0)", "m.d.sync += still.eq(1)", FAR),
    (watchdog, "still.all()", "still[1:].all()", FAR),
    (load, "(load.wait & ~self.some_i) == 0", "(load.wait & ~self.some_i) != 3", 2),
    (load, "is_zero & ~routes.r_rdy", "is_zero", 4),
    (load, "~is_zero & has_room(routes)", "~is_zero", FAR),
    (load, "~zeroing & ~self.halt_i", "~self.halt_i", 4),
    (execute, "(setup.wait & ~self.some_i) == 0", "(setup.wait & ~self.some_i) != 3", 2),
    (execute, "self.commands.ready & self.tiles.ready", "self.commands.ready", 2),
    (store, "(store.wait & ~self.some_i) == 0", "(store.wait & ~self.some_i) != 3", 2),
    (store, "(~memory | (occupied != OUTPUT_HALVES)) & ", "", FAR),
    (store, "(unfinished != STORE_QUEUE) & ", "", FAR),
    (store, " & (unfinished == 0)", "", 3),
    (store, "& job.memory & ~asked", "& ~asked", 6),
    (store, "& job.memory & ~asked", "& job.memory", 6),
    (store, "asked.eq(0), half.eq(~half)", "asked.eq(0), half.eq(half)", FAR),
    (store, " & ~in_stage\n", "\n", 4),
    (weight_reader, " & (room != 0)", "", FAR),
    (weight_reader, "reading_last.eq(one)", "reading_last.eq(left == 2)", 5),
    (weight_reader, "read & one", "one", FAR),
    (weight_reader, "one.eq(left == 2)", "one.eq(left == 1)", FAR),
    (fetcher, "(walk.null | some)", "1", FAR),
    (fetcher, "ahead_valid & ahead_loaded & (~walking | last)", "ahead_valid & ahead_loaded", FAR),
    (fetcher, "Mux(last, walk.signal, 0)", "Mux(issue, walk.signal, 0)", FAR),
    (fetch, "more & room[small:].any()", "more & room.any()", FAR),
    (fetch, "queue.r_rdy & busy", "queue.r_rdy", FAR),
    (fetch, "last.eq(due == 2)", "last.eq(due == 1)", FAR),
    (fetcher, "ends[inside].eq(single[inside])", "ends[inside].eq(0)", FAR),
    (accelerator, "have_data & ~self.s_axi_bvalid", "have_data", 6),
    (accelerator, "self.s_axi_wready.eq(~have_data)", "self.s_axi_wready.eq(1)", 4),
    (accelerator, "m.Elif(self.s_axi_bready)", "m.Else()", 5),
    (accelerator, "self.s_axi_arready.eq(~asked & ~self.s_axi_rvalid)", "self.s_axi_arready.eq(1)", 4),
    (accelerator, "left.eq(READ_CLOCKS - 2)", "left.eq(READ_CLOCKS - 3)", 12),
    (accelerator, "(address - COUNTERS_AT) >> 3", "(address - COUNTERS_AT) >> 2", 4),
    (stored_queue, "(~ahead | moves)", "1", 6),
    (stored_queue, "self.w_en | Mux(reads, unread > 1, some)", "Mux(reads, unread > 1, some | self.w_en)", 6),
    (stored_queue, "moves.eq(~self.r_rdy | self.r_en)", "moves.eq(1)", 6),
    (accelerator, "m.If(whole & is_meant)", "m.If(is_meant)", 5),
    (accelerator, '"ended") & ~top.busy_o', '"ended")', 6),
    (accelerator, "self.interrupt_o.eq(ended & ", "self.interrupt_o.eq(began & ", 6),
    (accelerator, 'Register.CONTROL, "abort")', 'Register.CONTROL, "start")', 5),
    (machine, "tokens.some_o[taken]", "tokens.some_o[taken ^ 1]", FAR),
    (machine, "reader.requests.ready & may_ask & ~of_fetch", "reader.requests.ready & may_ask", FAR),
]


@pytest.mark.slow
@pytest.mark.parametrize(("module", "right", "wrong", "clocks"), BUGS)
def test_a_planted_bug_is_found(module: ModuleType, right: str, wrong: str, clocks: int) -> None:
    claim = CLAIMS[module](mutant(module, right, wrong))
    verdict = always(claim, 1) if clocks == FAR else bounded(claim, clocks)
    assert not verdict.holds
    assert verdict.witness
