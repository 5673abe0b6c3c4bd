from __future__ import annotations

import itertools
import random
import shutil
from typing import Literal

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation.lockstep import describe_mismatch, run_lockstep
from skipbeat_hw.simulation.lockstep_table import Held, Observed

Where = tuple[Literal["verilator", "icarus"], Literal["cocotb", "shared"]]
UNWRITTEN = """
module unwritten(clk, en, x, y);
  input clk;
  wire clk;
  input en;
  wire en;
  input [69:0] x;
  wire [69:0] x;
  output [69:0] y;
  reg [69:0] y;
  always @(posedge clk) if (en) y <= x;
endmodule
"""

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@pytest.fixture(params=["verilator-shared", "verilator-cocotb", pytest.param("icarus-cocotb", marks=needs_icarus)])
def where(request: pytest.FixtureRequest) -> Where:
    places: dict[str, Where] = {
        "verilator-shared": ("verilator", "shared"),
        "verilator-cocotb": ("verilator", "cocotb"),
        "icarus-cocotb": ("icarus", "cocotb"),
    }
    return places[request.param]


def test_every_clock_of_a_register_with_reset_in_the_middle(accumulate: str, where: Where) -> None:
    xs = [random.Random(3).randint(-16, 15) for _ in range(60)]
    rst = [int(clock == 25) for clock in range(60)]
    sums, total = [], 0
    for x, reset in zip(xs, rst, strict=True):
        sums.append(total % (1 << 70))
        total = 0 if reset else total + x
    got = run_lockstep(
        accumulate, "accumulate", {"x": xs, "rst": rst}, ["sum", "sign", "x"], where[0], backend=where[1]
    )
    expected = {"sum": sums, "sign": [int(x < 0) for x in xs], "x": [x % 32 for x in xs]}
    assert describe_mismatch(expected, got) is None
    assert got == expected
    assert any(s >= 1 << 64 for s in sums)


def test_held_stream_obeys_the_handshake(fifo: str, where: Where) -> None:
    rng = random.Random(5)
    items = [rng.getrandbits(100) for _ in range(30)]
    ready = [int(rng.random() < 0.6) for _ in range(120)]
    willing = [True, False, True]
    names = [f"{stream}__{part}" for stream in "io" for part in ("payload", "valid", "ready")]
    got = run_lockstep(
        fifo, "fifo", {"o__ready": ready}, names, where[0], backend=where[1], streams={"i": Held(items, willing)}
    )
    assert _taken(got, "i") == items
    assert _taken(got, "o") == items
    for clock, (valid, taken) in enumerate(itertools.pairwise(zip(got["i__valid"], got["i__ready"], strict=True))):
        if valid == (1, 0):
            assert taken[0] == 1
            assert got["i__payload"][clock] == got["i__payload"][clock + 1]
        elif taken[0]:
            assert willing[(clock + 1) % 3]
    assert any(v and not r for v, r in zip(got["i__valid"], got["i__ready"], strict=True)), "never held: test too easy"


def _taken(got: Observed, stream: str) -> list[int | None]:
    columns = (got[f"{stream}__{part}"] for part in ("payload", "valid", "ready"))
    return [payload for payload, valid, ready in zip(*columns, strict=True) if valid and ready]


def test_all_backends_agree_on_streams_that_break_the_rules(fifo: str, where: Where) -> None:
    rng = random.Random(7)
    inputs = {
        "i__payload": [rng.getrandbits(100) for _ in range(80)],
        "i__valid": [rng.getrandbits(1) for _ in range(80)],
        "o__ready": [rng.getrandbits(1) for _ in range(80)],
    }
    outputs = ["i__ready", "o__valid", "o__payload"]
    reference = run_lockstep(fifo, "fifo", inputs, outputs)
    got = run_lockstep(fifo, "fifo", inputs, outputs, where[0], backend=where[1])
    # Without valid the payload is what a memory without initial values holds: undefined on Icarus.
    payload = [p if v else None for p, v in zip(reference["o__payload"], reference["o__valid"], strict=True)]
    assert describe_mismatch(reference | {"o__payload": payload}, got) is None
    assert any(reference["o__valid"])


def test_module_without_clock(adder: str, where: Where) -> None:
    a, b = [2**40 - 1, 0, 12345], [1, 0, 2**39]
    got = run_lockstep(adder, "adder", {"a": a, "b": b}, ["total"], where[0], backend=where[1])
    assert got == {"total": [x + y for x, y in zip(a, b, strict=True)]}


@needs_icarus
def test_undefined_outputs_are_none_on_icarus() -> None:
    inputs = {"en": [0, 0, 1, 0], "x": [1, 2, 1 << 69, 4]}
    got = run_lockstep(UNWRITTEN, "unwritten", inputs, ["y"], "icarus", backend="cocotb")
    assert got == {"y": [None, None, None, 1 << 69]}
    assert describe_mismatch({"y": [0, 0, 0, 1 << 69]}, got) == "port y, clock 0: expected 0x0, got undefined"


def test_mismatch_names_the_earliest_port_and_clock() -> None:
    got = {"a": [1, 2, 3], "b": [1, 9, 3]}
    assert describe_mismatch({"a": [1, 2, 4], "b": [1, 2, 3]}, got) == "port b, clock 1: expected 0x2, got 0x9"
    assert describe_mismatch({"a": [1, 2, None]}, got) is None
    assert describe_mismatch({"a": [1, 2]}, got) == "port a: expected 2 clocks, got 3"
    assert describe_mismatch({"c": [1]}, got) == "port c: expected 1 clocks, got none"


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ({"x": [1, 2], "rst": [0]}, ["sum"], "should have one length"),
        ({"x": [1], "y": [0]}, ["sum"], "'y' is not an input"),
        ({"x": [1], "clk": [0]}, ["sum"], "'clk' is not an input"),
        ({"rst": [1]}, ["sum"], "'x' has neither values nor a stream"),
        ({"x": [32]}, ["sum"], "value 32 at 0 does not fit in 5 bits"),
        ({"x": [1]}, ["total"], "no port 'total'"),
    ],
)
def test_bad_tables_are_named(accumulate: str, inputs: dict[str, list[int]], outputs: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_lockstep(accumulate, "accumulate", inputs, outputs)


def test_bad_streams_and_simulators_are_named(fifo: str) -> None:
    ready = {"o__ready": [1]}
    with pytest.raises(InputError, match="no input stream 'o'"):
        run_lockstep(fifo, "fifo", {}, [], streams={"o": Held([1])}, clocks=1)
    with pytest.raises(InputError, match="at least one entry"):
        run_lockstep(fifo, "fifo", ready, [], streams={"i": Held([1], [])})
    with pytest.raises(InputError, match="simulator 'icarus' expects backend 'cocotb'"):
        run_lockstep(fifo, "fifo", ready, [], "icarus", streams={"i": Held([1])})
