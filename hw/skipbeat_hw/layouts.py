"""Amaranth shapes of the bundles of fields that arch names."""

from __future__ import annotations

from collections.abc import Iterable

from amaranth import unsigned
from amaranth.lib import data

from skipbeat_arch.ports import Field


def struct(fields: Iterable[Field]) -> data.StructLayout:
    """Layout of named fields, lowest bits first; `(count, bits)` is an array of unsigned elements."""
    return data.StructLayout(
        {name: unsigned(size) if isinstance(size, int) else data.ArrayLayout(size[1], size[0]) for name, size in fields}
    )
