"""CSV files: flat rows, whatever texts they hold, and a comment with their provenance."""

from __future__ import annotations

import csv
import json
from typing import Any

from skipbeat_arch.provenance import Provenance
from skipbeat_reports.table_file import flat, to_csv

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
