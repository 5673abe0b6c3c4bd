"""The regression of the core: random cases on the RTL under cocotb against the models, clock by clock.

Cases of one hardware run one after the other in one simulation, each from reset: a process of cocotb takes a second to
start, and a case a tenth of it. A case that fails so is run again alone, which says whether it needs those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skipbeat_arch.command import CoreError
from skipbeat_arch.errors import InputError, ToolError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import unpack_array
from skipbeat_arch.workers import worker_processes

from .contradictions import Contradiction
from .cosimulation import Cosimulation, SimulatorName, first_difference, modelled, verilog_of
from .port_recording import OUTPUTS, PortRecording
from .regression_cases import RegressionCase, hardware_of, regression_case

if TYPE_CHECKING:
    from skipbeat_hw.simulation.lockstep_table import LockstepRun, Observed

#: Cases of one simulation.
TOGETHER = 25

#: Clocks on the RTL, and why a case failed, if it did.
_Verdict = tuple[int, str | None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case: its description, the clocks that it ran on the RTL, and why it failed, if it did.

    Attributes:
        before: cases that ran before it in the same simulation, where it fails only after them.
    """

    index: int
    case: str
    clocks: int
    failure: str | None
    before: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """A case that the models have run: what the RTL is to do, and what that is compared with."""

    run: LockstepRun
    judge: Callable[[Observed], _Verdict]


def run_cases(
    indices: Sequence[int], seed: int, simulator: SimulatorName, hardware: Hardware | None = None, jobs: int = 1
) -> Iterator[Outcome]:
    """Run cases of a seed, `jobs` simulations at a time, and yield what came of them: those of one hardware together.

    Args:
        hardware: run all of them on this hardware; None draws it from the pool.

    Raises:
        InputError: a tool that the simulator needs is missing.
    """
    batches = _batches(indices, seed, hardware)
    if jobs == 1 or len(batches) == 1:
        for batch in batches:
            yield from run_batch(seed, batch, simulator, hardware)
        return
    with worker_processes(jobs) as submit:
        for future in [submit(run_batch, seed, batch, simulator, hardware) for batch in batches]:
            yield from future.result()


def _batches(indices: Sequence[int], seed: int, hardware: Hardware | None) -> list[list[int]]:
    """Cases of one hardware, so many together."""
    by_name: dict[str, list[int]] = {}
    for index in indices:
        by_name.setdefault((hardware or hardware_of(seed, index)).name, []).append(index)
    return [own[first : first + TOGETHER] for own in by_name.values() for first in range(0, len(own), TOGETHER)]


def run_batch(
    seed: int, batch: Sequence[int], simulator: SimulatorName, hardware: Hardware | None = None
) -> list[Outcome]:
    """Run cases of one hardware in one simulation. Whatever goes wrong in one is its failure, but for missing tools.

    Raises:
        InputError: a tool that the simulator needs is missing.
    """
    cases = [regression_case(seed, index, hardware) for index in batch]
    try:
        verdicts = _run(cases, simulator)
    except (InputError, ToolError):
        raise
    except Exception as error:  # a defect of any part is what a regression is to find, and to be able to repeat
        return _each_alone(cases, f"{type(error).__name__}: {error}", simulator, hardware)
    return [
        _outcome(case, verdict, simulator, hardware, batch[:place])
        for place, (case, verdict) in enumerate(zip(cases, verdicts, strict=True))
    ]


def _each_alone(
    cases: Sequence[RegressionCase], failure: str, simulator: SimulatorName, hardware: Hardware | None
) -> list[Outcome]:
    """Cases whose simulation failed as a whole; if none of them fails alone, all of them together are the failure."""
    *before, last = cases
    if not before:
        return [Outcome(index=last.index, case=str(last), clocks=0, failure=failure)]
    found = [outcome for case in cases for outcome in run_batch(case.seed, [case.index], simulator, hardware)]
    if all(outcome.failure is None for outcome in found):
        found[-1] = replace(found[-1], failure=failure, before=tuple(case.index for case in before))
    return found


