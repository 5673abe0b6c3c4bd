"""CSV files: flat rows, whatever texts they hold, and a comment with their provenance."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from skipbeat_arch.provenance import Provenance
from skipbeat_reports.table_file import flat, to_csv, write_parquet

ROWS: list[dict[str, Any]] = [
    {"name": 'a,"b"\n#c', "sizes": {"x": 1, "y": {"z": None}}},
    {"name": "d", "list": [1, 2], "ok": True},
]


def test_records_become_flat() -> None:
    assert flat(ROWS[0]) == {"name": 'a,"b"\n#c', "sizes.x": 1, "sizes.y.z": None}
    assert flat(ROWS[1]) == {"name": "d", "list": "1; 2", "ok": True}


def test_rows_share_their_columns_and_are_read_again() -> None:
    made = Provenance(version="1")
    comment, _, rest = to_csv(ROWS, made).partition("\n")
    assert json.loads(comment.removeprefix("# ")) == made.to_json()
    rows = list(csv.DictReader(rest.splitlines(keepends=True)))
    assert rows[0] == {"name": 'a,"b"\n#c', "sizes.x": "1", "sizes.y.z": "", "list": "", "ok": ""}
    assert rows[1] == {"name": "d", "sizes.x": "", "sizes.y.z": "", "list": "1; 2", "ok": "True"}
    assert to_csv([], None) == "# null\n\n"


def test_parquet_has_the_same_columns_and_where_they_come_from(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    made = Provenance(version="1")
    rows = [*ROWS, {"name": "e", "sizes": {"x": 2.5}, "list": "text"}]
    table = parquet.read_table(write_parquet(tmp_path / "table.parquet", rows, made))
    assert table.column_names == ["name", "sizes.x", "sizes.y.z", "list", "ok"]
    assert table["sizes.x"].to_pylist() == [1, None, 2.5]
    assert table["ok"].to_pylist() == [None, True, None]
    assert json.loads(table.schema.metadata[b"skipbeat"]) == made.to_json()
