"""What the machine computes of a network that a host runs, as plain data; the host's values are known by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from skipbeat_arch.graph import Graph, Node, Tensor

from .quantise_layer import product_layer
from .sources.graphs.products import Matrices
from .sources.layers.convolutions import Depth

#: What a product is: the operator itself, queries times keys of attention, or its scores times values.
Role = Literal["product", "scores", "values"]


#: Of results that are the whole value.
ALL_PLACES = (0, 0, 1, 1)


@dataclass(frozen=True, kw_only=True)
class RunStep:
    """A run of nodes with stored weights, for one map after the other.

    Attributes:
        name: of its first node. nodes: names of all.
        reads, makes: the host's values that it is given and that it gives.
        inside: values of the host's program that only the run computes.
        images: how many maps `reads` has. shape: channels, height, width of each, as the run is given them.
        pads: zeros above, below, left and right that a map is given with; negative: lines that it is given without.
        places: where the results lie in `makes`: first row and column, and the steps between rows and columns. A
            transposed convolution is a run for each phase of its stride.
        depth: of a convolution of three dimensions: `reads` has this many slices, whose windows are the maps' channels;
            transposed, each slice is a map, and slices of the result are added up of channels.
        bias: the host's value that it adds to each channel of that sum; None: nothing.
        form, number: of matrix products with several weights, how `reads` and `makes` are matrices, and of which one
            the rows are the pixels.
        rows: whether the last axis of `reads` is the channels, and all others are pixels, one line of them; otherwise
            the elements lie as [images, channels, height, width].
        rows_out: the same for `makes`. out_shape: of `makes`.
        scale: real value of one unit of the int8 that it is given; out_scale: of what it gives.
    """

    name: str
    nodes: tuple[str, ...]
    reads: str
    makes: str
    inside: tuple[str, ...]
    images: int
    shape: tuple[int, int, int]
    pads: tuple[int, int, int, int]
    places: tuple[int, int, int, int]
    rows: bool
    rows_out: bool
    out_shape: tuple[int, ...]
    scale: float
    out_scale: float
    depth: Depth | None = None
    bias: str | None = None
    form: Matrices | None = None
    number: int = 0

    @property
    def repeats(self) -> int:
        """How often its program runs for one input."""
        return self.images


@dataclass(frozen=True, kw_only=True)
class ProductStep:
    """Products [P, C] x [C, K] of two activations; the machine reads the second as dense weights.

    Heads that share keys or values are the rows of one product.

    Attributes:
        name: of its layer.
        makes: the host's value that the products make, or that attention makes of them.
        repeats: how often the program runs. products: that it computes, one after the other.
        form, operands: how which of the host's values become the matrices, for a product that is the operator itself.
        scale, weight_scale: real value of one unit of the int8 operands; out_scale: of the int8 products.
    """

    name: str
    makes: str
    role: Role
    repeats: int
    p: int
    c: int
    k: int
    scale: float
    weight_scale: float
    out_scale: float
    products: int = 1
    form: Matrices | None = None
    operands: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        """Its node; weights of 1 stand for the second operand."""
        layer = product_layer(
            self.name, np.ones((self.c, self.k), np.int8), self.p, self.scale * self.weight_scale, self.out_scale
        )
        given = Tensor(name="input", channels=self.c, height=1, width=self.p)
        return Graph.of(given, [Node(layer=layer, input="input", output="output", operand=True)])


Step = RunStep | ProductStep
