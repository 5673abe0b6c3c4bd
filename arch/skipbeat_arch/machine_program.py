"""A program for the accelerator: what lies in its memory before it starts, and where the results are afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import Bytes, Int8Array, Int32Array, UInt32Array
from .decoding import read_instruction
from .depths import output_vectors
from .errors import InputError
from .fold import Fold
from .instruction import INSTRUCTION_BYTES, Instruction
from .instruction_columns import InstructionColumns
from .tensor_layout import from_memory, tensor_bytes, to_memory


@dataclass(frozen=True, kw_only=True)
class Place:
    """A tensor in memory, of `images` images from number `first` on: [channel block][y][x][image][V].

    Attributes:
        address: in bytes.
        shape: channels, height, width of an image.
        raw: int32, otherwise int8. places: int8 with a second byte behind each vector's (`Node`).
        order: the tensor's channel at each place along the channels in memory; None if they lie in their own order.
        scale: real value of one unit; None if it is not known.

    Raises:
        ValueError: an order that does not have every channel once.
    """

    name: str
    address: int
    shape: tuple[int, int, int]
    raw: bool = False
    places: bool = False
    first: int = 0
    images: int = 1
    order: tuple[int, ...] | None = None
    scale: float | None = None

    @property
    def vectors(self) -> int:
        """Of V channels of a pixel."""
        return output_vectors(raw=self.raw, places=self.places)

    def __post_init__(self) -> None:
        if self.order is not None and sorted(self.order) != list(range(self.shape[0])):
            raise ValueError(f"tensor {self.name}: expected an order of {self.shape[0]} channels, not {self.order}")


@dataclass(frozen=True, kw_only=True)
class NodeRange:
    """The instructions that compute one node: from `start` (its first of execute or store) to before `stop`.

    Attributes:
        early: numbers of the loads for it that stand elsewhere, so that they overlap with other nodes.
    """

    name: str
    start: int
    stop: int
    early: tuple[int, ...] = ()


def node_instructions(nodes: Sequence[NodeRange], count: int) -> list[list[int]]:
    """For each range the numbers of the instructions that are for it, in order.

    What stands between two ranges belongs to the later one, the end of the program to the last one.
    """
    owner = np.full(count, max(len(nodes) - 1, 0), np.int64)
    begin = 0
    for number, node in enumerate(nodes):
        owner[begin : node.stop] = number
        begin = node.stop
    for number, node in enumerate(nodes):
        owner[list(node.early)] = number
    order = np.argsort(owner, kind="stable")
    return [part.tolist() for part in np.split(order, np.searchsorted(owner[order], np.arange(1, len(nodes))))]


@dataclass(frozen=True, kw_only=True)
class Code:
    """Instructions of a run, and the ranges of them that compute nodes; `address` in bytes."""

    address: int
    count: int
    nodes: tuple[NodeRange, ...]


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
        tensors: every tensor that is in memory, for one group of images after the other; of each the input is the
            first, the output the last.
        nodes: in the order in which they run: all nodes for the first group of images, then for the next.
        fold: how the image lies in the input tensor; None if as it is.
        operand: uint32 [C, K], for products of two activations: the address of each byte of the first image's second
            operand, which is written like an input; None if all weights are in the image.
        operand_pitch: bytes from an image's second operand to the next one's; 0 if there is one or none.
        again: what a run may begin with whose run before on this machine was of the same program: weights, parameters
            and offset tables are still in the on-chip memories. None: every run loads them.
    """

    hardware: str
    fingerprint: int
    vector: int
    image: Bytes
    memory_bytes: int
    address: int
    count: int
    tensors: tuple[Place, ...]
    nodes: tuple[NodeRange, ...]
    fold: Fold | None = None
    operand: UInt32Array | None = None
    operand_pitch: int = 0
    again: Code | None = None

    @property
    def input(self) -> Place:
        """Where the input of the first images is written, and its shape there."""
        return self.tensors[0]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of an image."""
        return self.fold.shape if self.fold else self.input.shape

    @property
    def output(self) -> Place:
        """Where the output of the last images is read."""
        return self.tensors[-1]

    @property
    def images(self) -> int:
        """Images of a run."""
        return self.output.first + self.output.images

    def place(self, name: str, image: int) -> Place:
        """Where an image's tensor is.

        Raises:
            InputError: it is not in memory, or there is no such image.
        """
        for place in self.tensors:
            if place.name == name and place.first <= image < place.first + place.images:
                return place
        raise InputError(f"program: {name} of image {image} is not in its memory")

    def code(self, *, again: bool = False) -> Code:
        """Where the instructions of a run are, and what they compute.

        Args:
            again: the run before was of the same program.

        Raises:
            InputError: a program that cannot rely on the run before.
        """
        if not again:
            return Code(address=self.address, count=self.count, nodes=self.nodes)
        if self.again is None:
            raise InputError("program: its runs load everything; expected none that relies on the one before")
        return self.again

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The decoded instructions of a run that relies on none before it.

        Raises:
            InputError: one that cannot be decoded.
        """
        return self.decoded()

    def decoded(self, *, again: bool = False) -> tuple[Instruction, ...]:
        """The decoded instructions; `again`: of a run right after another one.

        Raises:
            InputError: one that cannot be decoded, or `again` of a program without them.
        """
        data = self._words(again=again).tobytes()
        words = (data[i : i + INSTRUCTION_BYTES] for i in range(0, len(data), INSTRUCTION_BYTES))
        return tuple(read_instruction(int.from_bytes(word, "little")) for word in words)

    def columns(self, *, again: bool = False) -> InstructionColumns:
        """The same as columns of their fields."""
        return InstructionColumns.of_words(self._words(again=again))

    def _words(self, *, again: bool) -> Bytes:
        code = self.code(again=again)
        return self.image[code.address : code.address + code.count * INSTRUCTION_BYTES]

    def memory(self) -> Bytes:
        """A memory uint8 [memory_bytes] with the image in it and zeros after it."""
        memory = np.zeros(self.memory_bytes, np.uint8)
        memory[: self.image.size] = self.image
        return memory

    def write_input(self, memory: Bytes, x: Int8Array, image: int = 0) -> None:
        """Writes an image int8 [C, H, W] into a memory as number `image`.

        Raises:
            InputError: another type or shape, or no such image.
        """
        if x.dtype != np.int8 or x.shape != self.input_shape:
            raise InputError(f"input: expected int8 {list(self.input_shape)}, not {x.dtype} {list(x.shape)}")
        self.write_tensor(memory, self.input.name, self.fold.fold(x) if self.fold else x, image)

    def write_tensor(self, memory: Bytes, name: str, x: Int8Array, image: int = 0) -> None:
        """Writes a tensor int8 [C, H, W] of image number `image` into a memory, in the shape that it has there.

        Raises:
            InputError: another type or shape, or it is not in memory.
        """
        place = self.place(name, image)
        if x.dtype != np.int8 or x.shape != place.shape:
            raise InputError(f"{name}: expected int8 {list(place.shape)}, not {x.dtype} {list(x.shape)}")
        data = to_memory(x if place.order is None else x[list(place.order)], self.vector)
        self._pixels(memory, place)[:, image - place.first] = data.reshape(-1, self.vector)

    def write_operand(self, memory: Bytes, weight: Int8Array, image: int = 0) -> None:
        """Writes the second operand int8 [C, K] of an image's product into a memory.

        Raises:
            InputError: another type or shape, no such image, or a program that has its weights.
        """
        if self.operand is None:
            raise InputError("program: it has all its weights; expected no second operand")
        if weight.dtype != np.int8 or weight.shape != self.operand.shape:
            raise InputError(
                f"operand: expected int8 {list(self.operand.shape)}, not {weight.dtype} {list(weight.shape)}"
            )
        if not 0 <= image < self.images:
            raise InputError(f"operand: there is no image {image} of {self.images}")
        memory[self.operand + np.int64(image * self.operand_pitch)] = weight.view(np.uint8)

    def read_tensor(self, memory: Bytes, place: Place, image: int | None = None) -> Int8Array | Int32Array:
        """A tensor of an image (the first of `place` if none is named): int8 [K, H, W], or int32 if it is raw.

        With places it is int8 [2, K, H, W], bytes and places.
        """
        at = 0 if image is None else image - place.first
        data = self._pixels(memory, place)[:, at].ravel()
        found = from_memory(data, place.shape, self.vector, place.vectors)
        return found if place.order is None else found.take(np.argsort(place.order), axis=-3)

    def read_output(self, memory: Bytes, image: int = 0) -> Int8Array | Int32Array:
        """The output of an image, as `read_tensor` gives it."""
        return self.read_tensor(memory, self.place(self.output.name, image), image)

    def read_outputs(self, memory: Bytes) -> Int8Array | Int32Array:
        """The outputs [N, ...] of all images, as `read_output` gives each."""
        found = [self.read_output(memory, image) for image in range(self.images)]
        return np.array(found, np.int32) if self.output.raw else np.array(found, np.int8)

    def _pixels(self, memory: Bytes, place: Place) -> Bytes:
        """A view of a tensor: uint8 [pixels of all channel blocks, images, bytes]."""
        size = tensor_bytes(place.shape, self.vector, place.vectors) * place.images
        pixel = self.vector * place.vectors
        return memory[place.address : place.address + size].reshape(-1, place.images, pixel)
