"""Scripts for Yosys: every file that they read is there, and what they pack fits the block."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from skipbeat_hw.tools.synthesis_flows import CHOSEN_SUM, MULTIPLIER, Flow, ecp5, gowin, nexus, ultrascale_plus

FLOWS = [ecp5, ultrascale_plus]
WRITTEN = {"netlist.json", "stat.json"}
Make = Callable[[str, tuple[int, int] | None], Flow]


@pytest.mark.parametrize("operands", [None, (8, 8), (5, 7)])
@pytest.mark.parametrize("make", FLOWS)
def test_every_file_is_there_and_used(make: Make, operands: tuple[int, int] | None) -> None:
    flow = make("mine", operands)
    named = set(re.findall(r"-map (?!\+)(\S+)", flow.script))
    assert named == set(flow.files)
    assert (operands is None) == (not flow.files)
    assert flow.script.startswith("read_verilog design.v\nhierarchy -top mine\n")
    assert all(name in flow.script for name in WRITTEN)
    assert "-top mine" in flow.script.partition("synth_")[2]
    assert flow.script.endswith("\n")


@pytest.mark.parametrize("operands", [None, (8, 8)])
def test_the_choice_before_an_adder_has_its_widths(operands: tuple[int, int] | None) -> None:
    flow = ecp5("mine", operands, (13, 7))
    assert set(re.findall(r"-map (?!\+)(\S+)", flow.script)) == set(flow.files)
    for name in ("chosen_sum.v", "ccu2c.v"):
        assert flow.files[name].count(f"module {CHOSEN_SUM}(") == 1
        assert "signed [12:0] a, input signed [12:0] b, input signed [6:0] c" in flow.files[name]


@pytest.mark.parametrize("make", [nexus, gowin])
def test_a_design_with_pins_is_counted_before_they_are_one_netlist(make: Callable[[str, str], Flow]) -> None:
    flow = make("mine", "module around;")
    steps = flow.script.splitlines()
    assert flow.files == {"pins.v": "module around;"}
    assert steps.index("flatten mine") < steps.index("tee -q -o stat.json stat -json") < steps.index("flatten")
    assert steps[-1] == "write_json netlist.json"


@pytest.mark.parametrize(("a", "b"), [(8, 8), (5, 7), (18, 18)])
def test_the_block_has_the_widths_of_the_multiplier(a: int, b: int) -> None:
    files = ecp5("mine", (a, b)).files
    for name in ("multiplier.v", "mult18x18d.v"):
        assert files[name].count(f"module {MULTIPLIER}(") == 1
        assert f"signed [{a - 1}:0] a," in files[name]
        assert f"signed [{b - 1}:0] b," in files[name]
        assert f"signed [{a + b - 1}:0] p" in files[name]
    pins = re.findall(r"\.([ABP])(\d+)\(", files["mult18x18d.v"])
    counts = {port: sorted(int(number) for name, number in pins if name == port) for port in "ABP"}
    assert counts == {"A": [*range(18)], "B": [*range(18)], "P": [*range(36)]}
