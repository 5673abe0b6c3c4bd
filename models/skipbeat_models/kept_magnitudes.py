"""How much of its weights' magnitude a scheme keeps, layer by layer: a proxy of accuracy that needs no data."""

from __future__ import annotations

from skipbeat_arch.errors import InputError

from .masks import prune_mask
from .pruners.layers import Flattened, Grouping, Prunable, groupings, prunable_layers
from .scheme import Scheme
from .torch_types import Module


class LayerMagnitudes:
    """Sums of the magnitudes of a model's Linear and Conv2d weights; each layer and pattern is measured once.

    Raises:
        InputError: no such layer, or weights without values.
    """

    def __init__(self, model: Module, flattened: Flattened | None = None) -> None:
        layers = prunable_layers(model)
        if not layers or any(layer.weight.is_meta for layer in layers.values()):
            raise InputError("what is kept of weights: expected Linear or Conv2d layers with values")
        self._model, self._flattened = model, flattened
        self._whole = sum(float(layer.weight.detach().abs().sum()) for layer in layers.values())
        self._lost: dict[tuple[str, str], float] = {}

    def share(self, scheme: Scheme) -> float:
        """Of the magnitude of all layers what a scheme keeps, 0..1.

        Raises:
            InputError: a glob of the scheme matches no layer, or a weight is not finite.
        """
        pruned = groupings(self._model, scheme, flattened=self._flattened)
        lost = sum(self._loss(name, layer, grouping) for name, (layer, grouping) in pruned.items())
        return 1.0 - lost / self._whole if self._whole else 1.0

    def _loss(self, name: str, layer: Prunable, grouping: Grouping) -> float:
        key = name, str(grouping.pattern)
        if key not in self._lost:
            matrix = grouping.matrix(layer.weight)
            self._lost[key] = float(abs(matrix[~prune_mask(matrix, grouping.pattern)]).sum())
        return self._lost[key]
