"""Block masks that a model has itself (flex_attention): which blocks of scores its attention computes."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray

from ..graphs.constants import Constants
from ..graphs.graph import Argument, Operator, Value
from .attention import AttentionBlocks

#: Operands of flexible attention's mask, behind the lengths: how many blocks of keys, and which, for each of queries.
PARTS = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices")
#: What a reader is told of a mask that is not read.
UNREAD = (
    "its block mask follows from data, or differs between sequences: every score is priced; --attention prices blocks"
)


def mask_arguments(given: Argument) -> dict[str, Argument]:
    """The operands of a mask as an exported graph has them: lengths, `PARTS`, the same by keys, sizes of blocks."""
    if not isinstance(given, list) or len(given) < len(PARTS) + 2:
        return {}
    sizes = [item for item in given[2:] if isinstance(item, int)]
    return {**dict(zip(PARTS, given[2:], strict=False)), "block_sizes": list(sizes)}


def has_mask(operator: Operator) -> bool:
    """Whether an operator has a mask of blocks."""
    return isinstance(operator.args.get(PARTS[0]), Value)


def read_mask(operator: Operator, constants: Constants, rows: int, keys: int) -> AttentionBlocks | None:
    """The blocks that are computed; None: they are not known without data.

    Args:
        rows, keys: queries and keys, in tokens.
    """
    sizes = operator.args.get("block_sizes")
    if not isinstance(sizes, list) or len(sizes) != 2 or not all(isinstance(size, int) for size in sizes):
        return None
    own, theirs = (min(int(str(size)), count) for size, count in zip(sizes, (rows, keys), strict=True))
    blocks = -(-rows // own), -(-keys // theirs)
    if own != theirs and (rows % own or keys % theirs):
        return None
    found: BoolArray | None = None
    for counts, places in (PARTS[:2], PARTS[2:]):
        number, index = operator.args.get(counts), operator.args.get(places)
        if number is None and found is not None:
            continue  # no blocks are computed without a look at the mask
        if not isinstance(number, Value) or not isinstance(index, Value):
            return None
        many, which = constants.table(number), constants.table(index)
        if many is None or which is None:
            return None
        part = _blocks(many.numpy(), which.numpy(), blocks)
        found = part if found is None else found | part
    if found is None or not (found == found[:1]).all():
        return None
    mask = found[0] if found.shape[1] > 1 else found[0, 0]
    return AttentionBlocks(name="of the model", numbers={"block": own} if own == theirs else {}, masks={"": mask})


def _blocks(
    many: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
    which: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
    blocks: tuple[int, int],
) -> BoolArray:
    """bool [sequences, heads, blocks of queries, blocks of keys], of counts [..., q] and places [..., q, k]."""
    found = np.zeros((*many.shape[:2], *blocks), np.bool_)
    for place in np.ndindex(*many.shape):
        found[place][which[place][: many[place]]] = True
    return found
