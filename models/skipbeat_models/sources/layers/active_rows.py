"""Contextual sparsity, as a reader states it: which share of a layer's rows a token needs.

Liu and others, "Deja Vu: Contextual Sparsity for Efficient LLMs at Inference Time", ICML 2023.
`fewer_rows` says what becomes of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json, read_text

EXPECTED = "expected LAYER=SHARE with commas between them, such as up_proj=0.25, or a .json file {LAYER: SHARE}"


@dataclass(frozen=True, kw_only=True)
class ActiveRows:
    """Shares of rows.

    Attributes:
        name: as a reader gave it.
        shares: above 0 and at most 1, by a part of layers' names; of several the longest counts.
    """

    name: str
    shares: Mapping[str, float]

    @classmethod
    def read(cls, given: str) -> ActiveRows:
        """A rule, or a file.

        Raises:
            InputError: it is something else, or cannot be read.
        """
        what = f"active rows {given}"
        if given.endswith(".json"):
            found = parse_json(read_text(Path(given), what), what)
        else:
            pairs = [part.strip().rpartition("=") for part in given.split(",")]
            found = {name: _number(share) for name, _, share in pairs}
        good = isinstance(found, dict) and "" not in found
        if not found or not good or not all(_is_share(share) for share in found.values()):
            raise InputError(f"{what}: {EXPECTED}; shares are above 0 and at most 1")
        return cls(name=given, shares=found)

    def share(self, layer: str) -> float | None:
        """Of a layer; None: none is stated."""
        known = max((name for name in self.shares if name in layer), key=len, default=None)
        return None if known is None else self.shares[known]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _is_share(share: object) -> bool:
    return isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1
