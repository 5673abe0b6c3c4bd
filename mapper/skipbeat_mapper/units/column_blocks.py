"""The order in which a node's output is computed: what is visited after what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from skipbeat_arch.machine import Machine

from ..memory_map import PlacedNode
from ..placing.node_mapping import Order
from ..placing.regions import Region, Span, blocks


class ColumnBlock(NamedTuple):
    """A block of output pixels in one column tile.

    Attributes:
        region: where its activations are; visits that follow each other with the same region share one load of it.
        column: number of the column tile.
        rows, columns: of the output, from-to.
    """

    region: Region
    column: int
    rows: Span
    columns: Span


def visits(prepared: PlacedNode, machine: Machine) -> Iterator[ColumnBlock]:
    """All blocks of a node in all column tiles, in the order of its mapping."""
    mapping, columns = prepared.mapping, range(len(prepared.tiles.columns))

    def visit(region: Region, column: int, block: tuple[Span, Span]) -> ColumnBlock:
        return ColumnBlock(region=region, column=column, rows=block[0], columns=block[1])

    areas = [(region, list(blocks(region, prepared.node, machine, mapping.pixels))) for region in prepared.regions]
    if mapping.order == Order.COLUMNS:
        return (visit(region, column, block) for column in columns for region, parts in areas for block in parts)
    if mapping.order == Order.ACTIVATIONS:
        return (visit(region, column, block) for region, parts in areas for block in parts for column in columns)
    return (visit(region, column, block) for region, parts in areas for column in columns for block in parts)
