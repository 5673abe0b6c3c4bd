"""A proxy of accuracy: the share of the weights' magnitude that a scheme keeps."""

from __future__ import annotations

from functools import lru_cache

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models import zoo
from skipbeat_models.kept_magnitudes import LayerMagnitudes
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.tracing.python import build_model


def kept_share(source: str, scheme: Scheme | None, seed: int) -> float:
    """Of the magnitudes of all weights that a scheme could prune, 0..1.

    Raises:
        InputError: the source is neither zoo:NAME nor module:function, or has no weights.
    """
    return _magnitudes(source, seed).share(scheme or Scheme(Pattern("dense")))


@lru_cache(maxsize=2)
def _magnitudes(source: str, seed: int) -> LayerMagnitudes:
    if source.startswith(zoo.PREFIX):
        model, *_ = zoo.find(source).source(seed, None)
    elif ":" in source:
        model, *_ = build_model(source)
    else:
        raise InputError(f"model {source}: what is kept is measured of zoo:NAME and module:function")
    return LayerMagnitudes(model)
