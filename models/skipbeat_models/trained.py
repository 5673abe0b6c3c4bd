"""Networks of the zoo that are trained on the digits, and pruned while they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import KeptMagnitude
from skipbeat_arch.workload import ReductionOrder

from . import training, zoo
from .digits_data import DigitsData, load_data
from .scheme import Scheme
from .sources.module import flattened_maps, from_module
from .sources.permuting.permuted_module import permuted_module
from .sources.tracing.recorded import record_module

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A pruned float network; accuracies in percent.

    Attributes:
        kept: of layers by their names, what pruning kept of the trained weights, if channels were permuted before.
    """

    model: nn.Module
    data: DigitsData
    dense_accuracy: float
    pruned_accuracy: float
    kept: Mapping[str, KeptMagnitude]


def silent(message: str) -> None:
    """Progress that nobody listens to."""


def train_network(
    source: str, scheme: Scheme, seed: int = 0, *, order: ReductionOrder = "kh,kw,cin", progress: Progress = silent
) -> Trained:
    """Train a network of the zoo, and fine-tune it to its patterns by SR-STE unless the scheme is `dense`.

    Raises:
        InputError: there is no such network or no recipe for it, or a glob of the scheme matches no layer.
    """
    entry = zoo.find(source)
    if entry.recipe is None:
        raise InputError(f"model {source}: it has no recipe to train it; expected one that has")
    progress("loading the digits")
    data = load_data()
    progress("training the dense network")
    model = entry.build(seed)
    training.train_dense(model, data, entry.recipe, seed)
    dense_accuracy = training.evaluate(model, data)
    kept: dict[str, KeptMagnitude] = {}
    if scheme != Scheme.of("dense"):
        images = (data.train_images[:1],)
        if scheme.permute and order == "kh,kw,cin":
            progress("permuting channels")
            layers = from_module(model, images, name=source, scheme=scheme).layers
            kept = {layer.name: layer.kept for layer in layers if layer.kept is not None}
            model = permuted_module(model, images, scheme)
        progress(f"fine-tuning to {scheme}")
        flattened = flattened_maps(model, images, trace=record_module)
        training.fine_tune(model, data, scheme, entry.recipe, seed=seed, order=order, flattened=flattened)
    return Trained(
        model=model, data=data, dense_accuracy=dense_accuracy, pruned_accuracy=training.evaluate(model, data), kept=kept
    )
