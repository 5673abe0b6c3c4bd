"""`skipbeat validate`: published numbers of other simulators beside ours."""

from __future__ import annotations

import json

import click

from ..options import json_option


@click.command("validate", short_help="Published numbers of other simulators beside ours.")
@click.option("--write", "page", metavar="FILE", help="Replace the table between the markers of a Markdown page.")
@json_option
def command(page: str | None, as_json: bool) -> int:
    """Price what SCALE-Sim, ZigZag and Sparseloop published, and say where each difference comes from.

    A tool's published formula is evaluated as well. The status is 1 if one of them does not give what the tool printed.
    """
    from ..validation.table import lines, replace_table, validation_rows

    rows = validation_rows()
    agrees = all(row.formula_agrees for row in rows)
    if page is not None:
        from skipbeat_arch.files import read_text, write_text

        write_text(page, replace_table(read_text(page, page), rows, page))
    if as_json:
        click.echo(json.dumps({"agrees": agrees, "rows": [row.to_json() for row in rows]}))
    else:
        click.echo("\n".join(lines(rows)))
    return 0 if agrees else 1
