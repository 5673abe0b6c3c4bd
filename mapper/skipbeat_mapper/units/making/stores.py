"""The stores of a node, and the parameters and residuals that they read."""

from __future__ import annotations

from skipbeat_arch.compiled import compiled
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS

from ...order import places as at
from ...order.places import NOWHERE
from . import fields as f
from .fields import Arrays
from .loads import add_load
from .rings import keep, take_any


@compiled
def add_store(a: Arrays, node: int, column: int, block: int) -> int:
    """The store of a column tile's outputs of a block, and the loads that it needs; its number.

    Parameters of a node are loaded once if those of all its column tiles have room, otherwise when the ring lost them.
    """
    own, number = column - a.nodes[node, f.FIRST_COLUMN], int(a.chip[f.STORES])
    a.chip[f.STORES] += 1
    store, count = a.stores[number], a.blocks[block, f.OUTPUTS]
    store[:] = NOWHERE
    store[f.STORE_ITEMS], store[f.STORED] = count * a.nodes[node, f.POOL], count
    store[f.POSITION] = own * a.nodes[node, f.OUTPUT_BLOCK] + a.blocks[block, f.FIRST_OUTPUT]
    store[f.STORE_NODE] = node
    store[f.BLOCK] = _parameters(a, node, own, column)
    store[f.PARAMETERS_FROM] = store[f.BLOCK] * PARAMETER_PITCH
    store[f.PARAMETERS_TO] = store[f.PARAMETERS_FROM] + PARAMETER_VECTORS
    if a.nodes[node, f.RESIDUALS_AT] != NOWHERE:
        start = take_any(a, at.RESIDUAL, count)
        add_load(a, at.RESIDUAL, start, start + count, a.nodes[node, f.RESIDUALS_AT] + store[f.POSITION], count)
        store[f.RESIDUAL], store[f.RESIDUALS_FROM], store[f.RESIDUALS_TO] = start, start, start + count
    store[f.ADDRESS] = 0
    if a.nodes[node, f.OUTPUT_AT] != NOWHERE:
        store[f.ADDRESS] = a.nodes[node, f.OUTPUT_AT] + store[f.POSITION] * a.nodes[node, f.SCALE]
        store[f.MEMORY_FROM] = store[f.ADDRESS]
        store[f.MEMORY_TO] = store[f.ADDRESS] + count * a.nodes[node, f.SCALE]
    store[f.STORE_WIDTH], store[f.STORE_PITCH] = 0, 0
    if a.nodes[node, f.CHAIN] != NOWHERE:
        region = a.nodes[node, f.CHAIN]
        to = a.nodes[node, f.CHAIN_AT] + a.columns[column, f.OUT_PLANE] * a.regions[region, f.PLANE]
        to += a.blocks[block, f.LOCAL_AT]
        store[f.BANKS_FROM], store[f.BANKS_TO], store[f.STORE_TO] = to, to + a.blocks[block, f.LOCAL_SPAN], to
        store[f.STORE_WIDTH], store[f.STORE_PITCH] = a.blocks[block, f.LOCAL_WIDTH], a.regions[region, f.PITCH]
        store[f.STORE_PERIOD], store[f.STORE_BANK] = a.columns[column, f.OUT_PERIOD], a.columns[column, f.OUT_BANK]
    return number


@compiled
def _parameters(a: Arrays, node: int, own: int, column: int) -> int:
    """The block of parameters of a column tile, of its node the `own`; they are loaded unless they are there."""
    source = a.nodes[node, f.PARAMETERS_AT]
    if a.nodes[node, f.ALL_PARAMETERS]:
        block, new = int(a.nodes[node, f.PARAMETERS_THERE]) + own, a.columns[column, f.HAS_PARAMETERS] == 0
        a.columns[column, f.HAS_PARAMETERS] = 1
    else:
        block, new = keep(a, at.PARAMETERS, source, own, 1)
    if new:
        start = block * PARAMETER_PITCH
        source += own * PARAMETER_PITCH
        add_load(a, at.PARAMETERS, start, start + PARAMETER_VECTORS, source, PARAMETER_VECTORS)
    return block
