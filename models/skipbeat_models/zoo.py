"""Models that come with skipbeat, named `zoo:NAME`: some classify scikit-learn's digits, others are not trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from skipbeat_arch.errors import InputError

from . import digits, digits_data, resnet18, tiny_resnet
from .training import Recipe

PREFIX = "zoo:"


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        build: the untrained network for a seed.
        input_shape: channels, height, width of an image.
        recipe: how it is trained and fine-tuned on the digits; None: it keeps the weights that its seed gives.
    """

    name: str
    description: str
    build: Callable[[int], nn.Sequential]
    input_shape: tuple[int, int, int]
    recipe: Recipe | None = None


_MODELS = {
    model.name: model
    for model in (
        ZooModel(
            name="digits-cnn", description="scikit-learn digits, three convolutions and a linear layer",
            build=digits.build_network, input_shape=digits_data.INPUT_SHAPE, recipe=digits.RECIPE,
        ),
        ZooModel(
            name="tiny-resnet",
            description="scikit-learn digits, a residual network with strides, projection and depthwise",
            build=tiny_resnet.build_network, input_shape=digits_data.INPUT_SHAPE, recipe=tiny_resnet.RECIPE,
        ),
        ZooModel(
            name="resnet-18", description="ResNet-18 for 224x224 pixels and 1000 classes, weights from the seed",
            build=resnet18.build_network, input_shape=resnet18.INPUT_SHAPE,
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
