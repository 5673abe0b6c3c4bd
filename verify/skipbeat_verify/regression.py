"""The regression of the core: random cases on the RTL under cocotb against the models, clock by clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.command import CoreError
from skipbeat_arch.errors import InputError, ToolError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import unpack_array

from .contradictions import Contradiction
from .cosimulation import SimulatorName, cosimulate, first_difference, rtl_core, verilog_of
from .port_recording import OUTPUTS, PortRecording
from .regression_cases import RegressionCase, regression_case


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case: its description, the clocks that it ran on the RTL, and why it failed, if it did."""

    index: int
    case: str
    clocks: int
    failure: str | None


def run_cases(
    indices: Sequence[int], seed: int, simulator: SimulatorName, hardware: Hardware | None = None, jobs: int = 1
) -> Iterator[Outcome]:
    """Run cases of a seed, `jobs` at a time, and yield what came of them in their order.

    Args:
        hardware: run all of them on this hardware; None draws it from the pool.

    Raises:
        InputError: a tool that the simulator needs is missing.
    """
    if jobs == 1 or len(indices) == 1:
        yield from (run_case(seed, index, simulator, hardware) for index in indices)
        return
    import joblib

    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2 * n_jobs")
    yield from parallel(joblib.delayed(_run_in_worker)(seed, index, simulator, hardware) for index in indices)


def _run_in_worker(seed: int, index: int, simulator: SimulatorName, hardware: Hardware | None) -> Outcome:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is the parent's, which ends its workers
    return run_case(seed, index, simulator, hardware)


def run_case(seed: int, index: int, simulator: SimulatorName, hardware: Hardware | None = None) -> Outcome:
    """Run one case. Whatever goes wrong in it is its failure, but for a tool that is missing or fails.

    Raises:
        InputError: a tool that the simulator needs is missing.
    """
    case = regression_case(seed, index, hardware)
    try:
        clocks, failure = _run(case, simulator)
    except (InputError, ToolError):
        raise
    except Exception as error:  # a defect of any part is what a regression is to find, and to be able to repeat
        clocks, failure = 0, f"{type(error).__name__}: {error}"
    return Outcome(index=index, case=str(case), clocks=clocks, failure=failure)


def _run(case: RegressionCase, simulator: SimulatorName) -> tuple[int, str | None]:
    """Clocks on the RTL, and the failure."""
    if case.wrong is not None:
        return _run_wrong(case, case.wrong, simulator)
    core = rtl_core(case.hardware, simulator, cocotb=True)
    result = cosimulate(case.streams, core, case.willing)
    if result.agrees:
        return result.rtl.cycles, None
    if (difference := first_difference(result.rtl, result.model)) is not None:
        failure = difference
    elif not result.bit_exact:
        failure = f"sums differ from integer arithmetic (error {CoreError(result.rtl.error).name.lower()})"
    elif result.timing is not None and result.timing.cycles != result.rtl.cycles:
        failure = f"the RTL took {result.rtl.cycles} clocks, the timing model says {result.timing.cycles}"
    else:
        failure = f"events: timing model {result.timing and result.timing.events}, cycle model {result.events}"
    return result.rtl.cycles, failure


def _run_wrong(case: RegressionCase, wrong: Contradiction, simulator: SimulatorName) -> tuple[int, str | None]:
    """A contradictory stream up to its error, a reset, and the sound passes, all in one simulation."""
    from skipbeat_hw.simulation.lockstep import describe_mismatch, run_lockstep

    recording = PortRecording(case.hardware)
    error = recording.run(wrong.stimulus)
    if error != wrong.error:
        return 0, f"{wrong.kind}: expected {wrong.error.name.lower()}, the model ends with {error.name.lower()}"
    recording.run(case.streams.stimulus(case.willing))
    seen = run_lockstep(verilog_of(case.hardware), "core", recording.inputs, OUTPUTS, simulator, backend="cocotb")
    failure = describe_mismatch(recording.expected, seen)
    if failure is None and not _exact(case, recording, seen):
        failure = "sums differ from integer arithmetic after the error and the reset"
    return recording.clocks, failure


def _exact(case: RegressionCase, recording: PortRecording, seen: dict[str, list[int | None]]) -> bool:
    """The sums that left the RTL after the reset are those of integer arithmetic."""
    cols, bits = case.hardware.array.cols, case.hardware.numbers.accumulator_bits
    items: list[list[int]] = []
    for clock in range(recording.starts[-1], recording.clocks):
        payload = seen["results__payload"][clock]
        if payload is not None and seen["results__valid"][clock] and recording.inputs["results__ready"][clock]:
            items.append(unpack_array(payload, cols, bits, signed=True))
    return bool(np.array_equal(np.array(items, np.int64).reshape(-1, cols), case.streams.sums))
