"""A planted fault changes a small circuit, where it can be seen and only while it is switched on."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from skipbeat_hw.simulation.verilated import shared_object
from skipbeat_hw.tools.equivalence import proves_equivalent
from skipbeat_hw.tools.mutation import CONTROL, Mutated, mutate

#: Adds 4 bits, of which it shows the lower 3; `level` never leaves 0.
VERILOG = """
module small(input clk, input [3:0] a, input [3:0] b, output reg [2:0] y);
  wire [3:0] sum = a + b;
  reg [1:0] level = 0;
  always @(posedge clk) begin
    y <= sum[2:0] ^ {3{level == 3}};
    if (level == 1) level <= 3;
  end
endmodule
"""
HARNESS = """
#include "Vtop.h"
extern "C" int sum(int mutant, int a, int b) {
    Vtop top;
    top.mutant = mutant, top.a = a, top.b = b;
    top.clk = 0, top.eval();
    top.clk = 1, top.eval();
    return top.y;
}
"""


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Mutated:
    patch = pytest.MonkeyPatch()
    patch.setenv("SKIPBEAT_CACHE", str(tmp_path_factory.mktemp("build")))
    try:
        return mutate(VERILOG, "small", 40, seed=1)
    finally:
        patch.undo()


def test_control_port(mutated: Mutated) -> None:
    assert f"input [15:0] {CONTROL}" in mutated.verilog
    assert [m.number for m in mutated.mutations] == sorted({m.number for m in mutated.mutations})


@pytest.mark.slow
def test_faults_change_the_circuit(mutated: Mutated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPBEAT_CACHE", str(tmp_path))
    library = ctypes.CDLL(str(shared_object(mutated.verilog, "small", HARNESS)))
    pairs = [(a, b) for a in range(16) for b in range(16)]
    assert all(library.sum(0, a, b) == (a + b) % 8 for a, b in pairs)
    seen = {m.number: any(library.sum(m.number, a, b) != (a + b) % 8 for a, b in pairs) for m in mutated.mutations}
    on_the_sum = [m for m in mutated.mutations if m.wire == "y" and m.mode in ("inv", "const0", "const1")]
    assert on_the_sum
    assert all(seen[m.number] for m in on_the_sum)
    assert not any(seen[m.number] for m in mutated.mutations if not m.observable)
    for m in mutated.mutations[:12]:
        if proves_equivalent(mutated.prepared, "small", m.command, seconds=60):
            assert not seen[m.number], m


def test_upper_bits_that_are_not_shown(mutated: Mutated) -> None:
    of_operands = [m for m in mutated.mutations if "$add" in m.cell and m.port in ("A", "B", "Y")]
    assert of_operands
    for m in of_operands:
        assert m.observable == (m.bit < 3), m
