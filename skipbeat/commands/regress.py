"""`skipbeat regress`: random cases of the core on the RTL under cocotb, against the models."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..options import csv_option, json_option, seed_option, simulator_option

if TYPE_CHECKING:
    from skipbeat_arch.hardware import Hardware
    from skipbeat_verify.cosimulation import SimulatorName
    from skipbeat_verify.regression import Outcome

#: So many are run unless it is said.
CASES = 40


@click.command("regress", short_help="Run random cases on the RTL and compare every port in every clock.")
@click.option("--cases", type=click.IntRange(min=1), help=f"How many cases to run, the first ones.  [default: {CASES}]")
@click.option(
    "--case", "only", type=click.IntRange(min=0), multiple=True, help="Run this case of the seed; may be repeated."
)
@seed_option
@simulator_option
@click.option("--hw", metavar="PRESET_OR_FILE", help="Run all cases on this hardware; without, each draws its own.")
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Override one key of --hw; may be repeated."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Simulations at a time.")
@csv_option("the cases")
@json_option
def command(
    cases: int | None,
    only: tuple[int, ...],
    seed: int,
    simulator: SimulatorName,
    hw: str | None,
    overrides: tuple[str, ...],
    jobs: int,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Run random hardware, shapes, patterns, idle and back-pressure on the RTL under cocotb.

    Every port must show in every clock what the cycle model says, every sum must be that of integer arithmetic, and
    with ideal ports the timing model must give the same clocks. Some cases begin with a contradictory stream: RTL and
    model must raise the same error in the same clock, and work again after a reset.

    Cases of one hardware run in one simulation, each from reset; one that fails is run again alone.

    Exit status 0 if all cases pass, 1 otherwise. A failing case is printed with the command that repeats it.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.extras import require_packages

    require_packages("for the regression", "amaranth", "cocotb", "joblib", extra="rtl")
    if only and cases is not None:
        raise InputError(f"--cases {cases}: expected without --case, which says what is run")
    hardware = _hardware(hw, overrides)

    from skipbeat_verify.regression import run_cases
    from skipbeat_verify.regression_cases import case_indices

    from ..interruption import answered
    from ..progress import track
    from ..results import print_result, provenance, save_table

    indices = case_indices(cases or CASES, only)
    outcomes: list[Outcome] = []
    coming = run_cases(indices, seed, simulator, hardware, jobs)
    try:
        for outcome in track(coming, len(indices), f"regress, seed {seed}", _line):
            outcomes.append(outcome)
    except KeyboardInterrupt:
        answered()
        passed = sum(outcome.failure is None for outcome in outcomes)
        click.echo(f"interrupted: {passed} passed, {len(outcomes) - passed} failed of {len(indices)}", err=True)
        return 130
    outcomes.sort(key=lambda outcome: outcome.index)
    own = ["--hw", hw] if hw is not None else []
    own += [word for override in overrides for word in ("--set", override)]
    failed = [_Failed(o, _repeat(o, seed, simulator, own)) for o in outcomes if o.failure is not None]
    report = _report(outcomes, failed, seed, simulator)
    made = provenance(seed=seed, hardware=hardware)
    save_table(csv_file, map(asdict, outcomes), made)
    if as_json:
        print_result("regress", report, made)
    else:
        click.echo(_text(report, failed))
    return 1 if failed else 0


def _hardware(hw: str | None, overrides: tuple[str, ...]) -> Hardware | None:
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.hardware import load_hardware

    if hw is None and overrides:
        raise InputError(f"--set {overrides[0]}: expected together with --hw")
    return None if hw is None else load_hardware(hw, overrides)


class _Failed(NamedTuple):
    """A case that failed, and the command that repeats it."""

    outcome: Outcome
    repeat: str

    def to_json(self) -> dict[str, object]:
        o = self.outcome
        return {"case": o.index, "what": o.case, "failure": o.failure, "repeat": self.repeat}


def _report(outcomes: list[Outcome], failed: list[_Failed], seed: int, simulator: SimulatorName) -> dict[str, Any]:
    return {
        "seed": seed,
        "simulator": simulator,
        "cases": len(outcomes),
        "passed": len(outcomes) - len(failed),
        "rtl_cycles": sum(outcome.clocks for outcome in outcomes),
        "failed": [each.to_json() for each in failed],
    }


def _repeat(outcome: Outcome, seed: int, simulator: SimulatorName, hardware: list[str]) -> str:
    cases = [word for index in (*outcome.before, outcome.index) for word in ("--case", str(index))]
    case = [*cases, "--seed", str(seed), "--simulator", simulator]
    return shlex.join(["skipbeat", "regress", *case, *hardware])


def _text(report: dict[str, Any], failed: list[_Failed]) -> str:
    lines = [f"FAILED case {o.index}: {o.case}\n  {o.failure}\n  repeat: {repeat}" for o, repeat in failed]
    lines.append(
        f"seed {report['seed']}, {report['simulator']}: {report['passed']} of {report['cases']} cases passed, "
        f"{report['rtl_cycles']:,} clocks on the RTL"
    )
    return "\n".join(lines)


def _line(outcome: Outcome) -> str:
    verdict = "passed" if outcome.failure is None else "FAILED"
    return f"case {outcome.index} {verdict}: {outcome.case}, {outcome.clocks:,} clocks"
