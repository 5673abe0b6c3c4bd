"""Planted faults that no program can notice, each with the reason."""

from __future__ import annotations

from skipbeat_hw.mutation import Mutation


def why_equivalent(mutation: Mutation) -> str | None:
    """Why a fault changes nothing that can be seen; None: it may."""
    if not mutation.observable:
        return "no output depends on this bit"
    return None
