"""Offset tables: how far from a walk's entry each bank reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.tensor_layout import Bytes

from .banks import Banks
from .regions import Region

Offsets = tuple[int, ...]


def tap_offset(node: Node, tap: int, region: Region) -> int:
    """Entries from the window's first tap to this one."""
    conv = node.convolution
    row, column = divmod(tap, conv.kernel[1])
    return row * conv.dilation[0] * region.pitch + column * conv.dilation[1] * region.images


def bank_offsets(node: Node, banks: Banks, first_tap: int, region: Region) -> Offsets:
    """Offsets of all R banks, from the first tap of a tile to each bank's; 0 where a row has no tap."""
    start = tap_offset(node, first_tap, region)
    sets = banks.row_sets(first_tap, node.taps)
    offsets = (tap_offset(node, tap, region) - start if tap >= 0 else 0 for tap in sets)
    return tuple(offset for offset in offsets for _ in range(banks.period))


def node_tables(node: Node, banks: Banks, regions: Sequence[Region]) -> tuple[Offsets, ...]:
    """The different entries that a node needs, without the one of zeros.

    Raises:
        InputError: more than the table holds.
    """
    found: dict[Offsets, None] = {}
    for region in {region.pitch: region for region in regions}.values():
        for first in range(0, node.taps, banks.taps):
            found.setdefault(bank_offsets(node, banks, first, region))
    found.pop((0,) * banks.rows, None)
    if len(found) >= TABLE_ENTRIES:
        raise InputError(f"node {node.layer.name}: it needs {len(found)} offset tables, more than {TABLE_ENTRIES - 1}")
    return tuple(found)


def table_data(entries: tuple[Offsets, ...], machine: Machine) -> Bytes:
    """Table entries in memory: uint8 [entries · table_vectors · V]."""
    width = machine.table_vectors * machine.vector
    data: npt.NDArray[np.uint8] = np.zeros((len(entries), width), np.uint8)
    for i, offsets in enumerate(entries):
        words = np.array([offset & 0xFFFF for offset in offsets], "<u2").view(np.uint8)
        data[i, : words.size] = words
    return data.ravel()
