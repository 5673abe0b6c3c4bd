"""From any form of a pruned model to its layers with their zeros (`skipbeat_arch.model.ModelDescription`)."""

from __future__ import annotations

from .load import load_source
from .module import from_module

__all__ = ["from_module", "load_source"]
