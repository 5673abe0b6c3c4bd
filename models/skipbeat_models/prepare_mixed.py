"""A network that machine and host run together, from a seed to int8: random weights and inputs, one-shot pruning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import zoo
from .mixed import MixedNetwork, quantise_mixed
from .pruners.layers import apply_masks
from .pruners.magnitude import magnitude_masks
from .scheme import Plan, Scheme
from .training import one_thread

#: Words that tokens are drawn from: any vocabulary has them.
_WORDS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedMixed:
    """A mixed network that is ready to run.

    Attributes:
        inputs: for each image or sequence what the network is called with.
    """

    source: str
    scheme: Scheme
    network: MixedNetwork
    inputs: tuple[torch.Tensor, ...]


def prepare_mixed(
    source: str, plan: Plan, seed: int = 0, *, count: int = 1, progress: Callable[[str], None]
) -> PreparedMixed:
    """Prune the initial weights of a zoo model by magnitude and quantise what the machine runs.

    Args:
        count: images or sequences that are drawn; the first one calibrates the scales.

    Raises:
        InputError: there is no such model, or a part of it is not run yet.
    """
    entry, scheme = zoo.find(source), Scheme.of(plan)
    progress("drawing weights and inputs")
    model = entry.build(seed).eval()
    generator = torch.Generator().manual_seed(seed)
    if entry.input_shape is None:
        inputs = torch.randint(0, _WORDS, (count, entry.tokens), generator=generator)
    else:
        inputs = torch.randn(count, *entry.input_shape, generator=generator)
    with one_thread():
        progress(f"pruning to {scheme}")
        apply_masks(model, magnitude_masks(model, scheme))
        progress("quantising to int8")
        network = quantise_mixed(model, (inputs[:1],))
    return PreparedMixed(
        source=source,
        scheme=scheme,
        network=network,
        inputs=tuple(inputs[number : number + 1] for number in range(count)),
    )
