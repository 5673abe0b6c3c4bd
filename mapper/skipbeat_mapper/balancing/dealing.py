"""Deals things out to rows so that every row gets about the same of everything."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import FloatArray, Indices

#: Pairs that are looked at, all swaps together.
MOST_PAIRS = 1 << 26
#: Smaller gains, in parts of the largest thing, are errors of rounding.
LEAST_GAIN = 1e-9


def deal(features: FloatArray, rows: Indices, kinds: Indices | None = None) -> Indices:
    """Swaps things until no swap brings the sums of the rows closer to one another.

    What counts is the sum over rows and features of the squared sum: it is least where all rows have the same.

    Args:
        features: of each thing, [n, features].
        rows: the row of each place, [n].
        kinds: of each place and of the thing that is there at first, [n]; things stay in places of their kind.

    Returns:
        The thing in each place, [n].
    """
    count = len(features)
    order = np.arange(count)
    sums = np.zeros((int(rows.max(initial=-1)) + 1, features.shape[1]))
    np.add.at(sums, rows, features)
    products = features @ features.T
    norms = np.diagonal(products)
    apart = norms[:, None] + norms[None] - 2 * products
    same = rows[:, None] == rows[None]
    if kinds is not None:
        same |= kinds[:, None] != kinds[None]
    along = features @ sums.T  # every thing with the sum of every row, [n, rows]
    for _ in range(MOST_PAIRS // (count * count)):
        # Swapping the things at i and j changes the sum by 2 (f_j - f_i)(s_i - s_j) + 2 |f_j - f_i|².
        cross = along[order[:, None], rows]
        own = np.diagonal(cross)
        gain = cross + cross.T - own[:, None] - own[None] + apart[order[:, None], order]
        gain[same] = 0
        first, second = divmod(int(gain.argmin()), count)
        if gain[first, second] >= -LEAST_GAIN * (1 + norms.max()):
            break
        moved = products[:, order[second]] - products[:, order[first]]
        along[:, rows[first]] += moved
        along[:, rows[second]] -= moved
        order[[first, second]] = order[[second, first]]
    return order
