"""What commands print and write as results: one JSON object with its provenance, and the same as CSV."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__

if TYPE_CHECKING:
    from skipbeat_arch.hardware import Hardware
    from skipbeat_arch.provenance import Provenance, Source
    from skipbeat_models.scheme import Scheme


def provenance(
    *,
    seed: int | None = None,
    hardware: Hardware | None = None,
    scheme: Scheme | None = None,
    source: Source | None = None,
) -> Provenance:
    """Of a result that is made now: by the command that runs, if one does."""
    from skipbeat_arch.provenance import Provenance

    return Provenance(
        version=__version__,
        command=_command(),
        seed=seed,
        hardware=hardware,
        scheme=None if scheme is None else scheme.to_json(),
        source=source,
    )


def print_result(kind: str, body: Mapping[str, Any], made: Provenance) -> None:
    """Print the JSON object of a result."""
    from skipbeat_reports.result import as_result

    click.echo(json.dumps(as_result(kind, body, made), allow_nan=False))


def save_table(file: Path | None, rows: Iterable[Mapping[str, Any]], made: Provenance | None) -> None:
    """Write the rows of a result as CSV, if a file is named.

    Raises:
        InputError: it cannot be written.
    """
    if file is not None:
        from skipbeat_reports.table_file import write_csv

        write_csv(file, list(rows), made)


def _command() -> str | None:
    context = click.get_current_context(silent=True)
    words = None if context is None else context.find_root().obj
    return None if words is None else shlex.join(["skipbeat", *words])
