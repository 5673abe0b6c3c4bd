"""Sparsity patterns as a user writes them: `dense`, `2:4`, `unstructured:0.5`, `block:0.25`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .arrays import BoolArray, Reals
from .errors import InputError

Kind = Literal["dense", "nm", "unstructured", "block"]
#: Largest M of a pattern. The groups of the machine may be smaller, and divide it.
LARGEST_GROUP = 128
EXPECTED = "expected dense, N:M (such as 2:4), unstructured:DENSITY or block:DENSITY"


@dataclass(frozen=True)
class Pattern:
    """A sparsity pattern. `n` and `m` belong to `nm`; `density` in 0..1 to `unstructured` and `block`."""

    kind: Kind
    n: int = 0
    m: int = 0
    density: float = 1.0

    @classmethod
    def parse(cls, text: object) -> Pattern:
        """Read a pattern from text, or from a mapping `{n: 2, m: 4}` as a YAML file holds it.

        Raises:
            InputError: unknown form, N outside 1..M, M outside 2..128, or a density outside 0..1.
        """
        if isinstance(text, dict) and set(text) == {"n", "m"}:
            text = f"{text['n']}:{text['m']}"
        if not isinstance(text, str):
            raise InputError(f"pattern {text!r}: {EXPECTED}")
        if text == "dense":
            return cls("dense")
        if match := re.fullmatch(r"(\d{1,3}):(\d{1,3})", text):
            return cls._nm(int(match[1]), int(match[2]), text)
        if match := re.fullmatch(r"(unstructured|block):([-+0-9.eE]+)", text):
            kind: Kind = "block" if match[1] == "block" else "unstructured"
            return cls(kind, density=_density(match[2], text))
        raise InputError(f"pattern {text!r}: {EXPECTED}")

    @classmethod
    def _nm(cls, n: int, m: int, text: str) -> Pattern:
        if not 2 <= m <= LARGEST_GROUP:
            raise InputError(f"pattern {text}: M must be in 2..{LARGEST_GROUP}, not {m}")
        if not 1 <= n <= m:
            raise InputError(f"pattern {text}: N must be in 1..{m}, not {n}")
        return cls("nm", n, m, n / m)

    def __str__(self) -> str:
        if self.kind == "dense":
            return "dense"
        return f"{self.n}:{self.m}" if self.kind == "nm" else f"{self.kind}:{self.density!r}"


def _density(digits: str, text: str) -> float:
    try:
        density = float(digits)
    except ValueError:
        raise InputError(f"pattern {text!r}: {EXPECTED}") from None
    if not 0 <= density <= 1:
        raise InputError(f"pattern {text}: the density must be in 0..1, not {density:g}")
    return density


#: Group sizes for which a weight's N is measured, and those that are tried where none of these fits.
MEASURED_GROUPS = (4, 8, 16, 32)
WIDE_GROUPS = (64, LARGEST_GROUP)
#: Below this share of zeros a weight without N:M is called dense: quantisation makes a few zeros of its own.
DENSE_ZEROS = 0.1
#: Share of an N:M's places that must be filled: without it any scattered zeros are some N:M, such as 18:32.
FILLED = 0.75
#: The same for wide groups, whose fullest one is nearer to the mean.
FILLED_WIDE = 0.97


def measured_pattern(weight: Reals | BoolArray) -> Pattern:
    """The pattern that a weight [C, K] really has along its reduction axis, from its zeros alone.

    The N:M with the lowest density for M in 4, 8, 16, 32, the smallest M if several have it, if the weight fills
    most of its places; else for M in 64, 128, if it fills nearly all. Without one, `unstructured` with the measured
    density, or `dense` if fewer than a tenth are zero.
    """
    return measured_pattern_of([weight])


def measured_pattern_of(parts: Iterable[Reals | BoolArray]) -> Pattern:
    """The same of a weight whose columns come in parts, each [C, some of K]."""
    fullest, nonzeros, size, rows = dict.fromkeys(MEASURED_GROUPS + WIDE_GROUPS, 0), 0, 0, 0
    for part in parts:
        rows, size = len(part), size + part.size
        nonzero: BoolArray = np.asarray(part, np.bool_)
        nonzeros += int(np.count_nonzero(nonzero))
        for m, n in _fullest_groups(nonzero).items():
            fullest[m] = max(fullest[m], n)
    density = nonzeros / size if size else 0.0
    for groups, filled in ((MEASURED_GROUPS, FILLED), (WIDE_GROUPS, FILLED_WIDE)):
        best: Pattern | None = None
        for m in groups:
            n = fullest[m]
            if 0 < n < m and rows >= m and (best is None or n / m < best.density):
                best = Pattern("nm", n, m, n / m)
        if best is not None and density >= filled * best.density:
            return best
    return Pattern("dense") if density > 1 - DENSE_ZEROS else Pattern("unstructured", density=density)


def _fullest_groups(nonzero: BoolArray) -> dict[int, int]:
    """For every measured M the nonzero elements of the fullest group of M rows of one column."""
    padding = -len(nonzero) % LARGEST_GROUP
    counts = (np.pad(nonzero, ((0, padding), (0, 0))) if padding else nonzero).view(np.uint8)
    found, size = {}, 1
    for m in MEASURED_GROUPS + WIDE_GROUPS:
        # Counts of larger groups follow from those of smaller ones, in bytes: large weights are measured quickly.
        while size < m:
            counts, size = counts[0::2] + counts[1::2], 2 * size
        found[m] = int(counts.max(initial=0))
    return found
