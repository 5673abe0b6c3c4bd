"""The stores of a step, and the parameters and residuals that they read."""

from __future__ import annotations

from skipbeat_arch.instruction import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, PARAMETER_VECTORS

from .chip import Chip
from .memory_map import MemoryMap, Prepared
from .operations import Load, Range, Space, StoreOp
from .regions import Span


class Stores:
    """Makes the store of each block and column tile.

    Parameters of a step are loaded once if all its blocks of V channels have room, otherwise once per region.
    """

    def __init__(self, prepared: Prepared, chip: Chip, memory: MemoryMap) -> None:
        self._prepared, self._chip, self._memory = prepared, chip, memory
        count = len(prepared.tiles.columns)
        self._all = count <= PARAMETER_BLOCKS
        self._base = chip.parameters.take(count) if self._all else 0
        #: Blocks whose parameters are on the chip.
        self._loaded: dict[int, int] = {}

    def new_region(self) -> None:
        """What had no room for the whole step is loaded again."""
        if not self._all:
            self._loaded.clear()

    def store(self, column: int, rows: Span, columns: Span) -> tuple[StoreOp, list[Load]]:
        """The store of a column tile's output pixels, and the loads that it needs and that were not there before."""
        step, (_, height, width) = self._prepared.step, self._prepared.step.out_shape
        position = (column * height + rows[0]) * width + columns[0]
        count = (rows[1] - rows[0]) * (columns[1] - columns[0])
        loads: list[Load] = []
        block = self._parameters(column, loads)
        reads = [Range(Space.PARAMETERS, block * PARAMETER_PITCH, block * PARAMETER_PITCH + PARAMETER_VECTORS)]
        residual_at = None
        if step.residual is not None:
            residual_at = self._chip.residual.take(count)
            reads.append(Range(Space.RESIDUAL, residual_at, residual_at + count))
            source = self._memory.tensors[step.residual] + position
            loads.append(Load(kind=Kind.RESIDUAL, to=residual_at, source=source, count=count, writes=reads[-1]))
        scale = 4 if step.raw else 1
        address = self._memory.tensors[step.output] + position * scale
        store = StoreOp(
            address=address, block=block, low=step.layer.low, high=step.layer.high, raw=step.raw,
            residual_at=residual_at, count=count, pool=step.window.kernel[0] * step.window.kernel[1],
            reads=tuple(reads), writes=Range(Space.MEMORY, address, address + count * scale),
        )  # fmt: skip
        return store, loads

    def _parameters(self, column: int, loads: list[Load]) -> int:
        if column not in self._loaded:
            block = self._base + column if self._all else self._chip.parameters.take(1)
            self._loaded[column] = block
            at = block * PARAMETER_PITCH
            loads.append(
                Load(
                    kind=Kind.PARAMETERS, to=at, source=self._prepared.parameters_at + column * PARAMETER_PITCH,
                    count=PARAMETER_VECTORS, writes=Range(Space.PARAMETERS, at, at + PARAMETER_VECTORS),
                )
            )  # fmt: skip
        return self._loaded[column]
