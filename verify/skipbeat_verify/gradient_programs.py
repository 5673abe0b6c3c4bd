"""Programs that make a layer's dX and round it at random as they store it, and what is drawn in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int8Array, UInt32Array
from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.tensor_layout import channel_blocks
from skipbeat_arch.training.lfsr import SEED_BITS
from skipbeat_arch.training.rounding import STORE_SEED_BITS, seed_at
from skipbeat_arch.training.stored_draws import stored_draws
from skipbeat_mapper.compile import packed
from skipbeat_mapper.layer_graph import Dithered, layer_graph
from skipbeat_mapper.placing.node_mapping import NodeMapping
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_models.integer_training.gradient_store import GradientStore
from skipbeat_models.integer_training.stationary_products import StationaryProduct, backward_products
from skipbeat_models.integer_training.training_products import Geometry, Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientProgram:
    """One program of a layer's dX.

    Attributes:
        part: what it reads, and where its bytes belong.
        program: its STOREs have seed and shift. draws: of them, uint32 in the shape of its bytes.
    """

    part: StationaryProduct
    program: MachineProgram
    draws: UInt32Array


class _Compiled(NamedTuple):
    """A program with what it was made of."""

    weight: Int8Array
    how: Dithered
    program: MachineProgram
    draws: UInt32Array


@dataclass(kw_only=True, eq=False)
class GradientPrograms:
    """Compiles them; each has in all steps the mapping that was best for its first weights.

    What was compiled last is kept: the oracle asks for the draws of a program, and then the machine runs it.
    """

    hardware: Hardware
    effort: Effort = Effort.NORMAL
    _mappings: dict[tuple[str, int], Sequence[NodeMapping]] = field(default_factory=dict, init=False, repr=False)
    _last: dict[tuple[str, int], _Compiled] = field(default_factory=dict, init=False, repr=False)

    def gradient_draws(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> UInt32Array:
        """A draw for each element, uint32 in `shape`; 0 where no tap reaches, as the sums are there.

        Raises:
            InputError: a program does not fit the hardware.
        """
        whole = np.zeros(shape, np.uint32)
        for each in self.programs(layer, gradient, weight, geometry, shape, store):
            each.part.put(whole, each.draws)
        return whole

    def programs(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> Iterator[GradientProgram]:
        """One for each phase of the stride that some tap reaches; arguments are those of `Products.backward`.

        Raises:
            InputError: one does not fit the hardware.
        """
        first, place = store.seed >> (SEED_BITS - STORE_SEED_BITS), 0
        for number, part in enumerate(backward_products(layer, gradient, weight, geometry, shape)):
            how = Dithered(shift=store.known_shift, seed=seed_at(first, place), masked=store.passed is not None)
            found = self._compiled((layer, number), part, how)
            yield GradientProgram(part=part, program=found.program, draws=found.draws)
            images, channels, height, width = found.draws.shape
            place += channel_blocks(channels, self.hardware.array.cols) * height * width * images

    def _compiled(self, which: tuple[str, int], part: StationaryProduct, how: Dithered) -> _Compiled:
        last = self._last.get(which)
        if last is not None and last.how == how and np.array_equal(last.weight, part.weight):
            return last
        graph = layer_graph(part.workload, part.weight, which[0], dithered=how)
        network = time_network(
            graph, Machine.of(self.hardware), len(part.x), mappings=self._mappings.get(which), effort=self.effort
        )
        self._mappings.setdefault(which, [each.mapping for each in network.memory.groups[0].nodes])
        program = packed(network)
        draws = stored_draws(program, self.hardware.outputs.lanes)
        made = self._last[which] = _Compiled(part.weight, how, program, draws)
        return made
