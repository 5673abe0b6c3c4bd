"""A network as the accelerator runs it: integer convolutions between named tensors, one after the other.

One image at a time. A node computes, for each output pixel and channel k,

    (sum + bias[k]) * multiplier[k] + residual * residual_multiplier[k], rounded half up, >> shift[k], clamped,

and then the maximum over a pooling window, if it has one. A linear layer is a convolution whose kernel covers the map;
average pooling is a depthwise convolution with weights 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .arrays import Int64Array
from .depths import output_vectors
from .errors import InputError
from .layer import IntegerLayer
from .numbers import MAX_SHIFT, MULTIPLIER_BITS
from .training.ranks import LARGEST
from .training.rounding import MOST_SHIFT
from .workload import Convolution


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """An int8 map of one image (int32 if the node that writes it has no multiplier).

    Attributes:
        parts: tensors that are ranges of its channels, each with the first one: a concatenation, which no node writes.
    """

    name: str
    channels: int
    height: int
    width: int
    parts: tuple[tuple[str, int], ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.channels, self.height, self.width


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Maximum over windows of `kernel`, `stride` apart, height first; windows that are not whole are dropped."""

    kernel: tuple[int, int]
    stride: tuple[int, int]

    def out_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the pooled map."""
        height, width = ((s - k) // d + 1 for s, k, d in zip(size, self.kernel, self.stride, strict=True))
        return height, width


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One layer between tensors.

    Attributes:
        layer: its workload is a `Convolution` of one image; without a multiplier the result is raw int32.
        input, output: names of tensors.
        pool: maximum over windows of the layer's int8 results.
        residual: name of a tensor of the output's shape that is added before the shift.
        residual_multiplier: int64 [K], 0 or positive, of 31 bits; with `residual` only.
        alike: whether its channels are computed alike: one weight each for a tap, and the same for all channels, and so
            are their biases, multipliers and shifts. An average is so, and a copy.
        stacked: blocks of channels that the node has one below the other in its maps, in input and output.
        operand: whether its weights are the second operand of a product of two activations, of which each image has one
            of its own.
        seed: 24 bits; the node's bytes are (sum + bias) rounded at random by its first shift, 0 to 32, with draws that
            follow from this (`skipbeat_arch.training`). Where a residual is 0 the sum is. None: rounded half up.
        noted: its bytes, rounded half up, are those of `skipbeat_arch.training.noted`, and their sums are noted.
        places: beside each byte lies which of its window's sums is the first largest one, counted from 0 row by row. No
            node reads such a tensor.
    """

    layer: IntegerLayer
    input: str
    output: str
    pool: Pool | None = None
    residual: str | None = None
    residual_multiplier: Int64Array | None = None
    alike: bool = False
    stacked: int = 1
    operand: bool = False
    seed: int | None = None
    noted: bool = False
    places: bool = False

    @cached_property
    def convolution(self) -> Convolution:
        """The layer's workload.

        Raises:
            InputError: it is not a convolution.
        """
        if not isinstance(self.layer.workload, Convolution):
            raise InputError(
                f"node {self.layer.name}: expected a convolution (a linear layer is one over the whole map)"
            )
        return self.layer.workload

    @property
    def taps(self) -> int:
        """Taps of the kernel."""
        return self.convolution.kernel[0] * self.convolution.kernel[1]

    @property
    def raw(self) -> bool:
        """Whether the output is int32."""
        return self.layer.multiplier is None

    @property
    def vectors(self) -> int:
        """Vectors in memory of V channels of an output pixel."""
        return output_vectors(raw=self.raw, places=self.places)

    @cached_property
    def window(self) -> Pool:
        """The pooling window, 1x1 if there is none."""
        return self.pool or Pool(kernel=(1, 1), stride=(1, 1))

    @cached_property
    def out_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of the node's output."""
        return (self.convolution.c_out, *self.window.out_size(self.convolution.out_size))

    def tensor_shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Channels, height, width of the tensor that the node has in such a shape."""
        channels, height, width = shape
        return channels * self.stacked, height // self.stacked, width


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """Nodes in the order in which they run; the last one writes `output`.

    Attributes:
        given: names of tensors that no node writes, besides the input.

    Raises:
        InputError: a tensor that is unknown, read before it is written, written twice or of the wrong shape, or
            numbers that the output stage cannot take.
    """

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    input: str
    output: str
    given: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, given: Tensor, nodes: Sequence[Node], joined: Sequence[Tensor] = (), others: Sequence[Tensor] = ()
    ) -> Graph:
        """The graph of nodes in the order in which they run, with the tensors that they write and those of such parts.

        `others` are given besides the input.

        Raises:
            InputError: as for a graph.
        """
        tensors = [given]
        for node in nodes:
            channels, height, width = node.tensor_shape(node.out_shape)
            tensors.append(Tensor(name=node.output, channels=channels, height=height, width=width))
        return cls(
            tensors=(*tensors, *joined, *others),
            nodes=tuple(nodes),
            input=given.name,
            output=tensors[-1].name,
            given=tuple(tensor.name for tensor in others),
        )

    def __post_init__(self) -> None:
        if len(self.by_name) != len(self.tensors):
            raise InputError("graph: two tensors have the same name")
        if not self.nodes or self.nodes[-1].output != self.output:
            raise InputError(f"graph: expected the last node to write {self.output}")
        written, raw = {self.tensor(name).name for name in (self.input, *self.given)}, set[str]()
        joined = [tensor for tensor in self.tensors if tensor.parts]
        taken = [name for tensor in joined for name, _ in tensor.parts]
        if len(set(taken)) != len(taken):
            raise InputError("graph: a tensor is a part of two others, and can lie in one place only")
        for tensor in joined:
            self._check_parts(tensor)
        for node in self.nodes:
            self._check_node(node, written, raw)
            written.add(node.output)
            if node.vectors > 1:
                raw.add(node.output)
            written |= {each.name for each in joined if all(name in written - raw for name, _ in each.parts)}

    @cached_property
    def by_name(self) -> dict[str, Tensor]:
        """Tensors by their names."""
        return {tensor.name: tensor for tensor in self.tensors}

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name.

        Raises:
            InputError: there is none.
        """
        if name not in self.by_name:
            raise InputError(f"graph: there is no tensor {name}")
        return self.by_name[name]

    def _check_parts(self, tensor: Tensor) -> None:
        end = 0
        for name, first in tensor.parts:
            part = self.tensor(name)
            if part.shape[1:] != tensor.shape[1:] or first < end or first + part.channels > tensor.channels:
                raise InputError(f"graph: {name} of shape {part.shape} does not fit {tensor.name} at channel {first}")
            end = first + part.channels

    def _check_node(self, node: Node, written: set[str], raw: set[str]) -> None:
        name, load = node.layer.name, node.convolution
        for source in (node.input, node.residual):
            if source is not None and (self.tensor(source).name not in written or source in raw):
                raise InputError(f"node {name}: reads {source}, which no node before it has written as int8")
        if node.output in written:
            raise InputError(f"node {name}: {node.output} is written twice")
        shape = node.tensor_shape((load.c_in, load.height, load.width))
        if load.batch != 1 or self.tensor(node.input).shape != shape:
            raise InputError(f"node {name}: its input {node.input} has shape {self.tensor(node.input).shape}")
        if min(node.out_shape) < 1 or self.tensor(node.output).shape != node.tensor_shape(node.out_shape):
            raise InputError(f"node {name}: expected {node.output} of shape {node.out_shape}")
        if (node.residual is None) != (node.residual_multiplier is None):
            raise InputError(f"node {name}: expected residual and residual_multiplier together")
        if node.residual is not None and (node.pool or self.tensor(node.residual).shape != node.out_shape):
            raise InputError(f"node {name}: expected a residual of shape {node.out_shape} and no pooling")
        if node.raw and (node.pool or node.residual):
            raise InputError(f"node {name}: raw sums cannot be pooled and take no residual")
        self._check_numbers(node)

    def _check_numbers(self, node: Node) -> None:
        layer, channels, limit = node.layer, node.out_shape[0], 1 << MULTIPLIER_BITS
        if layer.bias.shape != (channels,):
            raise InputError(f"node {layer.name}: expected a bias of shape ({channels},), not {layer.bias.shape}")
        for what, values, least, most in (
            ("multiplier", layer.multiplier, 1, limit - 1),
            ("shift", layer.shift, *((1, MAX_SHIFT) if node.seed is None else (0, MOST_SHIFT))),
            ("residual_multiplier", node.residual_multiplier, 0, limit - 1),
        ):
            if values is None:
                continue
            if values.shape != (channels,) or values.min() < least or values.max() > most:
                raise InputError(f"node {layer.name}: expected {channels} values of {what} in {least}..{most}")
        if (layer.multiplier is None) != (layer.shift is None):
            raise InputError(f"node {layer.name}: expected multiplier and shift together")
        numbers = (layer.weight, layer.bias, layer.multiplier, layer.shift)
        if node.alike and any((each != each[:1]).any() for each in numbers if each is not None):
            raise InputError(f"node {layer.name}: its channels are not alike")
        if node.seed is not None and (node.raw or (layer.low, layer.high) != (-LARGEST, LARGEST)):
            raise InputError(f"node {layer.name}: what is rounded at random is clamped at -{LARGEST} and {LARGEST}")
        if node.noted and (node.raw or node.seed is not None or layer.low == -128 or layer.high < 1):
            raise InputError(f"node {layer.name}: noted bytes are clamped at -127 or above, and neither raw nor random")
        if node.places and (node.raw or node.seed is not None):
            raise InputError(f"node {layer.name}: places are with bytes that are neither raw nor random")
        if not -128 <= layer.low <= layer.high <= 127:
            raise InputError(f"node {layer.name}: expected -128 <= low <= high <= 127, not {layer.low}, {layer.high}")
