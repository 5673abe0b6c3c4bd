"""Equal cells side by side: submodules by themselves, places of one module where they are shared."""

from __future__ import annotations

from amaranth import Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_hw.core.cells import SharedCells, place
from skipbeat_hw.tools.verilog import generate
from tests.hw.in_process import converted, simulate

CELLS = 3


class Cell(wiring.Component):
    """Adds one, a clock later."""

    def __init__(self) -> None:
        super().__init__({"x_i": In(4), "y_o": Out(4)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.d.sync += self.y_o.eq(self.x_i + 1)
        return m


class Chain(wiring.Component):
    """Cells in a row; `made` counts those that were."""

    def __init__(self) -> None:
        self.made = 0
        super().__init__({"x_i": In(4), "y_o": Out(4)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nets = [self.x_i, *(Signal(4, name=f"net_{i}") for i in range(CELLS))]
        for number in range(CELLS):
            place(m, platform, f"cell_{number}", "shared_cell", self._make, x_i=nets[number], y_o=nets[number + 1])
        m.d.comb += self.y_o.eq(nets[-1])
        return m

    def _make(self) -> Cell:
        self.made += 1
        return Cell()


def test_each_place_counts_by_itself() -> None:
    inputs = [3, 15, 7, 0, 0, 0]
    seen = simulate(Chain(), {"x_i": inputs}, ["y_o"])["y_o"]
    assert seen[CELLS:] == [(x + CELLS) % 16 for x in inputs[:CELLS]]


def test_shared_cells_are_one_module_in_many_places() -> None:
    chain = Chain()
    text = generate(chain, "chain")
    assert chain.made == 1
    assert text.count("module shared_cell(") == 1
    assert text.count("shared_cell cell_") == CELLS
    assert converted(Chain(), "chain").count("cell_0") > 0
    assert "shared_cell" not in converted(Chain(), "chain")


def test_an_instance_has_every_port_its_clock_and_its_reset() -> None:
    shared, x, y = SharedCells(), Signal(4), Signal(4)
    first = shared.instance("shared_cell", Cell, {"x_i": x, "y_o": y})
    again = shared.instance("shared_cell", lambda: 1 / 0, {"x_i": y, "y_o": x})  # it is made once
    assert isinstance(first, Instance)
    assert isinstance(again, Instance)
    assert set(first.ports) == {"clk", "rst", "x_i", "y_o"}
    assert list(shared.cells) == ["shared_cell"]
    converted(shared.cells["shared_cell"], "shared_cell")
