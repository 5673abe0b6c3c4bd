"""Groupings: which reduction indices share a bundle.

A grouping is an integer array `lines` [G, M]: each line is one group, -1 an empty position. The candidates only
say what is possible; which one is best is measured from the weights' zeros (`tiling`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Convolution, Workload

from ..gather import IntArray, interleaved_order, layer_gemm

Lines = npt.NDArray[np.int32]
EMPTY = -1


def plain(order: IntArray, group: int) -> Lines:
    """Consecutive groups of M."""
    lines = np.full(-(-order.size // group) * group, EMPTY, np.int32)
    lines[: order.size] = order
    return lines.reshape(-1, group)


def segmented(order: IntArray, segment: int, group: int) -> Lines:
    """Consecutive groups of M that do not run over the end of a segment (the channels of a kernel tap)."""
    parts = order.reshape(-1, segment)
    width = -(-segment // group) * group
    lines = np.full((len(parts), width), EMPTY, np.int32)
    lines[:, :segment] = parts
    return lines.reshape(-1, group)


def spread_even(tail: IntArray, rows: int, group: int) -> Lines:
    """A short reduction cut into as many runs of neighbours as there are rows, of even length."""
    return _runs(tail, np.diff(np.arange(rows + 1) * tail.size // rows), group)


def spread_strided(tail: IntArray, rows: int, group: int) -> Lines:
    """A short reduction dealt out to the rows one element at a time: neighbours are on different rows."""
    lines = np.full((rows, group), EMPTY, np.int32)
    index = np.arange(tail.size)
    lines[index % rows, index // rows] = tail
    return lines


def spread_split(tail: IntArray, pieces: int, group: int) -> Lines:
    """Each group of M by itself cut into `pieces` even runs of neighbours."""
    lengths = np.tile(np.diff(np.arange(pieces + 1) * group // pieces), -(-tail.size // group))
    lengths = np.diff(np.minimum(np.cumsum(lengths), tail.size), prepend=0)
    return _runs(tail, lengths[lengths > 0], group)


def spread_dealt(tail: IntArray, pieces: int, group: int) -> Lines:
    """Each group of M by itself dealt out to `pieces` lines: neighbours are on different rows."""
    groups = plain(tail, group)
    lines = np.full((len(groups), pieces, group), EMPTY, np.int32)
    index = np.arange(group)
    lines[:, index % pieces, index // pieces] = groups
    return lines.reshape(-1, group)


def _runs(tail: IntArray, lengths: IntArray, group: int) -> Lines:
    """Consecutive runs of the given lengths, one per line."""
    lines = np.full((lengths.size, group), EMPTY, np.int32)
    filled = np.arange(group) < lengths[:, None]
    lines[filled] = tail
    return lines


def candidates(order: IntArray, hw: Hardware, *, spread: bool = True) -> list[Lines]:
    """Plain groups, and plain groups with the ragged tail spread over the rows in every sensible way.

    A tail of e elements that fills fewer than all rows costs a dense machine M steps; spread over R rows it costs
    ceil(e / R), so that the whole reduction costs ceil(C / R).
    """
    rows, group = hw.array.rows, hw.array.group
    found = [plain(order, group)]
    whole = order.size // (rows * group) * rows * group
    tail = order[whole:]
    if not spread or not tail.size or -(-tail.size // rows) >= group:
        return found
    used = min(rows, tail.size)
    tails = [spread_even(tail, used, group), spread_strided(tail, used, group)]
    pieces = min(rows // -(-tail.size // group), group)
    if pieces > 1:
        tails += [spread_split(tail, pieces, group), spread_dealt(tail, pieces, group)]
    full = plain(order[:whole], group)
    return found + [np.concatenate([full, lines]) for lines in tails]


def workload_groupings(workload: Workload, hw: Hardware, *, spread: bool = True) -> list[Lines]:
    """All groupings worth measuring for a layer; the first is the plain one."""
    order = np.arange(layer_gemm(workload).c)
    found = candidates(order, hw, spread=spread)
    if not isinstance(workload, Convolution):
        return found
    taps, depth = workload.kernel[0] * workload.kernel[1], workload.c_in // workload.groups
    segment = depth if workload.order == "kh,kw,cin" else taps
    if segment % hw.array.group and 1 < segment < order.size:
        found.append(segmented(order, segment, hw.array.group))
    if workload.groups > 1:
        found += candidates(interleaved_order(workload), hw, spread=spread)
    return found
