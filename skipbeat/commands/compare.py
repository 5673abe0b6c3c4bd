"""`skipbeat compare`: results side by side, what became quicker or slower, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import csv_option, destination, json_option

if TYPE_CHECKING:
    from skipbeat_reports.comparing import Entry
    from skipbeat_reports.schemas.estimated import EstimateResult
    from skipbeat_reports.schemas.trained import TrainEstimateResult

#: Bytes of a result; 100 of the largest estimate's layers take one.
MOST_BYTES = 1 << 30


@click.command("compare", short_help="Results side by side: what became quicker or slower, and why.")
@click.argument("files", metavar="A.json B.json ...", nargs=-1, type=Path)
@click.option("--html", "page", metavar="FILE", callback=destination, help="Write one self-contained page.")
@csv_option("every layer of every further result")
@json_option
def command(files: tuple[Path, ...], page: Path | None, csv_file: Path | None, as_json: bool) -> None:
    """Compare what `skipbeat estimate --json`, `demo` or `train-estimate --json` wrote, every result with the first.

    It shows the clocks of each layer, what the results were made with where that differs (keys of the hardware,
    scheme, source, version), and for each layer that became quicker or slower the clocks more or fewer by what the
    array did, bytes over the memory bus, and changes of pattern and bound. Of training steps each layer has its
    forward, backward and update, and optimiser and host have their lines; all of it counts as one after the other.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.files import write_text
    from skipbeat_reports.comparing import compare, print_comparison, render_comparison, to_body, to_rows

    from ..progress import step
    from ..results import print_result, provenance, save_table

    if len(files) < 2:
        raise InputError(f"compare: expected two results or more, not {len(files)}")
    found, made = compare(_entries(files)), provenance()
    save_table(csv_file, to_rows(found), made)
    if page is not None:
        step(f"wrote {write_text(page, render_comparison(found, made))}")
    if as_json:
        print_result("compare", to_body(found), made)
    else:
        print_comparison(found)


def _entries(files: tuple[Path, ...]) -> list[Entry]:
    from skipbeat_arch.errors import InputError
    from skipbeat_reports.comparing import entry_of
    from skipbeat_reports.schemas.estimated import EstimateResult

    results = [_read(file) for file in files]
    if len({isinstance(result, EstimateResult) for result in results}) > 1:
        raise InputError("compare: expected results of one kind, not estimates beside training steps")
    stems = [file.stem for file in files]
    labels = stems if len(set(stems)) == len(stems) else [str(file) for file in files]
    if len(set(labels)) < len(labels):
        labels = [f"{number}: {label}" for number, label in enumerate(labels, 1)]
    return [entry_of(label, result) for label, result in zip(labels, results, strict=True)]


def _read(file: Path) -> EstimateResult | TrainEstimateResult:
    from pydantic import ValidationError

    from skipbeat_arch.errors import InputError, one_line
    from skipbeat_arch.files import parse_json, read_text
    from skipbeat_arch.yaml_file import first_error
    from skipbeat_reports.comparing import contradiction
    from skipbeat_reports.result import schema_name
    from skipbeat_reports.schemas.estimated import EstimateResult
    from skipbeat_reports.schemas.simulated_runs import DemoResult
    from skipbeat_reports.schemas.trained import TrainEstimateResult

    what = f"result {file}"
    content = read_text(file, what, MOST_BYTES)
    value = parse_json(content, what)
    known: dict[str, type[EstimateResult | TrainEstimateResult]] = {
        schema_name("estimate"): EstimateResult,
        schema_name("demo"): DemoResult,
        schema_name("train-estimate"): TrainEstimateResult,
    }
    said = value.get("schema") if isinstance(value, dict) else None
    if said not in known:
        raise InputError(f"{what}: expected what `skipbeat estimate --json` prints ({' or '.join(known)}), not {said}")
    try:
        result = known[said].model_validate_json(content)
    except ValidationError as error:
        raise InputError(f"{what}: {first_error(error)}") from None
    if wrong := contradiction(result):
        raise InputError(f"{what}: no run can have found it: {one_line(wrong, 200)}")
    return result
