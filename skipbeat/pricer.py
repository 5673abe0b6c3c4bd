"""The price of a scheme in the time of a look into a table, for searches and training loops that ask thousands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Estimate, LayerEstimate
from skipbeat_arch.hardware import DEFAULT_PRESET
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_models.kept_magnitudes import LayerMagnitudes
from skipbeat_models.scheme import Plan, Scheme
from skipbeat_models.sources.module import flattened_maps
from skipbeat_models.torch_types import Module, Tensor

from .api import estimate
from .api_arguments import HardwareLike

_DENSE = "dense"  # as the model is
_CONVOLUTIONS = (LayerKind.CONVOLUTION, LayerKind.GROUPED, LayerKind.TRANSPOSED)
_KINDS = {str(kind): kind for kind in LayerKind}
#: Patterns by the names of layers, or a plan as for `skipbeat.estimate`.
SchemeLike = Plan | Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SchemePrice:
    """What a scheme costs; `latency_ms` at the clock of the hardware description."""

    cycles: int
    latency_ms: float
    energy_uj: float


class Pricer:
    """Prices of a model's schemes, added up of its layers' in networks that have one pattern throughout.

    A scheme with one pattern has exactly the cycles of `skipbeat.estimate`. Where neighbours have different patterns,
    loads overlap a little more or less than in the table; `exact` tells by how much.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16))
    >>> pricer = Pricer(model, torch.zeros(128, 64), "edge-8x8", patterns=["2:4", "1:4"])
    >>> pricer.layers
    ('0', '2')
    >>> pricer.price({"0": "1:4", "2": "2:4"}).cycles < pricer.price("2:4").cycles
    True
    >>> pricer.price("2:4").cycles == pricer.exact("2:4").cycles
    True

    Args:
        model, example_inputs, kwargs, hardware, seed: as for `skipbeat.estimate`. The model is priced once for each
            pattern, and once as it is.
        patterns: that are priced now; others are when they are first asked for.

    Raises:
        InputError: as for `skipbeat.estimate`.
    """

    def __init__(
        self,
        model: Module,
        example_inputs: Tensor | Sequence[object],
        hardware: HardwareLike = DEFAULT_PRESET,
        *,
        kwargs: Mapping[str, object] | None = None,
        patterns: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        self._model, self._inputs, self._kwargs, self._hardware = model, example_inputs, kwargs, hardware
        self._seed = seed
        self._tables: dict[tuple[str, bool], dict[str, LayerEstimate]] = {}
        self._magnitudes: LayerMagnitudes | None = None
        dense = self.exact(_DENSE)
        self._clock_mhz = dense.clock_mhz
        self._rows = tuple((row.name, _KINDS.get(row.kind) if _prunable(row) else None) for row in dense.layers)
        self._first = next((name for name, kind in self._rows if kind in _CONVOLUTIONS), None)
        self._tables[_DENSE, False] = {row.name: row for row in dense.layers}
        for pattern in patterns:
            self._table(str(Pattern.parse(pattern)))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that a scheme may prune, in the order in which they run."""
        return tuple(name for name, kind in self._rows if kind is not None)

    def price(self, scheme: SchemeLike) -> SchemePrice:
        """What a scheme costs. Layers that a mapping does not name stay as they are.

        Raises:
            InputError: a pattern that is none, or a layer that the model does not have.
        """
        cycles, picojoules, before = 0, 0.0, (_DENSE, False)
        for name, table in self._chosen(scheme):
            before = before if table is None else table
            row = self._table(*before)[name]
            cycles += row.cost.cycles
            picojoules += sum(row.energy_pj.values())
        return SchemePrice(cycles=cycles, latency_ms=cycles / self._clock_mhz / 1e3, energy_uj=picojoules / 1e6)

    def table(self, patterns: Iterable[str]) -> dict[str, dict[str, int]]:
        """Cycles of each layer by pattern, for what weighs them by probabilities."""
        found = {str(pattern): self._table(str(pattern), True) for pattern in map(Pattern.parse, patterns)}
        return {name: {pattern: rows[name].cost.cycles for pattern, rows in found.items()} for name in self.layers}

    def kept(self, scheme: SchemeLike) -> float:
        """The share of the weights' magnitude that a scheme keeps, 0..1: a proxy of accuracy that needs no data.

        Raises:
            InputError: as for `price`, or weights without values.
        """
        if self._magnitudes is None:
            inputs = (self._inputs,) if isinstance(self._inputs, Tensor) else tuple(self._inputs)
            self._magnitudes = LayerMagnitudes(self._model, flattened_maps(self._model, inputs))
        return self._magnitudes.share(_scheme(scheme))

    def exact(self, scheme: SchemeLike) -> Estimate:
        """The whole estimate of a scheme, which takes its time."""
        return estimate(
            self._model, self._inputs, self._hardware, kwargs=self._kwargs, prune=_scheme(scheme), seed=self._seed
        )

    def _chosen(self, scheme: SchemeLike) -> Iterable[tuple[str, tuple[str, bool] | None]]:
        """Each row with the table that has it; None: that of the layer before."""
        if isinstance(scheme, Mapping):
            if unknown := scheme.keys() - set(self.layers):
                raise InputError(f"scheme: there is no layer {min(unknown)} that could be pruned")
            for name, kind in self._rows:
                pattern = str(Pattern.parse(scheme[name])) if name in scheme else _DENSE
                yield name, None if kind is None else (pattern, pattern != _DENSE)
            return
        plan = _scheme(scheme)
        plan.check(self.layers)
        for name, kind in self._rows:
            if kind is None:
                yield name, None
                continue
            chosen = plan.pattern(name, kind, name == self._first)
            usual = Scheme(plan.default).pattern(name, kind, name == self._first)
            if chosen == usual:  # so that a scheme without exceptions is one table
                yield name, (str(plan.default), False)
            else:
                yield name, (_DENSE, False) if chosen is None else (str(chosen), True)

    def _table(self, pattern: str, everywhere: bool = False) -> dict[str, LayerEstimate]:
        """Rows of the network with one pattern; `everywhere`: also where a scheme must name a layer to prune it."""
        if pattern == _DENSE:
            everywhere = False
        if (pattern, everywhere) not in self._tables:
            plan = Pattern.parse(pattern)
            found = self.exact(Scheme.everywhere(plan) if everywhere else Scheme(plan))
            self._tables[pattern, everywhere] = {row.name: row for row in found.layers}
        return self._tables[pattern, everywhere]


def _prunable(row: LayerEstimate) -> bool:
    """Whether it is a layer with stored weights."""
    return row.layer and row.cost.value_bits > 0


def _scheme(scheme: SchemeLike) -> Scheme:
    if isinstance(scheme, Mapping):
        return Scheme(Pattern.parse(_DENSE), tuple((name, Pattern.parse(pattern)) for name, pattern in scheme.items()))
    return Scheme.of(scheme)
