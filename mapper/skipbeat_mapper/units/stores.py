"""The stores of a node, and the parameters and residuals that they read."""

from __future__ import annotations

import math
from collections.abc import Hashable

from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, PARAMETER_VECTORS
from skipbeat_arch.training.rounding import seed_at

from ..memory_map import Group, PlacedNode
from ..placing.regions import Span
from .on_chip import OnChip
from .unit import Load, Local, Range, Space, StoreOp


class Stores:
    """Makes the store of each block and column tile.

    Parameters of a node are loaded once if those of all its column tiles have room, otherwise when the ring lost them.
    """

    def __init__(self, prepared: PlacedNode, chip: OnChip, group: Group) -> None:
        self._prepared, self._chip, self._group = prepared, chip, group
        count = len(prepared.tiles.columns)
        #: Vectors of the output that belong to images of groups before.
        self._before = group.first * count * math.prod(prepared.node.out_shape[1:])
        self._all = count <= PARAMETER_BLOCKS
        self._base, new = chip.parameters.keep(prepared.parameters_at, count) if self._all else (0, True)
        node = prepared.node
        self._size, self._scale = node.out_shape[1:], node.vectors
        self._pool = node.window.kernel[0] * node.window.kernel[1]
        #: Column tiles whose parameters are on the chip, if all have room.
        self._loaded = set[int]() if new else set(range(count))

    @property
    def state(self) -> Hashable:
        """The column tiles whose parameters are there, if all have room."""
        return frozenset(self._loaded)

    def place(self, column: int) -> int:
        """The block of parameters with which a column tile begins that comes next."""
        return self._base + column if self._all else self._chip.parameters.next

    def skip(self, column: int) -> None:
        """Goes on with a column tile; what comes behind the parameters that are there is not of those left out."""
        if self._all:
            self._loaded |= set(range(column))
        else:
            self._chip.parameters.hold([(self._prepared.parameters_at, each) for each in range(column)])

    def store(self, column: int, rows: Span, columns: Span) -> tuple[StoreOp, list[Load]]:
        """The store of a column tile's output pixels, and the loads that it needs and that were not there before."""
        node, images, (height, width) = self._prepared.node, self._prepared.images, self._size
        position = ((column * height + rows[0]) * width + columns[0]) * images
        count = (rows[1] - rows[0]) * (columns[1] - columns[0]) * images
        loads: list[Load] = []
        block = self._parameters(column, loads)
        reads = [Range(Space.PARAMETERS, block * PARAMETER_PITCH, block * PARAMETER_PITCH + PARAMETER_VECTORS)]
        residual_at = None
        if node.residual is not None:
            residual_at = self._chip.residual.take(count)
            reads.append(Range(Space.RESIDUAL, residual_at, residual_at + count))
            source = self._group.tensors[node.residual] + position
            loads.append(Load(kind=Kind.RESIDUAL, to=residual_at, source=source, count=count, writes=reads[-1]))
        written = self._written(position, count)
        store = StoreOp(
            address=written.start if written else 0,
            block=block,
            low=node.layer.low,
            high=node.layer.high,
            raw=node.raw,
            residual_at=residual_at,
            count=count,
            pool=self._pool,
            reads=tuple(reads),
            writes=written,
            local=self._local(column, rows, columns),
            noted=node.noted,
            places=node.places,
            seed=None if node.seed is None else seed_at(node.seed, self._before + position),
        )
        return store, loads

    def _written(self, position: int, count: int) -> Range | None:
        """The memory vectors of outputs, if they go there."""
        if not self._prepared.writes:
            return None
        start = self._group.tensors[self._prepared.node.output] + position * self._scale
        return Range(Space.MEMORY, start, start + count * self._scale)

    def _local(self, column: int, rows: Span, columns: Span) -> Local | None:
        """Where outputs go in the banks, if the next node reads them there."""
        chain = self._prepared.output
        if chain is None:
            return None
        reader, region = self._group.nodes[chain.reader], chain.region
        bank, plane = reader.banks.place(column)
        line = rows[0] + reader.node.convolution.padding[0]
        to = chain.base + plane * region.plane + line * region.pitch + region.lead + columns[0] * region.images
        width = (columns[1] - columns[0]) * region.images
        return Local(
            to=to,
            width=width,
            pitch=region.pitch,
            period=reader.banks.repeat(column).bit_length() - 1,
            bank=bank,
            writes=Range(Space.ACTIVATIONS, to, to + (rows[1] - rows[0] - 1) * region.pitch + width),
        )

    def _parameters(self, column: int, loads: list[Load]) -> int:
        prepared = self._prepared
        if self._all:
            block, new = self._base + column, column not in self._loaded
            self._loaded.add(column)
        else:
            block, new = self._chip.parameters.keep((prepared.parameters_at, column), 1)
        if new:
            at = block * PARAMETER_PITCH
            loads.append(
                Load(
                    kind=Kind.PARAMETERS,
                    to=at,
                    source=prepared.parameters_at + column * PARAMETER_PITCH,
                    count=PARAMETER_VECTORS,
                    writes=Range(Space.PARAMETERS, at, at + PARAMETER_VECTORS),
                )
            )
        return block
