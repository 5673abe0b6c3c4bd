"""`skipbeat estimate`: throughput and energy of a pruned model, layer by layer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import csv_option, destination, effort_option, hardware_options, json_option, limit_option, seed_option

if TYPE_CHECKING:
    from skipbeat_arch.effort import Effort
    from skipbeat_arch.estimate import Estimate
    from skipbeat_arch.hardware import Hardware
    from skipbeat_arch.pattern import Pattern
    from skipbeat_models.scheme import Scheme
    from skipbeat_models.sources.data_rules import DataRules

#: Written out because `skipbeat_sim.energy.load_table` takes longer to import than `--help` may; a test compares them.
DEFAULT_TABLE = "horowitz-45nm"
#: Something that multiplies is in no number of the report.
EXIT_UNPRICED = 3


@click.command("estimate", short_help="Throughput and energy of a pruned model, layer by layer.")
@click.argument("source", metavar="SOURCE")
@click.option(
    "--prune",
    "plan",
    metavar="PATTERN_OR_FILE",
    help="Price a pruned copy: N:M, unstructured:DENSITY, block:DENSITY, or a .yaml file with a pattern per layer. "
    "The first convolution and depthwise ones stay as they are unless the file names them.  [default: the model as "
    "it is]",
)
@click.option(
    "--permute",
    is_flag=True,
    help="With N:M in --prune: first permute channels inside the network so that more of the weights is kept, and "
    "report how much.",
)
@click.option(
    "--stated",
    metavar="PATTERN",
    help="The pattern that the weights are said to have: groups that break it are counted.",
)
@click.option(
    "--checkpoint",
    type=Path,
    help="Weights for zoo:NAME or module:function: .safetensors, .pt, .pth, .bin, .ckpt, or a folder.",
)
@click.option(
    "--tokens", type=click.IntRange(1, 1 << 20), help="Length of a language model's sequence; a .safetensors needs it."
)
@click.option(
    "--routing",
    metavar="uniform|FILE",
    default="uniform",
    show_default=True,
    help="How tokens are spread over the experts of a mixture: a .json list with a count for each expert, or an object "
    "of such lists by parts of layers' names.",
)
@click.option(
    "--attention",
    metavar="RULE|FILE",
    help="Blocks of scores that attention computes: block=TOKENS, window=TOKENS, stride=TOKENS, global=TOKENS, "
    "topk=BLOCKS, causal, with commas between them; or masks by layers' names (.npz, .npy).",
)
@click.option(
    "--active-rows",
    metavar="RULE|FILE",
    help="Contextual sparsity in decode: the share of rows that layers of one token compute, LAYER=SHARE with commas, "
    "by parts of layers' names, or a .json object of them.",
)
@click.option("--batch", type=click.IntRange(1, 4096), help="Examples at a time.  [default: as the source has it]")
@click.option(
    "--input-size",
    "sizes",
    metavar="NAME=SIZES",
    multiple=True,
    help="The size of an .onnx file's input, such as images=1x3x640x640; sizes that the file leaves open need it.",
)
@hardware_options
@click.option(
    "--table",
    metavar="NAME_OR_FILE",
    default=DEFAULT_TABLE,
    show_default=True,
    help="Energy per event: horowitz-45nm, hwcomponents-40nm, accelergy-40nm, sparseloop-45nm or a .yaml file.",
)
@click.option(
    "--iso",
    is_flag=True,
    help="Compare with a dense machine of the same resources, from the same generator: per clock, second and cell.",
)
@click.option(
    "--activations",
    type=Path,
    metavar="FILE.npz",
    help="Activations of layers by their names: their zeros, and at most how much skipping them would save.",
)
@click.option("--explain", metavar="LAYER", help="Show how this layer runs and why, instead of the table.")
@click.option("--html", "page", metavar="FILE", callback=destination, help="Write one self-contained page.")
@click.option(
    "--trace", metavar="FILE", callback=destination, help="Write a timeline of the three engines, which Perfetto opens."
)
@click.option(
    "--allow-unpriced", is_flag=True, help="Exit with 0, not 3, although products of the model are in no number."
)
@effort_option
@limit_option
@seed_option
@csv_option("the layers")
@json_option
def command(
    source: str,
    plan: str | None,
    permute: bool,
    stated: str | None,
    checkpoint: Path | None,
    tokens: int | None,
    routing: str,
    attention: str | None,
    active_rows: str | None,
    batch: int | None,
    sizes: tuple[str, ...],
    hw: str,
    overrides: tuple[str, ...],
    table: str,
    iso: bool,
    activations: Path | None,
    explain: str | None,
    page: Path | None,
    trace: Path | None,
    allow_unpriced: bool,
    effort: Effort,
    seed: int,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Price the model that SOURCE names, as it is or pruned, on a hardware description.

    SOURCE is zoo:NAME (`skipbeat zoo` lists them), a file of torch.export.save (.pt2), module:function found from the
    current folder, whose function returns (model, example_inputs), a .safetensors file or a folder of Hugging Face,
    also a quantised one, or an .onnx file. Only module:function runs code.

    Patterns are measured from the zeros. Cycles are exact: each layer's program takes as many on the RTL. What is not
    measured is listed as an assumption. With --json, `layers[].schedule` has what --explain shows.

    Operators that multiply, or may, and are not priced are said first and stand in `unpriced`; the exit status is then
    3, unless --allow-unpriced is given.
    """
    _check_explain(explain, as_json)
    hardware = _hardware(hw, overrides, table)
    from ..estimation import estimate_source

    found = estimate_source(
        source,
        hardware,
        table=table,
        scheme=_scheme(plan, permute),
        stated=_pattern(stated),
        rules=_rules(routing, attention, active_rows),
        sizes=dict(map(_input_size, sizes)),
        checkpoint=checkpoint,
        tokens=tokens,
        batch=batch,
        seed=seed,
        iso=iso,
        activations=activations,
        effort=effort,
        progress=_progress(source),
    )
    _report(found, explain, page, trace, csv_file, as_json)
    return EXIT_UNPRICED if found.unpriced and not allow_unpriced else 0


