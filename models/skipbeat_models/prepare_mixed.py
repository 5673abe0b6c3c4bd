"""A network of the zoo that machine and host run together, from a seed to int8: random weights and inputs."""

from __future__ import annotations

import torch

from . import zoo
from .prepared import PreparedMixed
from .pruners.magnitude import prune_by_magnitude
from .quantise_mixed import quantise_mixed
from .scheme import Plan, Scheme
from .sources.module import with_numbers
from .sources.permuting.permuted_module import permuted_module
from .trained import Progress, silent
from .training import one_thread

#: Words that tokens are drawn from: any vocabulary has them.
_WORDS = 64


def prepare_mixed(
    source: str, plan: Plan, seed: int = 0, *, count: int = 1, progress: Progress = silent
) -> PreparedMixed:
    """Prune the initial weights of a zoo model by magnitude and quantise what the machine runs.

    Args:
        count: images or sequences that are drawn; the first one calibrates the scales.

    Raises:
        InputError: there is no such model, or a part of it is not run yet.
    """
    entry, scheme = zoo.find(source), Scheme.of(plan)
    progress("drawing weights and inputs")
    model = with_numbers(source, entry.build(seed).eval())
    generator = torch.Generator().manual_seed(seed)
    if entry.input_shape is None:
        inputs = torch.randint(0, _WORDS, (count, entry.tokens), generator=generator)
    else:
        inputs = torch.randn(count, *entry.input_shape, generator=generator)
    with one_thread():
        progress(f"pruning to {scheme}")
        model = permuted_module(model, (inputs[:1],), scheme)
        prune_by_magnitude(model, scheme)
        progress("quantising to int8")
        quantised = quantise_mixed(model, (inputs[:1],))
    return PreparedMixed(
        source=source,
        scheme=scheme,
        quantised=quantised,
        inputs=tuple((inputs[number : number + 1],) for number in range(count)),
    )
