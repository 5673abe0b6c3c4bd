"""The model's recording at the ports says the same as the model's own run."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import load_hardware
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.contradictions import contradiction
from skipbeat_verify.port_recording import PortRecording
from skipbeat_verify.regression_cases import random_willing, regression_case


def test_a_recording_agrees_with_the_run_before_and_after_a_reset() -> None:
    hw = load_hardware("tiny-4x4")
    case = next(c for c in (regression_case(0, i, hw) for i in range(100)) if not c.ideal and len(c.streams.tiles))
    offered = case.streams.stimulus(case.willing)
    run, _ = run_core(hw, offered, trace=True)
    recording = PortRecording(hw)
    rng = np.random.default_rng(1)
    wrong = contradiction("truncated tile", hw, rng, random_willing(rng))
    assert recording.run(offered) == CoreError.NONE
    assert recording.run(wrong.stimulus) == CoreError.TRUNCATED_TILE
    assert recording.run(offered) == CoreError.NONE
    assert run.trace is not None
    for start in (recording.starts[0], recording.starts[2]):
        clocks = slice(start, start + run.cycles)
        for column, port in enumerate(("commands", "weights", "activations")):
            assert recording.inputs[f"{port}__valid"][clocks] == run.trace[:, 2 * column].tolist()
            assert recording.expected[f"{port}__ready"][clocks] == run.trace[:, 2 * column + 1].tolist()
        assert recording.expected["results__valid"][clocks] == run.trace[:, 6].tolist()
    assert recording.clocks == recording.starts[2] + run.cycles
    halted = recording.starts[2] - 2  # the clock before the reset
    assert recording.expected["error"][halted] == CoreError.TRUNCATED_TILE
    assert recording.expected["commands__ready"][halted] == 0
    assert recording.inputs["rst"].count(1) == 2
