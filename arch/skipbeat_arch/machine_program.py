"""A program for the accelerator: what lies in its memory before it starts, and where the results are afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .fold import Fold
from .instruction import INSTRUCTION_BYTES, Instruction
from .tensor_layout import Bytes, Int8Array, Int32Array, from_memory, tensor_bytes, to_memory


@dataclass(frozen=True, kw_only=True)
class Place:
    """A tensor in memory: `raw` is int32, otherwise int8; `address` in bytes."""

    name: str
    address: int
    shape: tuple[int, int, int]
    raw: bool = False


@dataclass(frozen=True, kw_only=True)
class StepRange:
    """The instructions that compute one step: from `start` (its first of execute or store) to before `stop`.

    Loads for a later step may lie in between, so that they overlap with this one.
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MachineProgram:
    """A program image.

    Attributes:
        hardware: name of the hardware description, for messages only.
        fingerprint: of the hardware that it is for (`Machine.fingerprint`).
        vector: V, bytes of a vector.
        image: uint8 [bytes], the memory from address 0 on: instructions, tables, parameters, weights.
        memory_bytes: size of the memory that it needs, tensors included.
        address, count: of the instructions; `address` in bytes.
        tensors: every tensor of the network; the first is the input, the last the output.
        steps: in the order in which they run.
        fold: how the image lies in the input tensor; None if as it is.
    """

    hardware: str
    fingerprint: int
    vector: int
    image: Bytes
    memory_bytes: int
    address: int
    count: int
    tensors: tuple[Place, ...]
    steps: tuple[StepRange, ...]
    fold: Fold | None = None

    @property
    def input(self) -> Place:
        """Where the input is written, and its shape there."""
        return self.tensors[0]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of an image."""
        return self.fold.shape if self.fold else self.input.shape

    @property
    def output(self) -> Place:
        """Where the output is read."""
        return self.tensors[-1]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The decoded instructions.

        Raises:
            InputError: one that cannot be decoded.
        """
        data = self.image[self.address : self.address + self.count * INSTRUCTION_BYTES].tobytes()
        words = (data[i : i + INSTRUCTION_BYTES] for i in range(0, len(data), INSTRUCTION_BYTES))
        return tuple(Instruction.from_word(int.from_bytes(word, "little")) for word in words)

    def memory(self) -> Bytes:
        """A memory uint8 [memory_bytes] with the image in it and zeros after it."""
        memory = np.zeros(self.memory_bytes, np.uint8)
        memory[: self.image.size] = self.image
        return memory

    def write_input(self, memory: Bytes, x: Int8Array) -> None:
        """Writes an image int8 [C, H, W] into a memory.

        Raises:
            InputError: another type or shape.
        """
        if x.dtype != np.int8 or x.shape != self.input_shape:
            raise InputError(f"input: expected int8 {list(self.input_shape)}, not {x.dtype} {list(x.shape)}")
        data = to_memory(self.fold.fold(x) if self.fold else x, self.vector)
        memory[self.input.address : self.input.address + data.size] = data

    def read_tensor(self, memory: Bytes, place: Place) -> Int8Array | Int32Array:
        """A tensor of a memory: int8 [K, H, W], or int32 if it is raw."""
        size = tensor_bytes(place.shape, self.vector, raw=place.raw)
        return from_memory(memory[place.address : place.address + size], place.shape, self.vector, raw=place.raw)

    def read_output(self, memory: Bytes) -> npt.NDArray[np.int8] | npt.NDArray[np.int32]:
        """The output [K, H, W]: int32 if the last step has no requantisation, otherwise int8."""
        return self.read_tensor(memory, self.output)
