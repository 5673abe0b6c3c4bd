"""The cache of a module of transformers: what it is called where a module takes it and hands it back."""

from __future__ import annotations

import inspect

from torch import nn

#: Keys and values, as transformers calls them from 5.24 on and before; the states of recurrent models.
NAMES = ("cache", "past_key_values", "cache_params", "state")


def cache_names(module: nn.Module) -> list[str]:
    """The names by which a module takes a cache; none if it takes none."""
    takes = inspect.signature(module.forward).parameters
    return [name for name in NAMES if name in takes]
