"""Results as tables: flat rows, and CSV files that say where they come from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from skipbeat_arch.extras import require_packages
from skipbeat_arch.files import write_bytes, write_text
from skipbeat_arch.provenance import Provenance

Cell = str | int | float | bool | None


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Cell]:
    """A record without records in it: their keys stand behind a dot, as in `weight_bits.values`; lists are joined."""
    row: dict[str, Cell] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            row |= flat(value, f"{prefix}{key}.")
        else:
            row[prefix + key] = "; ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return row


def to_csv(rows: Iterable[Mapping[str, Any]], provenance: Provenance | None) -> str:
    """A table with a line of column names, after a comment with the provenance as JSON.

    What is None is an empty cell. `pandas.read_csv(FILE, skiprows=1)` reads it.
    """
    flattened = [flat(row) for row in rows]
    columns = list(dict.fromkeys(key for row in flattened for key in row))
    made = None if provenance is None else provenance.to_json()
    out = io.StringIO(f"# {json.dumps(made)}\n")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column) for column in columns] for row in flattened)
    return out.getvalue()


def write_parquet(path: str | Path, rows: Sequence[Mapping[str, Any]], provenance: Provenance | None) -> Path:
    """Write the same table as Parquet, with the provenance in the file's metadata as `skipbeat`.

    Raises:
        InputError: pyarrow is not installed, or the file cannot be written.
        OSError: the disk is full.
    """
    require_packages("to write Parquet", "pyarrow")
    import pyarrow
    import pyarrow.parquet

    flattened = [flat(row) for row in rows]
    columns = list(dict.fromkeys(key for row in flattened for key in row))
    made = json.dumps(None if provenance is None else provenance.to_json())
    table = pyarrow.table({column: _column([row.get(column) for row in flattened]) for column in columns})
    out = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table.replace_schema_metadata({"skipbeat": made}), out)
    return write_bytes(path, out.getvalue().to_pybytes())


def _column(values: Sequence[Cell]) -> Sequence[Cell]:
    """Numbers stay numbers; what is of several kinds is text."""
    kinds = {float if isinstance(value, int) and not isinstance(value, bool) else type(value) for value in values}
    return values if len(kinds - {type(None)}) <= 1 else [None if value is None else str(value) for value in values]


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]], provenance: Provenance | None) -> Path:
    """Write what `to_csv` makes.

    Raises:
        InputError: the file cannot be written.
        OSError: the disk is full.
    """
    return write_text(path, to_csv(rows, provenance))
