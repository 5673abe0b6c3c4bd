"""Sparse attention: which blocks of scores are computed, by a rule or by a mask.

Which blocks a rule of `topk` keeps depends on data: here they are evenly spread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from skipbeat_arch.array_file import read_arrays
from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.errors import InputError

#: Tokens of a block where a rule states none.
BLOCK = 64
_SUFFIXES = (".npy", ".npz")
_RULE = re.compile(r"(block|window|stride|global|topk)=([1-9]\d{0,6})|(causal)")
EXPECTED = (
    "expected block=TOKENS, window=TOKENS, stride=TOKENS, global=TOKENS, topk=BLOCKS and causal with commas between "
    "them, or an .npy or .npz file of masks"
)


@dataclass(frozen=True, kw_only=True)
class AttentionBlocks:
    """Which blocks of scores are computed: those that any of the numbers keeps, or those of a mask.

    Attributes:
        name: as a reader gave it.
        numbers: `window`: keys so near. `stride`: keys at multiples of this distance. `global`: the first tokens, which
            all see and which see all. `topk`: so many blocks for each block of queries. `block`: tokens of a block.
        causal: no keys after the query.
        masks: bool [blocks of queries, blocks of keys], perhaps with heads before them, by a part of layers' names; the
            empty name is for all. A layer without one computes all blocks.
    """

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    causal: bool = False
    masks: Mapping[str, BoolArray] = field(default_factory=dict)

    @classmethod
    def read(cls, given: str) -> AttentionBlocks:
        """A rule, or a file of masks.

        Raises:
            InputError: the rule or the file is something else, or cannot be read.
        """
        if given.endswith(_SUFFIXES):
            return cls(name=given, masks=_masks(given))
        found = [_RULE.fullmatch(part.strip()) for part in given.split(",")]
        numbers = {match[1]: int(match[2]) for match in found if match and match[1]}
        causal = any(match and match[3] for match in found)
        words = len(numbers) + causal
        if None in found or words != len(found) or not (causal or numbers.keys() - {"block"}):
            raise InputError(f"attention {given}: {EXPECTED}")
        return cls(name=given, numbers=numbers, causal=causal)

    @property
    def content(self) -> tuple[object, ...]:
        """All that it says, in plain values."""
        masks = tuple((name, mask.shape, mask.tobytes().hex()) for name, mask in self.masks.items())
        return self.name, tuple(self.numbers.items()), self.causal, masks

    def mask(self, layer: str, rows: int, keys: int) -> BoolArray | None:
        """The blocks of a layer that are computed: bool [blocks of queries, blocks of keys], perhaps by heads.

        None: all of them.

        Args:
            rows, keys: tokens; the last query stands at the last key.

        Raises:
            InputError: a mask of other dimensions, or of more blocks than there are tokens.
        """
        known = max((name for name in self.masks if name in layer), key=len, default=None)
        if not self.masks:
            return self._by_rule(rows, keys)
        if known is None:
            return None
        mask = self.masks[known]
        if mask.ndim not in (2, 3) or 0 in mask.shape or mask.shape[-2] > rows or mask.shape[-1] > keys:
            raise InputError(
                f"attention {self.name}: layer {layer} has {rows} queries and {keys} keys; expected a mask [blocks of "
                f"queries, blocks of keys], or one for each head, not {list(mask.shape)}"
            )
        return mask

    def _by_rule(self, rows: int, keys: int) -> BoolArray:
        size = self.numbers.get("block", BLOCK)
        first, last = (np.array(each) for each in zip(*spans(rows, -(-rows // size), size), strict=True))
        start, stop = (np.array(each) for each in zip(*spans(keys, -(-keys // size), size), strict=True))
        # The least and the largest distance of a query to a key before it.
        least = (first + keys - rows)[:, None] - (stop - 1)[None]
        most = (last - 1 + keys - rows)[:, None] - start[None]
        seen = most >= 0 if self.causal else np.ones_like(most, np.bool_)
        if self.causal:
            least = np.maximum(least, 0)
        kept = np.full_like(seen, not self.numbers.keys() - {"block"})
        if (window := self.numbers.get("window")) is not None:
            kept |= (least < window) & (most > -window)
        if (stride := self.numbers.get("stride")) is not None:
            kept |= most // stride * stride >= least
        if (tokens := self.numbers.get("global")) is not None:
            kept |= (start < tokens)[None] | (first + keys - rows < tokens)[:, None]
        if (count := self.numbers.get("topk")) is not None:
            for own, (row, allowed) in enumerate(zip(kept, seen, strict=True)):
                places = np.flatnonzero(allowed)
                row[places[(own + np.arange(count) * len(places) // count) % len(places)]] = True
        found: BoolArray = kept & seen
        return found


def spans(tokens: int, parts: int, size: int) -> Iterator[tuple[int, int]]:
    """The first token of each block, and the one behind its last."""
    return ((part * size, min(tokens, (part + 1) * size)) for part in range(parts))


def _masks(given: str) -> dict[str, BoolArray]:
    what = f"attention {given}"
    arrays = read_arrays(Path(given), what)
    if not arrays or any(array.dtype.kind not in "bui" for array in arrays.values()):
        raise InputError(f"{what}: expected masks of bool")
    return {name: array != 0 for name, array in arrays.items()}
