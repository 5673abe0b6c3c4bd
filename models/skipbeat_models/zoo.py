"""Models that come with skipbeat, named `zoo:NAME`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from skipbeat_arch.errors import InputError

from . import digits

PREFIX = "zoo:"


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        build: the untrained network for a seed.
        input_shape: channels, height, width of an image.
    """

    name: str
    description: str
    build: Callable[[int], nn.Sequential]
    input_shape: tuple[int, int, int]


_MODELS = {
    model.name: model
    for model in (
        ZooModel(
            name="digits-cnn", description="scikit-learn digits, three convolutions and a linear layer",
            build=digits.build_network, input_shape=digits.INPUT_SHAPE,
        ),
    )
}  # fmt: skip


def names() -> list[str]:
    """The models' full names, `zoo:NAME`, sorted."""
    return sorted(PREFIX + name for name in _MODELS)


def find(source: str) -> ZooModel:
    """The model called `zoo:NAME`.

    Raises:
        InputError: there is none of that name; the message lists those that there are.
    """
    model = _MODELS.get(source.removeprefix(PREFIX)) if source.startswith(PREFIX) else None
    if model is None:
        raise InputError(f"model {source}: no such model; expected one of {', '.join(names())}")
    return model
