"""The layers of attention: of one operator, or of two products with a softmax between them.

Of sparse attention, a block of keys is loaded once and meets the queries of all blocks that keep it; a block of queries
sums up the values of the blocks that it keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import prod

import numpy as np

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind, LayerPart, ModelLayer
from skipbeat_arch.workload import Gemm

from ...weight_zeros import dense_zeros
from ..graphs.constants import Constants
from ..graphs.graph import Graph, Operator, Value
from ..graphs.operators import PRODUCTS, VIEWS
from ..graphs.products import Product, operands
from ..notes import Notes
from ..pruned_weights.zeros import DENSE
from .attention import AttentionBlocks, spans
from .block_masks import UNREAD, has_mask, read_mask
from .heads import SharedHeads
from .linear import matmul_layer
from .reading import Reading

_SOFTMAX = frozenset({"softmax", "_softmax", "_safe_softmax"})
#: What may stand between scores and their softmax, and between it and the values.
_SCALED = VIEWS | {"add", "div", "mul", "sub", "where", "masked_fill", "tanh", "clamp"}


class AttentionReader:
    """Makes layers of attention's products: heads that share keys or values are the rows of one product.

    Args:
        blocks: the scores that are computed; None: all, or those that the model's own mask keeps.
        notes: told of masks that are not read.
    """

    def __init__(self, graph: Graph, blocks: AttentionBlocks | None, constants: Constants, notes: Notes) -> None:
        self._blocks, self._heads = blocks, SharedHeads(graph.operators)
        self._constants, self._notes = constants, notes
        self._parts = {} if blocks is None else attention_parts(graph.operators)

    def fused(self, reading: Reading) -> tuple[list[ModelLayer], int]:
        """The two products of an operator that is attention, and how many scores there are.

        Raises:
            InputError: as for `attention_layers`.
        """
        query, key, value = (reading.operator.value(name) for name in ("query", "key", "value"))
        *outer, rows, depth = query.shape
        scores, weighted = reading.names
        blocks = self._blocks
        if blocks is None and has_mask(reading.operator):
            blocks = read_mask(reading.operator, self._constants, rows, key.shape[-2])
            if blocks is None:
                self._notes.add_layer(UNREAD, scores)
        return attention_layers(
            blocks,
            (scores, weighted),
            times=prod(outer),
            heads=outer[-1] if outer else 1,
            shared=(self._heads.rows_of_one(key, outer), self._heads.rows_of_one(value, outer)),
            sizes=(rows, key.shape[-2], depth, value.shape[-1]),
        )

    def of_activations(self, reading: Reading, product: Product) -> ModelLayer:
        """Products of two activations, which may be a part of attention.

        Raises:
            InputError: as for `attention_layers`.
        """
        name, part = reading.names[0], self._parts.get(reading.operator)
        shared = self._heads.rows_of_one(product.right, [product.repeats])
        if part is None:
            return matmul_layer(name, p=product.p * shared, c=product.c, k=product.k, repeats=product.repeats // shared)
        outer = reading.operator.results[0].shape[:-2]
        keys, other = (product.k, product.c) if part == 0 else (product.c, product.k)
        layers, _ = attention_layers(
            self._blocks,
            (name, name),
            times=product.repeats,
            heads=outer[-1] if outer else 1,
            shared=(shared, shared),
            sizes=(product.p, keys, other, other),
        )
        return layers[part]


def attention_layers(
    blocks: AttentionBlocks | None,
    names: tuple[str, str],
    *,
    times: int,
    heads: int,
    shared: tuple[int, int],
    sizes: tuple[int, int, int, int],
) -> tuple[list[ModelLayer], int]:
    """The two products of attention, and how many scores they have.

    Args:
        names: of the layers.
        times: heads of all sequences. heads: of one.
        shared: how many heads, one after the other, share keys and values.
        sizes: queries, keys, channels of a key, channels of a value.

    Raises:
        InputError: sizes of zero, or a mask that does not fit.
    """
    rows, keys, depth, width = sizes
    whole = [
        matmul_layer(names[0], p=rows * shared[0], c=depth, k=keys, repeats=times // shared[0]),
        matmul_layer(names[1], p=rows * shared[1], c=keys, k=width, repeats=times // shared[1]),
    ]
    mask = None if blocks is None else blocks.mask(names[0], rows, keys)
    if blocks is None or mask is None or mask.all():
        return whole, times * rows * keys
    if mask.ndim == 3 and len(mask) != heads:
        raise InputError(f"attention {blocks.name}: layer {names[0]} has {heads} heads; the mask has {len(mask)}")
    scores, values, kept = Counter[Gemm](), Counter[Gemm](), 0
    for each in mask if mask.ndim == 3 else mask[None]:
        own = times // len(mask) if mask.ndim == 3 else times
        (first, second) = (1, 1) if mask.ndim == 3 else shared
        size = blocks.numbers.get("block") if blocks.masks else None
        queries, columns = (_sizes(count, parts, size) for count, parts in zip((rows, keys), each.shape, strict=True))
        kept += own * int(queries @ each @ columns)
        for size, count in zip(columns, queries @ each, strict=True):
            if count:
                scores[Gemm(p=int(count) * first, c=depth, k=int(size))] += own // first
        for size, count in zip(queries, each @ columns, strict=True):
            if count:
                values[Gemm(p=int(size) * second, c=int(count), k=width)] += own // second
    share = kept / (times * rows * keys)
    return [_kept(layer, found, share) for layer, found in zip(whole, (scores, values), strict=True)], kept


def _kept(layer: ModelLayer, products: Counter[Gemm], share: float) -> ModelLayer:
    """A product of which only some blocks are computed."""
    (whole,) = layer.parts
    return ModelLayer(
        name=layer.name,
        kind=LayerKind.MATMUL,
        parts=tuple(
            LayerPart(workload=work, weight=dense_zeros((work.c, work.k)), repeats=count)
            for work, count in products.items()
        ),
        shape=f"{layer.shape}, {share:.1%} of the scores",
        pattern=DENSE,
        density=share,
        stored=False,
        whole=whole,
    )


def _sizes(tokens: int, parts: int, size: int | None) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Tokens of each block: all of one size, but for the last one."""
    size = size or -(-tokens // parts)
    return np.array([max(0, stop - start) for start, stop in spans(tokens, parts, size)], np.int64)


def attention_parts(operators: Sequence[Operator]) -> dict[Operator, int]:
    """The products of attention: 0 for those of queries and keys, 1 for those of scores and values."""
    makers = {result.name: operator for operator in operators for result in operator.results}

    def before(value: Value | None, passed: Collection[str]) -> Operator | None:
        """What made a value, but for what is passed on the way."""
        maker = None if value is None else makers.get(value.name)
        while maker is not None and maker.base in passed:
            size = maker.results[0].elements
            given = next((each for each in maker.values() if each.elements == size), None)
            maker = None if given is None else makers.get(given.name)
        return maker

    found: dict[Operator, int] = {}
    for operator in operators:
        given = operands(operator) if operator.base in PRODUCTS else None
        softmax = before(given[0], VIEWS) if given else None
        if softmax is None or softmax.base not in _SOFTMAX:
            continue
        scores = before(softmax.values()[0], _SCALED)
        if scores is not None and scores.base in PRODUCTS:
            found |= {scores: 0, operator: 1}
    return found