def _outcome(
    case: RegressionCase, verdict: _Verdict, simulator: SimulatorName, hardware: Hardware | None, before: Sequence[int]
) -> Outcome:
    """Of a case that failed after others: as it fails alone, or else with those that it needs before it."""
    clocks, failure = verdict
    if failure is not None and before:
        (own,) = run_batch(case.seed, [case.index], simulator, hardware)
        if own.failure is not None:
            return own
    needed = () if failure is None else tuple(before)
    return Outcome(index=case.index, case=str(case), clocks=clocks, failure=failure, before=needed)


def _run(cases: Sequence[RegressionCase], simulator: SimulatorName) -> list[_Verdict]:
    from skipbeat_hw.simulation.driver import CORE_TOP
    from skipbeat_hw.simulation.lockstep import run_in_turn

    prepared = [_sound(case) if case.wrong is None else _contradictory(case, case.wrong) for case in cases]
    runs = [each.run for each in prepared]
    seen = run_in_turn(verilog_of(cases[0].hardware), CORE_TOP, runs, simulator, backend="cocotb")
    return [each.judge(observed) for each, observed in zip(prepared, seen, strict=True)]


def _sound(case: RegressionCase) -> _Prepared:
    from skipbeat_hw.simulation.cocotb_core import core_run, read_run

    found = modelled(case.streams, case.willing)

    def judge(seen: Observed) -> _Verdict:
        compared = found.compared(read_run(found.offered, seen, case.hardware, trace=True))
        return compared.rtl.cycles, _failure(compared)

    return _Prepared(run=core_run(found.offered, case.hardware), judge=judge)


def _failure(result: Cosimulation) -> str | None:
    if result.agrees:
        return None
    if (difference := first_difference(result.rtl, result.model)) is not None:
        return difference
    if not result.bit_exact:
        return f"sums differ from integer arithmetic (error {CoreError(result.rtl.error).name.lower()})"
    if result.timing is not None and result.timing.cycles != result.rtl.cycles:
        return f"the RTL took {result.rtl.cycles} clocks, the timing model says {result.timing.cycles}"
    return f"events: timing model {result.timing and result.timing.events}, cycle model {result.events}"


def _contradictory(case: RegressionCase, wrong: Contradiction) -> _Prepared:
    """A contradictory stream up to its error, a reset, and the sound passes."""
    from skipbeat_hw.simulation.lockstep import describe_mismatch
    from skipbeat_hw.simulation.lockstep_table import LockstepRun

    recording = PortRecording(case.hardware)
    error = recording.run(wrong.stimulus)
    recording.run(case.streams.stimulus(case.willing))

    def judge(seen: Observed) -> _Verdict:
        if error != wrong.error:
            return 0, f"{wrong.kind}: expected {wrong.error.name.lower()}, the model ends with {error.name.lower()}"
        failure = describe_mismatch(recording.expected, seen)
        if failure is None and not _exact(case, recording, seen):
            failure = "sums differ from integer arithmetic after the error and the reset"
        return recording.clocks, failure

    return _Prepared(run=LockstepRun(inputs=recording.inputs, outputs=OUTPUTS), judge=judge)


def _exact(case: RegressionCase, recording: PortRecording, seen: Observed) -> bool:
    """The sums that left the RTL after the reset are those of integer arithmetic."""
    cols, bits = case.hardware.array.cols, case.hardware.numbers.accumulator_bits
    items: list[list[int]] = []
    for clock in range(recording.starts[-1], recording.clocks):
        payload = seen["results__payload"][clock]
        if payload is not None and seen["results__valid"][clock] and recording.inputs["results__ready"][clock]:
            items.append(unpack_array(payload, cols, bits, signed=True))
    return bool(np.array_equal(np.array(items, np.int64).reshape(-1, cols), case.streams.sums))
