"""The tables of a simulation: plain columns in a pipe, numbers as people read them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from skipbeat_reports.simulated import print_simulation


def report(agrees: bool = True, **changes: Any) -> dict[str, Any]:
    layer: dict[str, Any] = {"rtl_cycles": None, "model_cycles": 1234567, "timing_cycles": 1234567, "steps": 40}
    layer |= {"name": "conv\x1b[2J", "bound": "memory", "bounds": {"memory": 1000, "compute": 40}}
    facts = {"agrees": agrees, "rtl_cycles": None, "core_speed": 0.4125, "seed": 123456, "model": "zoo:x"}
    return {**facts, "counters": {"idle": 1000}, "layers": [layer]} | changes


def test_layers_facts_and_counters() -> None:
    out = io.StringIO()
    print_simulation(report(), out)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines[0] == "layer bound least RTL cycles model cycles timing cycles core's steps"
    assert lines[1] == "conv?[2J memory 1,000 – 1,234,567 1,234,567 40"
    assert {"agrees True", "rtl_cycles –", "core_speed 0.412", "seed 123456", "idle 1,000"} <= set(lines)
    assert lines[-1] == "Everything that ran agrees."


def test_what_is_left_to_the_host_is_named() -> None:
    out = io.StringIO()
    print_simulation(report(host_operators={"gelu": 2, "layer_norm": 1}), out)
    assert out.getvalue().splitlines()[-2] == "Left to the host, for each input, in float64: 2 gelu, 1 layer_norm"


@pytest.mark.parametrize("agrees", [True, False])
def test_the_last_line_says_whether_it_agrees(agrees: bool) -> None:
    out = io.StringIO()
    print_simulation(report(agrees), out)
    assert out.getvalue().endswith("agrees.\n" if agrees else "NO AGREEMENT\n")
