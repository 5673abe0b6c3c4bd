"""The generator's Verilog with readable names: the same design, beside others of its kind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.readable import readable
from skipbeat_hw.tools.verilog import accelerator_verilog, core_verilog, machine_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.tools.linted import linted
from tests.sim.machine.machine_programs import MachineProgram

TEXT = """module \\top.part (clk, y);
  reg \\$auto$verilog_backend.cc:2352:dump_module$3  ;
  wire [3:0] \\$4 ;
  wire n4;
  wire \\program ;
  assign \\$4 [0] = 4'hf; // \\$4
endmodule
module top(clk, y);
  \\top.part  part (
    .clk(clk)
  );
  other part_of (
    .\\a.b (clk)
  );
endmodule
"""


def test_names_are_plain_and_modules_have_the_prefix() -> None:
    assert readable(TEXT, "left_") == (
        "module left_top_part(clk, y);\n  reg start_3  ;\n  wire [3:0] n4_ ;\n  wire n4;\n  wire program_ ;\n"
        "  assign n4_ [0] = 4'hf; // \\$4\nendmodule\nmodule left_top(clk, y);\n  left_top_part  part (\n"
        "    .clk(clk)\n  );\n  other part_of (\n    .a_b (clk)\n  );\nendmodule\n"
    )


def test_modules_that_would_collide_are_refused() -> None:
    with pytest.raises(ValueError, match="the same name"):
        readable("module \\a.b (x);\nendmodule\nmodule a_b(x);\nendmodule\n")


def test_two_cores_in_one_design(tmp_path: Path) -> None:
    """Nothing is escaped, every module has its prefix, and the linter finds no module twice."""
    text = core_verilog(load_hardware("tiny-4x4", ["array.rows=2"]))
    left, right = readable(text, "left_"), readable(text, "right_")
    assert "\\" not in left
    names = re.findall(r"^module (\S+?)\(", left, re.MULTILINE)
    assert len(names) == len(re.findall(r"^module ", text, re.MULTILINE))
    assert all(name.startswith("left_") for name in names)
    ports = "input clk, input rst"
    places = "".join(f"  {side}_core {side} (.clk(clk), .rst(rst));\n" for side in ("left", "right"))
    both = f"/* verilator lint_off PINMISSING */\nmodule both({ports});\n{places}endmodule\n{left}{right}"
    assert linted(both, "both", tmp_path) == ""


@pytest.mark.slow
def test_an_accelerator(tmp_path: Path) -> None:
    text = readable(accelerator_verilog(Machine.of(load_hardware("tiny-4x4"))), "npu_")
    assert "\\" not in text
    assert linted(text, "npu_accelerator", tmp_path) == ""


@pytest.mark.slow
def test_a_machine_does_what_it_did() -> None:
    """The same clocks and the same memory as the cycle model's."""
    machine = Machine.of(load_hardware("tiny-4x4"))
    rtl = VerilatedMachine(readable(machine_verilog(machine)), machine)
    program = MachineProgram.random(machine, np.random.default_rng(0), units=3)
    count = len(program.instructions)
    model = run_machine(machine, program.memory, 0, count, max_clocks=50_000)
    run = rtl.run(program.memory, 0, count, max_clocks=50_000)
    assert (run.cycles, run.done, run.error) == (model.cycles, True, 0)
    np.testing.assert_array_equal(run.memory, model.memory)
