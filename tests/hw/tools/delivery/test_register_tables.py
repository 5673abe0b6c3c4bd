"""The tables have a row for each field and counter, and cells that a page can show."""

from __future__ import annotations

from skipbeat_arch.registers import Counter, Register
from skipbeat_hw.tools.delivery.register_tables import counter_table, register_table


def test_a_row_for_each_field() -> None:
    rows = [row.strip("| ").split(" | ") for row in register_table().splitlines()[2:]]
    assert [(row[1], row[4].strip("`")) for row in rows] == [(r.name, f.name) for r in Register for f in r.fields]
    assert all(len(row) == 6 for row in rows)
    assert "| 0x18 | COUNT | read, write | 23..0 | `instructions` | of the program |" in register_table()


def test_a_row_for_each_counter() -> None:
    assert len(counter_table().splitlines()) == 2 + len(Counter)
    assert "| 0x100 | VALUE_WORDS |" in counter_table()
