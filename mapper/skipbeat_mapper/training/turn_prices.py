"""The price of turning X for the gradient of a weight, by the programs that do it."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from itertools import accumulate

from skipbeat_arch.estimate import LayerCost, Schedule
from skipbeat_arch.training_model import TrainedLayer, Update
from skipbeat_sim.timing.columns import columns_of
from skipbeat_sim.timing.machine_timing import columns_timing

from ..bounds import lower_bounds, tightest
from ..estimate.events import machine_events
from .product_prices import ProductPricer
from .steady_state import steady_cost
from .turn_programs import Operand, Window, can_turn, turn_instructions
from .update_chunks import Chunk

#: Of more vectors than this, the first images are priced exactly, and the others at what some more of them cost.
MOST_VECTORS = 1 << 16


class TurnPricer:
    """Prices turns on the machine of products, equal ones once."""

    def __init__(self, products: ProductPricer) -> None:
        self._products = products
        self._known: dict[Hashable, LayerCost] = {}

    def turn(self, layer: TrainedLayer, update: Update, chunk: Chunk) -> LayerCost | None:
        """What it costs to turn X, as the forward pass reads it, for all programs of an update; None: the host does."""
        machine = self._products.machine
        if not machine.hw.outputs.turn or len(layer.forward) != 1 or layer.forward[0].repeats * update.repeats != 1:
            return None
        (forward,), conv = layer.forward, update.workload
        groups, as_it_is = self._products.product_groups(layer.name, forward)
        own = forward.workload
        shape = own.c_in, own.height, own.width
        pixels = conv.c_in != own.c_in
        if not as_it_is or own.groups > 1 or sum(groups) != update.images:
            return None
        height, width = chunk.program.height, chunk.program.width
        sides, _ = self._products.groups(layer.name, chunk.program, chunk.channels, raw=True)
        windows = tuple(
            Window(row=row, column=column, height=height, width=width, sides=sides, flat=pixels)
            for row, column in chunk.places(conv)
        )
        x = Operand(shape=shape, groups=groups)
        if not can_turn(machine, x):
            return None
        key = x, windows
        if key not in self._known:
            self._known[key] = self._price(x, windows)
        return self._known[key]

    def _price(self, x: Operand, windows: tuple[Window, ...]) -> LayerCost:
        vector, (channels, height, width) = self._products.machine.vector, x.shape
        if x.images * -(-channels // vector) * height * width <= MOST_VECTORS:
            return self._program(x, windows)
        unit = x.groups[0] if all(images % vector == 0 for images in x.groups) else vector
        return steady_cost(Fraction(x.images, unit), lambda count: self._program(_first(x, count * unit), windows))

    def _program(self, x: Operand, windows: tuple[Window, ...]) -> LayerCost:
        """What one program costs."""
        machine = self._products.machine
        program = columns_of(machine, turn_instructions(machine, x, windows), ())
        timing, bounds = columns_timing(machine, program), lower_bounds(machine, program)
        return LayerCost(
            cycles=timing.cycles,
            clocks=timing.clocks,
            macs=0,
            events=timing.events,
            machine=machine_events(machine, program, timing.bytes_read, timing.bytes_written),
            value_bits=0,
            metadata_bits=0,
            bound=tightest(bounds),
            schedule=Schedule(order=(), encodings={}, bounds=bounds),
        )


def _first(x: Operand, images: int) -> Operand:
    """The same of so many images alone."""
    begins = accumulate(x.groups, initial=0)
    kept = (min(own, images - first) for first, own in zip(begins, x.groups, strict=False) if first < images)
    return Operand(shape=x.shape, groups=tuple(kept))
