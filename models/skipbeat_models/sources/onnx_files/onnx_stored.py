"""The stored tensors of an ONNX file, and what follows from them, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..graphs.graph import Argument, Value


class OnnxStored:
    """Tensors by their names.

    Attributes:
        shapes: of all values that are known.
        readers: of those that are stored, or follow from what is.
    """

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self.shapes = shapes
        self.readers: dict[str, Callable[[], torch.Tensor]] = {}

    def has(self, value: Argument) -> bool:
        """Whether a value is one of them."""
        return isinstance(value, Value) and value.name in self.readers

    def read(self, value: Value) -> torch.Tensor:
        """The numbers of a value."""
        return self.readers[value.name]()

    def add(self, name: str, shape: tuple[int, ...], read: Callable[[], torch.Tensor]) -> Value:
        """One more tensor."""
        self.readers[name], self.shapes[name] = read, shape
        return Value(name, shape)

    def less_zero(self, weight: Value, scale: Argument, zero: Argument, axis: int) -> Value:
        """The numbers that the integers of a weight stand for, scaled along an axis; activations stay as they are."""
        if not self.has(weight):
            return weight

        def along(value: Argument, usual: float) -> torch.Tensor:
            found = self.read(value).float() if isinstance(value, Value) and self.has(value) else torch.tensor(usual)
            if found.numel() not in (1, weight.shape[axis]):
                return torch.tensor(usual)
            return found.reshape([-1 if place == axis % len(weight.shape) else 1 for place in range(len(weight.shape))])

        def read() -> torch.Tensor:
            return (self.read(weight).float() - along(zero, 0.0)) * along(scale, 1.0)

        return self.add(f"{weight.name} less its zero", weight.shape, read)

    def of_bits(self, packed: Value, scales: Value, zeros: Argument, sizes: tuple[int, int, int, int]) -> Value | None:
        """A weight [N, K] of MatMulNBits: integers of a few bits in blocks along K, each block with a scale.

        Args:
            packed: bytes [N, blocks, bytes of a block], the first number in the low bits.
            zeros: packed alike along the blocks; None: the middle of the range.
            sizes: N, K, bits, numbers of a block.
        """
        outputs, inputs, bits, block = sizes
        if not self.has(packed) or not self.has(scales) or bits not in (2, 4, 8):
            return None

        def read() -> torch.Tensor:
            numbers = _unpacked(self.read(packed).reshape(outputs, -1), bits).reshape(outputs, -1, block)
            count = numbers.shape[1]
            middle = torch.full((outputs, count), float(1 << (bits - 1)))
            if isinstance(zeros, Value) and self.has(zeros):
                given = self.read(zeros).reshape(outputs, -1)
                whole = given.dtype is not torch.uint8
                middle = given.float() if whole else _unpacked(given, bits)[:, :count].float()
            scale = self.read(scales).float().reshape(outputs, count, 1)
            return ((numbers.float() - middle[..., None]) * scale).reshape(outputs, -1)[:, :inputs]

        return self.add(f"{packed.name} unpacked", (outputs, inputs), read)


def _unpacked(data: torch.Tensor, bits: int) -> torch.Tensor:
    """Numbers of a few bits, from bytes [..., B]: [..., B * 8 / bits]."""
    shifts = torch.arange(0, 8, bits)
    return ((data.to(torch.int64)[..., None] >> shifts) & ((1 << bits) - 1)).flatten(-2)
