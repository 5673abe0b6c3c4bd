"""How a node is cut and in which order its parts run: what the search chooses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Order(StrEnum):
    """The loops over regions, column tiles and blocks, outermost first."""

    WEIGHTS = "region, column tile, block"
    ACTIVATIONS = "region, block, column tile"
    COLUMNS = "column tile, region, block"


@dataclass(frozen=True, kw_only=True)
class NodeMapping:
    """One way to run a node.

    Attributes:
        order: of the loops. With ACTIVATIONS a block of a single line may be a region (`regions.blocks_apart`).
        pixels: most pixels of a block, pooled ones counted by their windows; None for as many as fit.
        share: parts of the activation buffer, of which a region may fill one where the whole map does not fit: with 2,
            the next region is loaded while one is in use.
    """

    order: Order = Order.WEIGHTS
    pixels: int | None = None
    share: int = 2


PLAIN = NodeMapping()
