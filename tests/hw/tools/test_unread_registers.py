"""What differs only while nobody looks at it is proved to change nothing, and what is looked at is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from skipbeat_hw.tools.mutation import Mutation, mutate
from skipbeat_hw.tools.unread_registers import proves_unread

pytest.importorskip("z3", reason="the extra `synth` (z3) is not installed")

#: `left` is looked at while it walks; meanwhile it is what `idle` says. No more is put in than there is room for.
VERILOG = """
module idle(input walks, input [3:0] otherwise, input [3:0] following, output [3:0] y);
  assign y = walks ? following : otherwise;
endmodule
module guard(input put, input there, output y);
  assign y = put & there;
endmodule
module walker(input clk, start, stop, ask, take, input [3:0] n, output [3:0] shown, output full);
  reg walking = 0;
  reg [3:0] left = 0;
  wire [3:0] next;
  idle idle(.walks(walking | start), .otherwise(4'd0), .following(start ? n : left - 4'd1), .y(next));
  assign shown = walking ? left : 4'd0;
  reg put = 0;
  reg [2:0] room = 4, level = 0;
  wire asked = ask & room != 0, taken = take & level != 0, puts;
  guard guard(.put(put), .there(level != 4), .y(puts));
  assign full = level == 4;
  always @(posedge clk) begin
    walking <= start | walking & !stop;
    left <= next;
    put <= asked;
    room <= room - asked + taken;
    level <= level + puts - taken;
  end
endmodule
"""
SUMS = (("room", "level", "put"),)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, tuple[Mutation, ...]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("SKIPBEAT_CACHE", str(tmp_path_factory.mktemp("build")))
    try:
        mutated = mutate(VERILOG, "walker", 400, seed=1)
    finally:
        patch.undo()
    return mutated.prepared, mutated.mutations


Faults = tuple[str, tuple[Mutation, ...]]


def flag(faults: Faults, module: str, port: str, mode: str, sums: Sequence[Sequence[str]] = ()) -> str | None:
    prepared, mutations = faults
    command = next(m.command for m in mutations if (m.module, m.port, m.mode) == (module, port, mode))
    return proves_unread(prepared, "walker", command, seconds=60, sums=sums)


def test_a_value_while_nobody_walks(faults: Faults) -> None:
    assert flag(faults, "idle", "A", "inv") == "walking"
    assert flag(faults, "idle", "B", "const1") is None
    assert flag(faults, "idle", "S", "inv") is None


def test_a_queue_that_is_never_full_when_something_is_put_in(faults: Faults) -> None:
    assert flag(faults, "guard", "B", "const1") is None
    assert flag(faults, "guard", "B", "const1", sums=SUMS) == ""
    assert flag(faults, "guard", "A", "const1", sums=SUMS) is None


def test_what_is_no_sum(faults: Faults) -> None:
    with pytest.raises(ValueError, match="their sum is not always 4"):
        flag(faults, "guard", "B", "const1", sums=(("room", "level"),))
