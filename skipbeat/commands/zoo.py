"""`skipbeat zoo`: the models that come with skipbeat."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import csv_option, json_option


@click.command("zoo", short_help="List the models that come with skipbeat.")
@csv_option("the models")
@json_option
def command(csv_file: Path | None, as_json: bool) -> None:
    """List the models that come with skipbeat: size, work for one image or sequence, and what they read.

    With --json, the object has the key `models`: a list of `name`, `description`, `parameters`, `macs`, `input`,
    `trained` (on scikit-learn's digits; the others have weights from a seed) and `shapes_only` (no weights are made:
    their zeros come from a seed).
    """
    from skipbeat_models import zoo

    from ..results import print_result, provenance, save_table

    models = [zoo.find(name) for name in zoo.names()]
    rows = [
        {
            "name": f"{zoo.PREFIX}{model.name}",
            "description": model.description,
            "parameters": model.parameters,
            "macs": model.macs,
            "input": model.input,
            "trained": model.recipe is not None,
            "shapes_only": model.shapes_only,
        }
        for model in models
    ]
    save_table(csv_file, rows, provenance())
    if as_json:
        print_result("zoo", {"models": rows}, provenance())
        return
    from skipbeat_reports.console import make_console, print_table

    lines = [
        (f"{zoo.PREFIX}{model.name}", model.description, model.input, f"{model.parameters:,}", f"{model.macs:,}")
        for model in models
    ]
    print_table(make_console(None), ("model", "description", "input", "parameters", "MACs"), lines, texts=range(3))
