"""`skipbeat validate`: published numbers of other simulators beside ours."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import csv_option, destination, json_option


@click.command("validate", short_help="Published numbers of other simulators beside ours.")
@click.option(
    "--write",
    "page",
    metavar="FILE",
    callback=destination,
    help="Replace the table between the markers of a Markdown page.",
)
@csv_option("the published numbers")
@json_option
def command(page: Path | None, csv_file: Path | None, as_json: bool) -> int:
    """Price what SCALE-Sim, ZigZag and Sparseloop published, and say where each difference comes from.

    A tool's published formula is evaluated as well. The status is 1 if one of them does not give what the tool printed.
    """
    from skipbeat_arch.files import read_text, write_text

    from ..results import print_result, provenance, save_table
    from ..validation.table import lines, replace_table, validation_rows

    before = None if page is None else read_text(page, str(page))
    rows = validation_rows()
    agrees = all(row.formula_agrees for row in rows)
    if page is not None and before is not None:
        write_text(page, replace_table(before, rows, str(page)))
    found = [row.to_json() for row in rows]
    save_table(csv_file, found, provenance())
    if as_json:
        print_result("validate", {"agrees": agrees, "rows": found}, provenance())
    else:
        click.echo("\n".join(lines(rows)))
    return 0 if agrees else 1
