"""From any form of a pruned model to its layers with their zeros (`skipbeat_arch.model.ModelDescription`).

The names below import torch when they are first used: a description that is kept needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .load import load_source
    from .module import from_module

__all__ = ["from_module", "load_source"]

_HOME = {"from_module": ".module", "load_source": ".load"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value
