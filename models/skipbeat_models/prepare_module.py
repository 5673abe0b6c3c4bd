"""The user's own network, `module:function`, from their code to int8."""

from __future__ import annotations

import re
from contextlib import suppress

import torch
from torch import nn

from skipbeat_arch.errors import HostOperatorError, InputError
from skipbeat_arch.workload import ReductionOrder

from .prepared import PreparedMixed, PreparedNetwork
from .pruners.one_shot import prune_model
from .quantise_graph import quantise_graph
from .quantise_mixed import quantise_mixed
from .scheme import Plan, Scheme
from .sources.module import flattened_maps, with_numbers
from .sources.permuting.permuted_module import permuted_module
from .sources.tracing.python import build_model
from .trained import Progress
from .training import one_thread

_NAME = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")


def prepare_module(
    source: str, plan: Plan | None, seed: int = 0, *, order: ReductionOrder = "kh,kw,cin", progress: Progress
) -> PreparedNetwork | PreparedMixed:
    """Quantise the network that a function returns, perhaps pruned; the example inputs calibrate it.

    A network that cannot be one program is run by machine and host together, on its example inputs as they are.

    Args:
        source: `module:function`, found from the current folder; its code is run. It returns (model, example_inputs);
            of a network that is one program these are images, float [N, C, H, W].
        plan: what to prune a copy to; None: the network as it is.
        seed: of the pruning method `random`.
        order: of the reduction axis of convolutions, in a network that is one program.
        progress: called with a line of text before each step.

    Raises:
        InputError: the source is none, fails, or cannot be quantised.
    """
    if not _NAME.fullmatch(source):
        raise InputError(f"model {source}: expected zoo:NAME or module:function")
    progress(f"building {source}")
    model, inputs, kwargs = build_model(source)
    with_numbers(source, model)
    scheme = Scheme.of("dense" if plan is None else plan)
    with one_thread():
        if plan is not None:
            progress(f"pruning to {scheme}")
            model = permuted_module(model, inputs, scheme, kwargs, order)
            flattened = flattened_maps(model, inputs, kwargs)
            tensors = tuple(item for item in inputs if isinstance(item, torch.Tensor))
            calibration = [tensors] if tensors == inputs and not kwargs else None
            model = prune_model(model, scheme, seed=seed, calibration=calibration, order=order, flattened=flattened)
        progress("quantising to int8")
        images = inputs[0] if len(inputs) == 1 and not kwargs else None
        if isinstance(images, torch.Tensor) and images.dim() == 4 and images.is_floating_point():
            with suppress(HostOperatorError):
                return _one_program(source, scheme, model, images, order)
        quantised = quantise_mixed(model, inputs, kwargs)
    return PreparedMixed(source=source, scheme=scheme, quantised=quantised, inputs=(quantised.inputs,))


def _one_program(
    source: str, scheme: Scheme, model: nn.Module, images: torch.Tensor, order: ReductionOrder
) -> PreparedNetwork:
    quantised = quantise_graph(model, images, order)
    return PreparedNetwork(
        source=source,
        scheme=scheme,
        graph=quantised.graph,
        scales=quantised.scales,
        images=quantised.quantise_images(images.double().numpy()),
    )
