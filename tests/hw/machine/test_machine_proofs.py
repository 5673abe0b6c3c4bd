"""The machine around the core, proved part by part for ever by k-induction (docs/formal.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth.lib.wiring import Component

from skipbeat_hw.machine import accelerator, machine
from skipbeat_hw.machine.base import Base
from skipbeat_hw.machine.execute import ExecuteEngine
from skipbeat_hw.machine.fetch import Fetch
from skipbeat_hw.machine.fetcher import Fetcher
from skipbeat_hw.machine.load import LoadEngine
from skipbeat_hw.machine.reader import Reader
from skipbeat_hw.machine.store import StoreEngine
from skipbeat_hw.machine.tokens import Tokens
from skipbeat_hw.machine.watchdog import Watchdog
from skipbeat_hw.machine.weight_reader import WeightReader
from skipbeat_hw.machine.wide_port import WidePort
from skipbeat_hw.machine.writer import Writer
from skipbeat_hw.stored_queue import StoredQueue
from skipbeat_hw.tools.formal import Verdict, always, bounded, reachable
from tests.hw.machine.formal_credits import FetcherRules, FetchRules, WeightReaderRules
from tests.hw.machine.formal_engines import LoadRules, StoreRules
from tests.hw.machine.formal_fifo import FifoContract, FifoData, RegisteredData, ShiftData, StoredContract, StoredData
from tests.hw.machine.formal_joined import Joined
from tests.hw.machine.formal_lite import LiteRules
from tests.hw.machine.formal_parts import small
from tests.hw.machine.formal_reader import ReaderRules
from tests.hw.machine.formal_runs import BaseRules, WatchdogRules
from tests.hw.machine.formal_tokens import ExecuteRules, TokenCounts
from tests.hw.machine.formal_wide_port import WidePortRules
from tests.hw.machine.formal_writer import WriterRules

Claim = Callable[[], Component]

#: Each proof with the clocks in which everything that it covers can happen.
QUICK: dict[str, tuple[Claim, int]] = {
    "tokens": (lambda: TokenCounts(Tokens()), 6),
    "base": (lambda: BaseRules(Base(small(address=40))), 2),
    "watchdog": (lambda: WatchdogRules(Watchdog(small())), 6),
    "load": (lambda: LoadRules(LoadEngine(small())), 12),
    "execute": (lambda: ExecuteRules(ExecuteEngine(small())), 4),
    "store": (lambda: StoreRules(StoreEngine(small())), 10),
    "store, with a turner": (lambda: StoreRules(StoreEngine(small(turn=True))), 10),
    "weight_reader": (lambda: WeightReaderRules(WeightReader(small())), 14),
    "fetcher": (lambda: FetcherRules(Fetcher(small())), 16),
    "wide_port": (lambda: WidePortRules(WidePort(small(port=16))), 5),
    "lite": (lambda: LiteRules(accelerator, small()), 14),
    "fetch, an instruction per vector": (lambda: FetchRules(Fetch(small(vector=16))), 12),
}
SIZES: dict[str, Claim] = {
    "wide_port, one burst at a time": lambda: WidePortRules(WidePort(small(port=8, outstanding=1))),
    "base, addresses of 32 bits": lambda: BaseRules(Base(small())),
    "fetch, a quarter of an instruction per vector": lambda: FetchRules(Fetch(small())),
    "fetch, two instructions per vector": lambda: FetchRules(Fetch(small(vector=32))),
    "reader, one burst at a time": lambda: ReaderRules(Reader(small(outstanding=1))),
}
LONG: dict[str, Claim] = {
    "joined": lambda: Joined(machine, small()),
    "reader, vectors of one beat": lambda: ReaderRules(Reader(small())),
    "reader, vectors of two beats": lambda: ReaderRules(Reader(small(beat=2))),
    "reader, bursts of 4 KiB": lambda: ReaderRules(Reader(small(vector=16, beat=16, burst=256, outstanding=1))),
    "writer, vectors of one beat": lambda: WriterRules(Writer(small())),
    "writer, vectors of two beats": lambda: WriterRules(Writer(small(beat=2))),
    "writer, bursts of one beat": lambda: WriterRules(Writer(small(burst=1))),
    "writer, bursts of 4 KiB": lambda: WriterRules(Writer(small(vector=16, beat=16, burst=256))),
}


def _told(verdict: Verdict) -> str:
    return f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.parametrize("name", [*QUICK, *SIZES])
def test_holds_for_ever(name: str) -> None:
    verdict = always(QUICK[name][0]() if name in QUICK else SIZES[name](), 1)
    assert verdict.holds, _told(verdict)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LONG)
def test_holds_for_ever_at_length(name: str) -> None:
    verdict = always(LONG[name](), 1)
    assert verdict.holds, _told(verdict)


@pytest.mark.parametrize("name", QUICK)
def test_the_assumptions_can_be_met(name: str) -> None:
    claim, depth = QUICK[name]
    verdict = reachable(claim(), depth)
    assert verdict.holds, _told(verdict)


@pytest.mark.slow
def test_the_assumptions_about_the_reader_can_be_met() -> None:
    verdict = reachable(ReaderRules(Reader(small(beat=2))), 14)
    assert verdict.holds, _told(verdict)


@pytest.mark.slow
def test_the_assumptions_about_the_writer_can_be_met() -> None:
    verdict = reachable(WriterRules(Writer(small(burst=2))), 12)
    assert verdict.holds, _told(verdict)


@pytest.mark.parametrize("depth", [4, 8, 16, 64])
def test_fifos_count_as_the_proofs_take_them(depth: int) -> None:
    verdict = always(FifoContract(depth), 1)
    assert verdict.holds, _told(verdict)


@pytest.mark.parametrize("depth", [4, 64])
def test_stored_queues_lose_nothing(depth: int) -> None:
    verdict = always(StoredContract(StoredQueue(width=1, depth=depth)), 1)
    assert verdict.holds, _told(verdict)


@pytest.mark.parametrize("data", [FifoData, RegisteredData, ShiftData, StoredData])
def test_fifos_give_what_went_in(data: type[FifoData | StoredData]) -> None:
    verdict = bounded(data(4), 14)
    assert verdict.holds, _told(verdict)
