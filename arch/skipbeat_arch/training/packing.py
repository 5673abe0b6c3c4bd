"""What was selected, as the row of a tile lies in memory: a bitmap, and a vector of values for each slot.

A block is M vectors of V elements; a column's group is its lane of them. First come M / 8 vectors of bitmap, M bits
for each column, and then one vector of values for each of N slots: a column's s-th kept element, 0 if it has none.
A kept 0 has its bit and its place, so a row's size is known before its values. With N elements of every group this is
a row of a tile in bitmap encoding (`skipbeat_arch.tile`), whose rows have their bitmaps first, and then their values.
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Bytes, Int8Array

#: Bits of a value.
VALUE_BITS = 8


def bitmap_vectors(group: int, bits: int = VALUE_BITS) -> int:
    """Vectors of bitmap that a block of groups of M has, which are whole ones.

    Raises:
        ValueError: M is no multiple of the bits of a value.
    """
    if group % bits:
        raise ValueError(f"expected groups of a multiple of {bits}, not {group}")
    return group // bits


def packed(values: Int8Array, kept: BoolArray, group: int, n: int) -> Bytes:
    """Blocks as they are stored, uint8 [blocks, M / 8 + N, V], from values and places, int8 and bool [vectors, V].

    Args:
        values: of M vectors for each block. kept: which of them are stored; `values` count nowhere else.
        group: M. n: slots; elements of a group beyond them have a bit and no place.

    Raises:
        ValueError: M is no multiple of 8, or the vectors are no whole blocks.
    """
    count, width = values.shape
    first = bitmap_vectors(group)
    if count % group:
        raise ValueError(f"expected vectors in multiples of {group}, not {count}")
    blocks = np.zeros((count // group, first + n, width), np.uint8)
    for block, stored in enumerate(blocks):
        mine = slice(block * group, (block + 1) * group)
        columns, marks = values[mine].T, kept[mine].T
        stored[:first] = np.packbits(marks, bitorder="little").reshape(first, width)
        for lane, (column, mark) in enumerate(zip(columns, marks, strict=True)):
            found = column[mark][:n].view(np.uint8)
            stored[first : first + len(found), lane] = found
    return blocks
