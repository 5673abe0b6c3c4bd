"""The price of a model's layer: its parts, each as often as it repeats."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields

from skipbeat_arch.command import Encoding
from skipbeat_arch.estimate import LayerCost, MachineEvents
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import LayerPart, ModelLayer
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events

from ..bounds import tightest
from .describe import schedule
from .part import check_addresses, full_weight, one_image, part_weight
from .phases import Phase
from .pricing import PartCost, Pricer


@dataclass(frozen=True, kw_only=True)
class LayerPrice:
    """A layer as it is, and with every weight."""

    cost: LayerCost
    dense: LayerCost


class LayerPricer:
    """Prices layers on one machine; equal parts are priced once, and their zeros read once.

    Raises:
        InputError: hardware that has no accelerator.
    """

    def __init__(self, hw: Hardware) -> None:
        self._pricer = Pricer(hw)
        self._parts: dict[Hashable, PartCost] = {}

    def price(self, layer: ModelLayer) -> LayerPrice:
        """The costs of a layer.

        Raises:
            InputError: a part that does not fit the hardware, or zeros of another shape.
        """
        for part in layer.parts:
            check_addresses(part, layer.name, self._pricer.machine.hw.numbers.weight_bits)
        cost = _layer_cost([(self._part(part, layer.name), _repeats(part)) for part in layer.parts], layer.stored)
        dense = _layer_cost([(self._full(part, layer.name), _repeats(part)) for part in layer.parts], layer.stored)
        return LayerPrice(cost=cost, dense=dense)

    def _part(self, part: LayerPart, name: str) -> PartCost:
        conv, _ = one_image(part.workload)
        key = conv, part.weight.key
        if key not in self._parts:
            self._parts[key] = self._pricer.price(conv, part_weight(part, name), name)
        return self._parts[key]

    def _full(self, part: LayerPart, name: str) -> PartCost:
        conv, _ = one_image(part.workload)
        key = conv, ("every weight",)
        if key not in self._parts:
            self._parts[key] = self._pricer.price(conv, full_weight(part), name)
        return self._parts[key]


def price_layer(layer: ModelLayer, hw: Hardware) -> LayerCost:
    """The cost of one layer; `LayerPricer` is quicker for many.

    Raises:
        InputError: it does not fit the hardware, or the hardware has no accelerator.
    """
    return LayerPricer(hw).price(layer).cost


def _repeats(part: LayerPart) -> int:
    return part.repeats * one_image(part.workload)[1]


def _layer_cost(parts: Sequence[tuple[PartCost, int]], stored: bool) -> LayerCost:
    """The sum of parts and their repeats; weights that are stored are so once, however often they are used."""
    events, moved = Events(), MachineEvents()
    clocks = dict.fromkeys(Cause, 0)
    value_bits = metadata_bits = 0
    for cost, repeats in parts:
        events += _times(cost.events, repeats)
        moved += cost.machine.times(repeats)
        for cause, count in cost.clocks.items():
            clocks[cause] += count * repeats
        if stored:
            values, metadata = weight_bits(cost)
            value_bits, metadata_bits = value_bits + values, metadata_bits + metadata
    how = schedule(parts)
    return LayerCost(
        cycles=sum(cost.cycles * repeats for cost, repeats in parts),
        clocks=clocks,
        macs=events.macs,
        events=events,
        machine=moved,
        value_bits=value_bits,
        metadata_bits=metadata_bits,
        bound=tightest(how.bounds),
        schedule=how,
        phases=_phases(parts),
    )


def weight_bits(cost: PartCost) -> tuple[int, int]:
    """Bits of values and of metadata in memory, each section of a tile padded to a word."""
    word = cost.candidate.machine.hw.word_bits
    known: dict[int, tuple[int, int]] = {}
    values = metadata = 0
    for column in cost.candidate.tiles.columns:
        for tile in column:
            if id(tile.statistics) not in known:
                known[id(tile.statistics)] = _tile_bits(tile.statistics, word)
            found = known[id(tile.statistics)]
            values, metadata = values + found[0], metadata + found[1]
    return values, metadata


def _tile_bits(tile: TileStatistics, word: int) -> tuple[int, int]:
    metadata = 0 if tile.encoding == Encoding.DENSE else -(-tile.metadata_bits // word) * word
    return tile.word_count * word - metadata, metadata


def _times(events: Events, count: int) -> Events:
    return Events(**{f.name: getattr(events, f.name) * count for f in fields(events)})


def _phases(parts: Sequence[tuple[PartCost, int]]) -> tuple[Phase, ...]:
    """Of the first repeat of each part, where it stands in the layer."""
    found: list[Phase] = []
    at = 0
    for cost, repeats in parts:
        found += [(engine, at + start, at + stop) for engine, start, stop in cost.phases]
        at += cost.cycles * repeats
    return tuple(sorted(found))
