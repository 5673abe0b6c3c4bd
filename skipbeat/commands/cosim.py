"""`skipbeat cosim`: a GEMM on RTL, cycle model and timing model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import hardware_options, json_option, pattern_option, seed_option, simulator_option

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skipbeat_arch.workload import Gemm
    from skipbeat_verify.cosimulation import Cosimulation, SimulatorName


@click.command("cosim", short_help="Run a GEMM on RTL and models and compare bits and cycles.")
@hardware_options
@click.option(
    "--gemm", "sizes", metavar="P,C,K", default="64,96,32", show_default=True, help="Sizes of Y[P,K] = X[P,C] W[C,K]."
)
@pattern_option
@seed_option
@simulator_option
@click.option(
    "--dump", type=click.Path(path_type=Path, dir_okay=False), help="Write x, w and the RTL's y to this .npz file."
)
@json_option
def command(
    hw: str,
    overrides: tuple[str, ...],
    sizes: str,
    pattern: str,
    seed: int,
    simulator: SimulatorName,
    dump: Path | None,
    as_json: bool,
) -> int:
    """Run a random GEMM on the RTL, the cycle model and the timing model.

    Exit status 0 only if every bit is right and the three cycle counts agree; 1 otherwise. The dump holds
    `x` int8 [P,C], `w` int8 [C,K] and `y` int32 [P,K] exactly as the RTL produced it.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    hardware = load_hardware(hw, overrides)
    gemm = parse_gemm(sizes)
    wanted = Pattern.parse(pattern)

    from skipbeat_mapper.core_compiler.compile import compile_layer
    from skipbeat_verify.cosimulation import cosimulate, rtl_core
    from skipbeat_verify.random_gemm import random_gemm

    from ..files import make_folder

    if dump is not None:
        make_folder(dump.parent)
    x, w = random_gemm(gemm, wanted, hardware, seed)
    core = rtl_core(hardware, simulator)
    result = cosimulate(compile_layer((w, gemm), hardware), x, core)
    if dump is not None and result.y is not None:
        _dump(dump, x, w, result.y)
    report = result.to_json() | {"pattern": str(wanted), "seed": seed, "simulator": simulator}
    click.echo(json.dumps(report) if as_json else _text(result, report))
    return 0 if result.agrees else 1


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


def _dump(path: Path, x: npt.NDArray[np.int8], w: npt.NDArray[np.int8], y: npt.NDArray[np.int32]) -> None:
    import io

    import numpy

    from ..files import write_bytes

    content = io.BytesIO()
    numpy.savez_compressed(content, x=x, w=w, y=y)
    write_bytes(path, content.getvalue())


def _text(result: Cosimulation, report: dict[str, object]) -> str:
    from skipbeat_verify.cosimulation import first_difference

    lines = [f"{name + ':':<15}{value}" for name, value in report.items() if name != "events"]
    lines += ["events:", *(f"  {name + ':':<21}{count:>14,}" for name, count in result.events.to_json().items())]
    if (difference := first_difference(result.rtl, result.model)) is not None:
        lines.append(f"first difference: {difference}")
    lines.append("RTL, cycle model and timing model agree." if result.agrees else "NO AGREEMENT")
    return "\n".join(lines)
