"""A module as it is evaluated: not as it is trained, and without a cache that nobody gave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from torch import nn


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and no cache of keys and values where a configuration asks for one (Hugging Face)."""
    training = {module: module.training for module in model.modules()}
    cached = [(config, config.use_cache) for config in _configurations(model)]
    try:
        with suppress(NotImplementedError):  # a module that was exported is as it is
            model.eval()
        for config, _ in cached:
            config.use_cache = False
        yield
    finally:
        for module, was in training.items():
            module.training = was
        for config, use in cached:
            config.use_cache = use


def _configurations(model: nn.Module) -> list[Any]:
    """The configurations of a model's modules, and those inside of them, that say whether to cache."""
    found: dict[int, Any] = {}
    left: list[Any] = [getattr(module, "config", None) for module in model.modules()]
    while left:
        config = left.pop()
        if hasattr(config, "to_dict") and id(config) not in found:
            found[id(config)] = config
            left += vars(config).values()
    return [config for config in found.values() if isinstance(getattr(config, "use_cache", None), bool)]
