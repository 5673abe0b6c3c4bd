"""The order in which a step's output is computed: what is visited after what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skipbeat_arch.machine import Machine

from .memory_map import Prepared
from .regions import Region, Span, blocks


@dataclass(frozen=True, kw_only=True)
class Visit:
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


def visits(prepared: Prepared, machine: Machine) -> Iterator[Visit]:
    """All blocks of a step: region by region, in each column tile by column tile, and in each of these the blocks."""
    for region in prepared.regions:
        for column in range(len(prepared.tiles.columns)):
            for rows, columns in blocks(region, prepared.step, machine):
                yield Visit(region=region, column=column, rows=rows, columns=columns)
