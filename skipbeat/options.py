"""Options that several commands share, so that they are called and explained the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.files import check_destination

P = ParamSpec("P")
T = TypeVar("T")

#: Written out because `skipbeat_arch.hardware` takes longer to import than `--help` may; a test compares them.
DEFAULT_HARDWARE = "edge-16x16"
#: The machine of the line of work that training is compared with: 32 x 32 multipliers, groups of 8.
TRAINING_HARDWARE = "train-32x32"


#: Where the context of a command keeps the files that it will write, and the options that name them.
_WRITTEN = "skipbeat.written"


def destination(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """The callback of an option that names a file to be written: that it can be is asked before any work begins.

    Raises:
        InputError: it cannot be written, or another option writes it too.
    """
    if value is None:
        return None
    path, written = check_destination(value), ctx.meta.setdefault(_WRITTEN, {})
    if path.is_file() or not path.exists():  # into a device, or a pipe, two may write
        option = parameter.opts[-1]
        before = written.setdefault(os.path.realpath(path), option)
        if before != option:
            raise InputError(f"{before} and {option}: expected two files, not {path} for both")
    return path


def hardware_options_of(preset: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`--hw` and `--set`: the command gets `hw: str`, which is `preset` unless it is given, and `overrides`."""

    def add(function: Callable[P, T]) -> Callable[P, T]:
        hw = click.option(
            "--hw",
            metavar="PRESET_OR_FILE",
            default=preset,
            show_default=True,
            help="Hardware: a preset (`skipbeat hardware --presets` lists them) or a .yaml file.",
        )
        overrides = click.option(
            "--set",
            "overrides",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override one key of the hardware description, as in array.rows=8; may be repeated.",
        )
        return hw(overrides(function))

    return add


def hardware_options(function: Callable[P, T]) -> Callable[P, T]:
    """`--hw` and `--set`: the command gets `hw: str` and `overrides: tuple[str, ...]` for `load_hardware`."""
    return hardware_options_of(DEFAULT_HARDWARE)(function)


def json_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--json`: the command gets `as_json: bool`; if it is set, standard output is one JSON object, nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(function)


def csv_option(rows: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`--csv` of a command that makes a table of `rows`: the command gets `csv_file: Path | None`."""
    return click.option(
        "--csv", "csv_file", metavar="FILE", callback=destination, help=f"Write a table of {rows}, with its provenance."
    )


def effort_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--effort`: the command gets `effort: Effort`."""
    return click.option(
        "--effort",
        type=click.Choice([str(effort) for effort in Effort]),
        default=str(Effort.NORMAL),
        show_default=True,
        callback=lambda _ctx, _parameter, value: Effort(value),
        help="How many mappings are tried: quick takes those that bounds like best, best tries many more. Clocks are "
        "exact for any.",
    )(function)


def seed_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--seed`: the command gets `seed: int`."""
    return click.option(
        "--seed",
        type=click.IntRange(min=0, max=2**32 - 1),
        default=0,
        show_default=True,
        help="Seed of all random choices.",
    )(function)


def limit_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--limit`: work that needs more passes of the array is refused before it begins; the command gets nothing."""

    def enter(ctx: click.Context, _parameter: click.Parameter, value: int | None) -> None:
        if value is not None:
            from skipbeat_arch.budget import limited

            ctx.with_resource(limited(value))

    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="PASSES",
        expose_value=False,
        callback=enter,
        help="Passes of the array that a program may have; 100,000 take about 3 minutes and 4 GiB to make.  An "
        "estimate computes products of more rows in several programs.  [default: 300000]",
    )(function)


def simulator_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--simulator`: the command gets `simulator: str`."""
    return click.option(
        "--simulator",
        type=click.Choice(["verilator", "icarus"]),
        default="verilator",
        show_default=True,
        help="RTL simulator; icarus is four-state and slow.",
    )(function)


def network_pattern_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--pattern` of a network: the command gets `pattern: str | None`; None is `prepare_network`'s own choice."""
    return click.option(
        "--pattern",
        metavar="PATTERN",
        help="Prune to N:M, unstructured:DENSITY, block:DENSITY or dense.  [default: 2:4 for zoo:NAME; your own "
        "model as it is]",
    )(function)


def pattern_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--pattern`: the command gets `pattern: str` for `Pattern.parse`."""
    return click.option(
        "--pattern",
        default="2:4",
        show_default=True,
        metavar="PATTERN",
        help="Sparsity: dense, N:M, unstructured:DENSITY or block:DENSITY.",
    )(function)
