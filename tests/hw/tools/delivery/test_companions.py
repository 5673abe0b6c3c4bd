"""Constraints and the IP packager's script: what a vendor's tool would be told, told to Tcl without that tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.tools.delivery.companions import STATIC, companions

HW = load_hardware("tiny-4x4", ["name=mine", "clock_mhz=125"])
TOP = "npu_accelerator"
#: As much of an accelerator as is looked at; that the real one has these registers is tested with its page.
VERILOG = f"""
module {TOP}(clk, m_axi_araddr);
{"".join(f"  reg [31:0] {name} = 32'd0;{chr(10)}" for name in STATIC)}  input clk;
  output [31:0] m_axi_araddr;
endmodule
"""

#: Every command of a vendor's tool answers with its own words, and is written down.
RECORDER = """
proc unknown {args} {
  lappend ::said $args
  return "<$args>"
}
set said {}
"""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return companions(VERILOG, TOP, [f"{TOP}.v", "more.v"], HW)


def said(text: str, script: Path) -> list[str]:
    """The vendor's commands that a Tcl text calls, in their order."""
    tcl = pytest.importorskip("tkinter", exc_type=ImportError).Tcl()
    tcl.eval(RECORDER)
    script.write_text(text)
    tcl.eval(f"source {{{script}}}")
    return [str(tcl.eval(f"lindex $said {i}")) for i in range(int(tcl.eval("llength $said")))]


def test_there_is_what_the_flow_needs(texts: dict[str, str]) -> None:
    assert set(texts) == {"filelist.f", f"{TOP}.xdc", f"{TOP}_ooc.xdc", f"{TOP}.sdc", f"package_{TOP}.tcl"}
    assert texts["filelist.f"].split() == [f"{TOP}.v", "more.v"]
    assert texts[f"{TOP}.sdc"] == texts[f"{TOP}_ooc.xdc"] + texts[f"{TOP}.xdc"]


def test_constraints(texts: dict[str, str], tmp_path: Path) -> None:
    """The clock, and an exception for each register that is there to have one."""
    ports, clock, *exceptions = said(texts[f"{TOP}.sdc"], tmp_path / "mine.sdc")
    assert ports == "get_ports clk"
    assert clock == "create_clock -name clk -period 8.000 {<get_ports clk>}"
    assert [line for line in exceptions if line.startswith("get_cells")] == [
        f"get_cells {{{name}_reg[*]}}" for name in STATIC for _ in ("setup", "hold")
    ]
    assert [line.split()[1:3] for line in exceptions if line.startswith("set_multi")] == len(STATIC) * [
        ["2", "-setup"],
        ["1", "-hold"],
    ]


def test_the_packager(texts: dict[str, str], tmp_path: Path) -> None:
    """Files, clock, reset and interrupt are named, and files that it names are those that are written."""
    lines = said(texts[f"package_{TOP}.tcl"], tmp_path / "package.tcl")
    assert (tmp_path / "ip" / TOP).is_dir()
    added = [line.split()[-1] for line in lines if line.startswith("add_files")]
    assert added == [str(tmp_path / name) for name in (f"{TOP}.v", "more.v", f"{TOP}_ooc.xdc", f"{TOP}.xdc")]
    inferred = [line.split()[1:3] for line in lines if line.startswith("ipx::infer_bus_interface")]
    assert [[name, kind.split(":")[2]] for name, kind in inferred] == [
        ["clk", "clock_rtl"],
        ["rst", "reset_rtl"],
        ["interrupt_o", "interrupt_rtl"],
    ]
    associated = [line for line in lines if line.startswith("ipx::associate_bus_interfaces")]
    assert [line.split()[2] for line in associated] == ["m_axi", "s_axi", "clk"]
    assert lines[-1].startswith("ipx::save_core")


def test_a_core_has_no_bus() -> None:
    """Only an accelerator becomes an IP, and only its registers are static."""
    core = companions("\nmodule core(clk);\n  input clk;\nendmodule\n", "core", ["core.v"], HW)
    assert set(core) == {"filelist.f", "core_ooc.xdc", "core.sdc"}
