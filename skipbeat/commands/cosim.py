"""`skipbeat cosim`: a GEMM on RTL, cycle model and timing model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from skipbeat_arch.array_file import save_arrays

from ..options import (
    csv_option,
    destination,
    hardware_options,
    json_option,
    limit_option,
    pattern_option,
    seed_option,
    simulator_option,
)

if TYPE_CHECKING:
    from skipbeat_arch.arrays import Int32Array
    from skipbeat_arch.hardware import Hardware
    from skipbeat_arch.workload import Gemm
    from skipbeat_verify.core_program import CoreProgram
    from skipbeat_verify.cosimulation import SimulatorName

#: What only the core has, and only the machine.
_EITHER = ("ports_agree", "events", "rtl_error", "counters", "layers")


@click.command("cosim", short_help="Run a GEMM on RTL and models and compare bits and cycles.")
@hardware_options
@click.option(
    "--gemm", "sizes", metavar="P,C,K", default="64,96,32", show_default=True, help="Sizes of Y[P,K] = X[P,C] W[C,K]."
)
@pattern_option
@limit_option
@seed_option
@simulator_option
@click.option("--machine", "whole", is_flag=True, help="Run the whole program on the machine, memory and all.")
@click.option("--dump", metavar="FILE", callback=destination, help="Write x, w and the RTL's y to this .npz file.")
@csv_option("the run, which is one row")
@json_option
def command(
    hw: str,
    overrides: tuple[str, ...],
    sizes: str,
    pattern: str,
    seed: int,
    simulator: SimulatorName,
    whole: bool,
    dump: Path | None,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Run a random GEMM on the RTL, the cycle model and the timing model.

    The GEMM is compiled for the machine, so the hardware must be one that an accelerator can have. Its passes are
    offered to the core, whose ports are then always served; with --machine the whole program runs, from memory to
    memory. `skipbeat regress --hw` runs passes on any core.

    Exit status 0 only if every bit is right and the three cycle counts agree; 1 otherwise. The dump holds
    `x` int8 [P,C], `w` int8 [C,K] and `y` int32 [P,K] exactly as the RTL produced it.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.extras import require_packages
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    require_packages("to run the RTL", "amaranth", *(["cocotb"] if simulator == "icarus" else []), extra="rtl")
    hardware = load_hardware(hw, overrides)
    gemm = parse_gemm(sizes)
    wanted = Pattern.parse(pattern)

    from skipbeat_arch.files import make_folder
    from skipbeat_verify.core_program import core_program
    from skipbeat_verify.random_gemm import check_gemm, random_gemm

    if whole and simulator != "verilator":
        raise InputError(f"--machine: expected --simulator verilator, not {simulator}")
    if dump is not None:
        make_folder(dump.parent)
    from ..results import print_result, provenance, save_table

    _check_machine(hardware)
    check_gemm(gemm, hardware)
    program = core_program(*random_gemm(gemm, wanted, hardware, seed), hardware)
    found = _on_machine(program) if whole else _on_core(program, simulator)
    if dump is not None and found.y is not None:
        save_arrays(dump, {"x": program.x, "w": program.w, "y": found.y})
    report = found.report | {"pattern": str(wanted), "seed": seed, "simulator": simulator}
    made = provenance(seed=seed, hardware=hardware)
    save_table(csv_file, [{name: value for name, value in report.items() if name != "layers"}], made)
    if as_json:
        print_result("cosim", dict.fromkeys(_EITHER) | report, made)
    else:
        click.echo(_text(report, found))
    return 0 if found.agrees else 1


def _check_machine(hardware: Hardware) -> None:
    """Raise InputError for a core that no accelerator can have: a GEMM is compiled for the whole machine."""
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.machine import Machine

    try:
        Machine.of(hardware)
    except InputError as error:
        alone = "a GEMM is compiled for one; `skipbeat regress --hw` runs such a core alone"
        raise InputError(f"{error}; {alone}") from None


class _Found(NamedTuple):
    """What a run says: the JSON object, the product int32 [P, K] of the RTL, and where core and model first differ."""

    report: dict[str, Any]
    agrees: bool
    y: Int32Array | None
    difference: str | None


def _on_core(program: CoreProgram, simulator: SimulatorName) -> _Found:
    from skipbeat_verify.cosimulation import cosimulate_gemm, first_difference, rtl_core

    result = cosimulate_gemm(program, rtl_core(program.hardware, simulator))
    difference = first_difference(result.core.rtl, result.core.model)
    return _Found(result.to_json(), result.agrees, result.y, difference)


def _on_machine(program: CoreProgram) -> _Found:
    from skipbeat_verify.machine_simulation import machine_rtl, run_gemm

    run, y = run_gemm(program, machine_rtl(program.hardware))
    gemm, macs = program.gemm, program.gemm.p * program.nonzeros
    sizes = {"hardware": program.hardware.name, "gemm": [gemm.p, gemm.c, gemm.k], "macs_dense": gemm.macs}
    own = {"macs": macs, "utilization": run.utilization(macs, program.hardware)}
    return _Found(sizes | run.to_json() | own, bool(run.agrees), y, None)


def parse_gemm(text: str) -> Gemm:
    """Sizes written as `P,C,K`.

    Raises:
        InputError: not three positive integers.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.workload import Gemm

    parts = text.split(",")
    try:
        p, c, k = (int(part) for part in parts)
    except ValueError:
        raise InputError(f"--gemm {text}: expected three sizes P,C,K, as in 784,1152,128") from None
    return Gemm(p=p, c=c, k=k)


def _text(report: dict[str, Any], found: _Found) -> str:
    tables = ("events", "counters", "layers")
    lines = [f"{name + ':':<15}{value}" for name, value in report.items() if name not in tables]
    for table in ("events", "counters"):
        if table in report:
            lines += [f"{table}:", *(f"  {name + ':':<21}{count:>14,}" for name, count in report[table].items())]
    if found.difference is not None:
        lines.append(f"first difference: {found.difference}")
    lines.append("RTL, cycle model and timing model agree." if found.agrees else "NO AGREEMENT")
    return "\n".join(lines)
