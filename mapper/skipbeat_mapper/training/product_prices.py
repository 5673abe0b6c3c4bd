"""The price of a stationary product of a training step: the program of one convolution for all images of the batch."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from skipbeat_arch.budget import limited
from skipbeat_arch.effort import Effort
from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.graph import Graph, Pool
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelRun, WeightZeros
from skipbeat_arch.training_model import Product
from skipbeat_arch.workload import Convolution

from ..bounds import memory_clocks
from ..estimate.kept_prices import KeptPrices
from ..estimate.run_prices import RunPricer
from ..layer_graph import Dithered, Nearest, layer_graph, weight_shape
from ..rearranging.placements import placements
from .steady_state import steady_cost, times

#: No program has so many passes; whether one has too many is asked when it is priced.
_ANY = 1 << 62
#: Of a gradient behind a clamp's derivative; neither shift nor seed has a price.
_MASKED = Dithered(shift=1, seed=0, masked=True)


class ProductPricer:
    """Prices products on one machine, equal ones once.

    Args:
        hw: the hardware.
        kept: prices from before, which also keeps new ones; None: nothing is kept beyond this pricer.
        effort: of the search for mappings.

    Raises:
        InputError: hardware that has no accelerator.
    """

    def __init__(self, hw: Hardware, kept: KeptPrices | None = None, effort: Effort = Effort.NORMAL) -> None:
        self.machine = Machine.of(hw)
        self._pricer = RunPricer(hw, kept, effort)
        self._side: dict[Hashable, tuple[tuple[int, ...], bool]] = {}
        self._known: dict[Hashable, LayerCost] = {}

    def product(self, name: str, product: Product) -> LayerCost:
        """What a product costs, all its images and repeats, each of which is a program; the result is int8.

        Images with weights of their own are few, and priced exactly.

        Args:
            name: of its layer, for messages.

        Raises:
            InputError: it does not fit the hardware.
        """
        key = product.workload, product.weight.key, product.images, product.operand, product.masked, product.pool
        if key not in self._known and product.operand:
            self._known[key] = self.program(
                name, product.workload, product.weight, product.images, side=1, operand=True
            )
        elif key not in self._known:
            side = self.product_groups(name, product)[0][0]

            def price(count: int) -> LayerCost:
                how = _stored(masked=product.masked, pool=product.pool)
                return self.program(name, product.workload, product.weight, count * side, side, how=how)

            self._known[key] = steady_cost(Fraction(product.images, side), price)
        return times(self._known[key], product.repeats)

    def program(
        self,
        name: str,
        conv: Convolution,
        weight: WeightZeros,
        images: int,
        side: int,
        *,
        raw: bool = False,
        operand: bool = False,
        how: Dithered | Pool | None = None,
    ) -> LayerCost:
        """What the program of a convolution costs for so many images, of which `side` lie side by side.

        Args:
            raw: whether its results are int32 sums.
            operand: whether each image has a weight of its own.
            how: its bytes are stored; None: all of them, rounded half up.

        Raises:
            InputError: it does not fit the hardware.
        """
        given = () if how is None else (how,)
        run = ModelRun(
            key=(conv, weight.key, raw, operand, *given),
            structure=(conv, raw, operand, *given),
            graph=lambda: _graph(name, conv, weight, raw=raw, operand=operand, how=how),
            names=(name,),
            layers=(name,),
            images=images,
            side=side,
        )
        (cost,) = self._pricer.as_it_is(run).costs
        return cost

    def with_every_load(self, cost: LayerCost, groups: int) -> LayerCost:
        """The cost of a program of several groups as if each loaded weights of its own."""
        machine, vector = self.machine, self.machine.vector
        stored = (cost.value_bits + cost.metadata_bits) // (8 * vector)
        missing = max(0, groups * stored - cost.machine.weight_vectors)
        if not missing:
            return cost
        moved = replace(
            cost.machine,
            weight_vectors=cost.machine.weight_vectors + missing,
            read_bytes=cost.machine.read_bytes + missing * vector,
        )
        least = memory_clocks(machine, moved.read_bytes, moved.written_bytes)
        return replace(cost, machine=moved, cycles=max(cost.cycles, least))

    def groups(
        self, name: str, conv: Convolution, images: int, *, raw: bool = False, how: Dithered | Pool | None = None
    ) -> tuple[tuple[int, ...], bool]:
        """Images of each group that the mapper puts side by side in a program of all of them.

        Also whether what the program reads lies in memory as the layer has it, neither folded nor in another order.
        """
        key = conv, images, raw, how
        if key not in self._side:
            every = WeightZeros(key=(), nonzero=lambda: np.broadcast_to(np.True_, weight_shape(conv)))
            with limited(_ANY):
                (found, *_) = placements(_graph(name, conv, every, raw=raw, how=how), self.machine, images)
            as_it_is = found.fold is None and found.memory.graph.input not in found.orders
            self._side[key] = tuple(group.images for group in found.memory.groups), as_it_is
        return self._side[key]

    def product_groups(self, name: str, product: Product) -> tuple[tuple[int, ...], bool]:
        """The same of a product's program."""
        how = _stored(masked=product.masked, pool=product.pool)
        return self.groups(name, product.workload, product.images, how=how)


def _graph(
    name: str,
    conv: Convolution,
    weight: WeightZeros,
    *,
    raw: bool = False,
    operand: bool = False,
    how: Dithered | Pool | None = None,
) -> Graph:
    zeros = weight.nonzero().reshape(weight_shape(conv)).view(np.int8)
    dithered, pool = (how, None) if isinstance(how, Dithered) else (None, how)
    ones = np.ones(conv.c_out, np.int64)
    nearest = None if pool is None else Nearest(multiplier=ones, shift=1, low=0, pool=pool)
    return layer_graph(conv, zeros, name, raw=raw, operand=operand, dithered=dithered, nearest=nearest)


def _stored(*, masked: bool, pool: Pool | None) -> Dithered | Pool | None:
    """How a product's bytes are stored."""
    return _MASKED if masked else pool