def _rules(routing: str, attention: str | None, active_rows: str | None) -> DataRules:
    """What the price is told of data that it does not have."""
    from skipbeat_models.sources.data_rules import DataRules

    return DataRules.read(routing, attention, active_rows)


def _pattern(stated: str | None) -> Pattern | None:
    """What the weights are said to have."""
    from skipbeat_arch.pattern import Pattern

    return None if stated is None else Pattern.parse(stated)


def _check_explain(explain: str | None, as_json: bool) -> None:
    from skipbeat_arch.errors import InputError

    if explain is not None and as_json:
        raise InputError("--explain: expected without --json, whose layers[].schedule has the same")


def _progress(source: str) -> Callable[[str], None]:
    """What tells of long work; that reading begins is the first of it."""
    from ..progress import step

    if sys.stderr.isatty():  # elsewhere what cannot be read is to leave one line
        step(f"reading {source}")
    return step


def _hardware(hw: str, overrides: tuple[str, ...], table: str) -> Hardware:
    """The hardware description, if a machine can be built of it and the energy table can be read."""
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.machine import Machine
    from skipbeat_sim.energy.load_table import load_table

    hardware = load_hardware(hw, overrides)
    Machine.of(hardware)
    load_table(table)
    return hardware


def _input_size(text: str) -> tuple[str, tuple[int, ...]]:
    """A name and sizes of `NAME=1x3x640x640`."""
    from skipbeat_arch.errors import InputError

    name, equals, sizes = text.rpartition("=")
    numbers = sizes.lower().split("x")
    if not equals or not name or not all(number.isdecimal() and 0 < int(number) <= 1 << 30 for number in numbers):
        raise InputError(f"--input-size {text}: expected NAME=SIZES, such as images=1x3x640x640")
    return name, tuple(map(int, numbers))


def _scheme(plan: str | None, permute: bool) -> Scheme | None:
    """What to prune to."""
    from skipbeat_arch.errors import InputError
    from skipbeat_models.scheme import Scheme

    if plan is None:
        if permute:
            raise InputError("--permute: expected with --prune N:M or a scheme's .yaml file")
        return None
    scheme = Scheme.parse(plan)
    return scheme.permuted() if permute else scheme


def _report(
    estimate: Estimate, explain: str | None, page: Path | None, trace: Path | None, csv_file: Path | None, as_json: bool
) -> None:
    from skipbeat_reports import estimate as reports

    from ..progress import step
    from ..results import save_table

    explained = None if explain is None else reports.explain(reports.find_layer(estimate, explain))
    save_table(csv_file, reports.layer_rows(estimate), estimate.provenance)
    if page is not None:
        step(f"wrote {reports.write_page(estimate, page)}")
    if trace is not None:
        step(f"wrote {reports.write_trace(estimate, trace)}")
    if as_json:
        click.echo(json.dumps(reports.to_json(estimate), allow_nan=False))
    elif explained is not None:
        click.echo(explained, nl=False)
    else:
        reports.print_estimate(estimate)
