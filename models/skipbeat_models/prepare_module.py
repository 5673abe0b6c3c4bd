"""The user's own network, `module:function`, from their code to int8."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder

from .prepared import PreparedNetwork
from .pruners.one_shot import prune_model
from .quantise_graph import quantise_graph
from .scheme import Plan, Scheme
from .sources.module import flattened_maps
from .sources.python import build_model
from .training import one_thread

_NAME = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")


def prepare_module(
    source: str,
    plan: Plan | None,
    seed: int = 0,
    *,
    order: ReductionOrder = "kh,kw,cin",
    progress: Callable[[str], None],
) -> PreparedNetwork:
    """Quantise the network that a function returns, perhaps pruned; the example inputs calibrate it.

    Args:
        source: `module:function`, found from the current folder; its code is run. It returns (model, images), float
            [N, C, H, W].
        plan: what to prune a copy to; None: the network as it is.
        seed: of the pruning method `random`.

    Raises:
        InputError: the source is none, fails, takes anything but one tensor of images, or cannot be quantised.
    """
    if not _NAME.fullmatch(source):
        raise InputError(f"model {source}: expected zoo:NAME or module:function")
    progress(f"building {source}")
    model, inputs, kwargs = build_model(source)
    if kwargs or len(inputs) != 1 or not isinstance(images := inputs[0], torch.Tensor) or images.dim() != 4:
        raise InputError(f"model {source}: expected example inputs that are one tensor of images [N, C, H, W]")
    scheme = Scheme.of("dense" if plan is None else plan)
    with one_thread():
        if plan is not None:
            progress(f"pruning to {scheme}")
            flattened = flattened_maps(model, inputs)
            model = prune_model(model, scheme, seed=seed, calibration=[images], order=order, flattened=flattened)
        progress("quantising to int8")
        quantised = quantise_graph(model, images, order)
        inputs_int8 = quantised.quantise_images(images.numpy())
    return PreparedNetwork(
        source=source,
        scheme=scheme,
        graph=quantised.graph,
        input_scale=quantised.input_scale,
        logit_scale=quantised.logit_scale,
        images=inputs_int8,
    )
