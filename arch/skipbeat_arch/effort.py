"""How hard the compiler looks for quick mappings."""

from __future__ import annotations

from enum import StrEnum


class Effort(StrEnum):
    """How many tactics are tried; every one of them is a legal program, and its clocks are exact.

    QUICK: the mappings that bounds like best, in one program. NORMAL: the few best of each node by their clocks, and
    whole networks in up to a handful of programs. BEST: all that NORMAL tries, and many more of each node.
    """

    QUICK = "quick"
    NORMAL = "normal"
    BEST = "best"
