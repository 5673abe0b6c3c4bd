"""A network without training data from a seed to int8: random weights, one-shot pruning, seeded images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from skipbeat_arch.errors import HostOperatorError
from skipbeat_arch.workload import ReductionOrder

from .prepared import PreparedNetwork
from .pruners.magnitude import prune_by_magnitude
from .quantise_graph import quantise_graph
from .scheme import Scheme
from .sources.module import flattened_maps
from .sources.permuting.permuted_module import permuted_module
from .sources.tracing.recorded import record_module
from .training import one_thread
from .zoo import ZooModel

#: Images that are drawn; the first ones calibrate the scales and statistics.
IMAGES, CALIBRATION_IMAGES = 8, 2


def prepare_seeded(
    source: str, entry: ZooModel, scheme: Scheme, seed: int, order: ReductionOrder, progress: Callable[[str], None]
) -> PreparedNetwork:
    """Prune the initial weights by magnitude and quantise them; images are normally distributed noise.

    Batch normalisations get the statistics of the calibration images, so that no map dies out or overflows.

    Raises:
        HostOperatorError: the network does not read images, or has operators of the host.
        InputError: a glob of the scheme matches no layer.
    """
    if entry.input_shape is None:
        raise HostOperatorError(f"model {source}: expected a network of images, but it reads tokens")
    progress("drawing weights and images")
    model = entry.build(seed)
    images = torch.randn(IMAGES, *entry.input_shape, generator=torch.Generator().manual_seed(seed))
    calibration = images[:CALIBRATION_IMAGES]
    with one_thread():
        progress(f"pruning to {scheme}")
        model = permuted_module(model, (calibration[:1],), scheme, order=order)
        flattened = flattened_maps(model, (calibration[:1],), trace=record_module)
        prune_by_magnitude(model, scheme, order=order, flattened=flattened)
        measure_statistics(model, calibration)
        progress("quantising to int8")
        quantised = quantise_graph(model, calibration, order, recorded=True)
        inputs = quantised.quantise_images(images.numpy())
    return PreparedNetwork(source=source, scheme=scheme, graph=quantised.graph, scales=quantised.scales, images=inputs)


def measure_statistics(model: nn.Module, images: torch.Tensor) -> None:
    """Set, in place, the running statistics of each batch normalisation to those of the images, and evaluation mode."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        model.eval()
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0  # the statistics become this batch's
    model.train()
    with torch.no_grad():
        model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
