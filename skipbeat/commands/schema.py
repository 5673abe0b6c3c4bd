"""`skipbeat schema`: the formats of what commands print with --json."""

from __future__ import annotations

import json

import click


@click.command("schema", short_help="The formats of what commands print with --json, as JSON Schema.")
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """Print the JSON Schema of a KIND of result; without one, the kinds.

    A result says its kind and version in `schema`, as in skipbeat/estimate/1. All keys of its schema are always there.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_reports.schemas import RESULTS, json_schema

    if kind is None:
        click.echo("\n".join(RESULTS))
    elif kind in RESULTS:
        click.echo(json.dumps(json_schema(kind), indent=2))
    else:
        raise InputError(f"schema {kind}: expected one of {', '.join(RESULTS)}")
