"""Which bits of a netlist reach an output: cells one by one, and netlists by hand."""

from __future__ import annotations

from skipbeat_hw.tools.observable import Cell, Netlist, Observable, influences, register_name

BINARY = {"A": "input", "B": "input", "Y": "output"}
DFF = {"CLK": "input", "D": "input", "Q": "output"}


def adder(a: list[int | str], b: list[int | str], y: list[int | str]) -> Cell:
    return {"type": "$add", "port_directions": BINARY, "connections": {"A": a, "B": b, "Y": y}}


def register(d: list[int | str], q: list[int | str]) -> Cell:
    return {"type": "$dff", "port_directions": DFF, "connections": {"CLK": [1], "D": d, "Q": q}}


def module(cells: dict[str, Cell], **ports: tuple[str, list[int | str]]) -> Netlist:
    return {
        "ports": {name: {"direction": direction, "bits": bits} for name, (direction, bits) in ports.items()},
        "cells": cells,
        "netnames": {name: {"hide_name": 0, "bits": bits} for name, (_, bits) in ports.items()},
    }


def test_upper_bits_of_a_sum_that_nobody_shows_are_not_reached() -> None:
    cells = {"sum": adder([10, 11, 12], [20, 21, 22], [30, 31, 32])}
    top = module(cells, a=("input", [10, 11, 12]), b=("input", [20, 21, 22]), y=("output", [30, 31]))
    found = Observable.of({"top": top}, "top").bits
    assert found == {("top", "sum", port, bit) for port in "ABY" for bit in (0, 1)}


def test_a_register_that_feeds_only_itself_is_not_reached() -> None:
    """Bit 1 of a counter depends on bits 0 and 1; bit 2 goes round and comes out nowhere."""
    cells = {"next": adder([10, 11, 12], ["1"], [20, 21, 22]), "count": register([20, 21, 22], [10, 11, 12])}
    found = Observable.of({"top": module(cells, clk=("input", [1]), y=("output", [11]))}, "top").bits
    assert {bit for _, cell, port, bit in found if (cell, port) == ("count", "D")} == {0, 1}
    assert ("top", "count", "CLK", 0) in found
    assert not [each for each in found if each[3] == 2]


def test_a_bit_is_reached_if_it_is_in_one_instance() -> None:
    """Two places of a module with two outputs: one shows the first, the other the second."""
    inner = module(
        {"up": register([2], [4]), "down": register([3], [5])},
        clk=("input", [1]),
        a=("input", [2]),
        b=("input", [3]),
        x=("output", [4]),
        y=("output", [5]),
    )
    directions = {"clk": "input", "a": "input", "b": "input", "x": "output", "y": "output"}

    def of(first: int, second: int) -> Cell:
        connections: dict[str, list[int | str]] = {"clk": [1], "a": [8], "b": [9], "x": [first], "y": [second]}
        return {"type": "inner", "port_directions": directions, "connections": connections}

    def reached(*shown: int | str) -> set[str]:
        cells = {"one": of(20, 21), "two": of(22, 23)}
        top = module(cells, clk=("input", [1]), a=("input", [8]), b=("input", [9]), out=("output", [*shown]))
        found = Observable.of({"top": top, "inner": inner}, "top").bits
        return {cell for name, cell, port, _ in found if name == "inner" and port == "Q"}

    assert reached(20) == reached(22) == {"up"}
    assert reached(21) == {"down"}
    assert reached(20, 23) == {"up", "down"}
    assert reached("0") == set()


def test_registers_have_the_designer_s_name() -> None:
    top = module(
        {"$procdff$1": register([2], [3]), "sum": adder([2], [2], [4])}, level=("output", [3]), y=("output", [4])
    )
    top["netnames"]["$auto$3"] = {"hide_name": 1, "bits": [3]}
    assert register_name(top, "$procdff$1") == "level"
    assert register_name(top, "sum") == ""
    assert register_name(top, "nothing") == ""
    del top["netnames"]["level"]
    assert register_name(top, "$procdff$1") == ""


def test_bits_of_cells() -> None:
    directions = {"A": "input", "B": "input", "S": "input", "Y": "output"}
    wide: list[int | str] = [2, 3, 4, 5]
    cell: Cell = {"type": "$add", "port_directions": directions, "connections": {"A": wide, "B": [6, 7], "Y": wide}}
    assert set(influences(cell, "Y", 2)) == {("A", 0), ("A", 1), ("A", 2), ("B", 0), ("B", 1)}
    cell = {"type": "$and", "port_directions": directions, "connections": {"A": wide, "B": [6, 7], "Y": wide}}
    assert set(influences(cell, "Y", 3)) == {("A", 3), ("B", 1)}
    cell = {
        "type": "$pmux",
        "port_directions": directions,
        "connections": {"A": [2, 3], "B": wide, "S": [8, 9], "Y": [10, 11]},
    }
    assert set(influences(cell, "Y", 1)) == {("A", 1), ("B", 1), ("B", 3), ("S", 0), ("S", 1)}
    cell = {"type": "$eq", "port_directions": directions, "connections": {"A": [2, 3], "B": [4, 5], "Y": [6]}}
    assert set(influences(cell, "Y", 0)) == {("A", 0), ("A", 1), ("B", 0), ("B", 1)}
