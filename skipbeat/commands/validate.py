"""`skipbeat validate`: published numbers of other simulators beside ours."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import csv_option, json_option


@click.command("validate", short_help="Published numbers of other simulators beside ours.")
@click.option("--write", "page", metavar="FILE", help="Replace the table between the markers of a Markdown page.")
@csv_option("the published numbers")
@json_option
def command(page: str | None, csv_file: Path | None, as_json: bool) -> int:
    """Price what SCALE-Sim, ZigZag and Sparseloop published, and say where each difference comes from.

    A tool's published formula is evaluated as well. The status is 1 if one of them does not give what the tool printed.
    """
    from ..results import print_result, provenance, save_table
    from ..validation.table import lines, replace_table, validation_rows

    rows = validation_rows()
    agrees = all(row.formula_agrees for row in rows)
    if page is not None:
        from skipbeat_arch.files import read_text, write_text

        write_text(page, replace_table(read_text(page, page), rows, page))
    found = [row.to_json() for row in rows]
    save_table(csv_file, found, provenance())
    if as_json:
        print_result("validate", {"agrees": agrees, "rows": found}, provenance())
    else:
        click.echo("\n".join(lines(rows)))
    return 0 if agrees else 1
