"""Random graphs for the compiler's tests."""

from __future__ import annotations

import dataclasses

import numpy as np

from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution


def random_layer(
    name: str, load: Convolution, rng: np.random.Generator, *, density: float = 0.5, raw: bool = False
) -> IntegerLayer:
    """A layer of random int8 weights, with extreme values and parameters that spread its results over int8."""
    one, groups = load.gemm, load.groups
    weight = rng.choice(np.array([-128, -37, -1, 1, 5, 127], np.int8), (groups, one.c, one.k))
    weight[rng.random(weight.shape) >= density] = 0
    channels = load.c_out
    bias = rng.integers(-5000, 5000, channels).astype(np.int32)
    if raw:
        return IntegerLayer(name=name, workload=load, weight=weight if groups > 1 else weight[0], bias=bias)
    shift = rng.integers(38, 42, channels)
    return IntegerLayer(
        name=name,
        workload=load,
        weight=weight if groups > 1 else weight[0],
        bias=bias,
        multiplier=rng.integers(1 << 30, 1 << 31, channels),
        shift=shift,
        low=int(rng.choice([-128, -20, 0])),
        high=int(rng.choice([127, 90])),
    )


class Builder:
    """Adds nodes one after the other."""

    def __init__(self, shape: tuple[int, int, int], rng: np.random.Generator) -> None:
        self._rng = rng
        self.tensors = [Tensor(name="input", channels=shape[0], height=shape[1], width=shape[2])]
        self.nodes: list[Node] = []

    def convolution(
        self,
        channels: int,
        kernel: tuple[int, int],
        *,
        source: str | None = None,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        pool: Pool | None = None,
        residual: str | None = None,
        raw: bool = False,
        density: float = 0.5,
    ) -> str:
        """A node on `source` (the last tensor if there is none named); returns its output's name."""
        at = next(t for t in self.tensors if t.name == source) if source else self.tensors[-1]
        load = Convolution(
            batch=1,
            c_in=at.channels,
            c_out=channels,
            height=at.height,
            width=at.width,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            order="cin,kh,kw" if self._rng.random() < 0.3 else "kh,kw,cin",
        )
        name = f"node{len(self.nodes)}"
        factor = self._rng.integers(0, 1 << 31, channels) if residual else None
        node = Node(
            layer=random_layer(name, load, self._rng, density=density, raw=raw),
            input=at.name,
            output=name,
            pool=pool,
            residual=residual,
            residual_multiplier=factor,
        )
        self.nodes.append(node)
        out = node.out_shape
        self.tensors.append(Tensor(name=name, channels=out[0], height=out[1], width=out[2]))
        return name

    def average(self, kernel: tuple[int, int], *, alike: bool = True) -> str:
        """Means of windows side by side of the last tensor; returns the name of its output."""
        name = self.convolution(self.tensors[-1].channels, kernel, stride=kernel, groups=self.tensors[-1].channels)
        layer = self.nodes[-1].layer
        assert layer.multiplier is not None
        ones = np.ones(len(layer.bias), np.int64)
        layer = dataclasses.replace(
            layer,
            weight=np.ones_like(layer.weight),
            bias=np.zeros_like(layer.bias),
            multiplier=ones * int(layer.multiplier[0]),
            shift=ones * 35,
        )
        self.nodes[-1] = dataclasses.replace(self.nodes[-1], layer=layer, alike=alike)
        return name

    def join(self, *names: str) -> str:
        """A concatenation of tensors; returns its name."""
        parts, found, channels = [next(t for t in self.tensors if t.name == name) for name in names], [], 0
        for part in parts:
            found.append((part.name, channels))
            channels += part.channels
        _, height, width = parts[0].shape
        name = f"joined{len(self.tensors)}"
        self.tensors.append(Tensor(name=name, channels=channels, height=height, width=width, parts=tuple(found)))
        return name

    def graph(self) -> Graph:
        """The graph so far."""
        return Graph(tensors=tuple(self.tensors), nodes=tuple(self.nodes), input="input", output=self.tensors[-1].name)


def random_graph(rng: np.random.Generator, *, side: int = 20, channels: int = 101, odd: bool = False) -> Graph:
    """One to four nodes, the last one raw as often as not; maps and channels are below `side` and `channels`.

    With `odd`, a node may read several tensors, side by side in their channels, or means of windows of one.
    """
    shape = int(rng.integers(1, min(channels, 40))), int(rng.integers(5, side)), int(rng.integers(5, side))
    builder = Builder(shape, rng)
    nodes = int(rng.integers(1, 5))
    for number in range(nodes):
        taken = {name for tensor in builder.tensors for name, _ in tensor.parts}
        free = [t for t in builder.tensors if not t.parts and t.name not in taken]
        same = [t.name for t in free if t.shape[1:] == builder.tensors[-1].shape[1:]]
        if odd and len(same) > 1 and rng.random() < 0.7:
            builder.join(*rng.permutation(same).tolist())
        if odd and rng.random() < 0.3:
            _, height, width = builder.tensors[-1].shape
            builder.average((int(rng.choice([1, height])), int(rng.integers(1, width + 1))))
        _random_node(builder, rng, channels, last=number == nodes - 1)
    return builder.graph()


def _random_node(builder: Builder, rng: np.random.Generator, most: int, *, last: bool) -> None:
    at = builder.tensors[-1]
    groups, channels = 1, int(rng.integers(1, most))
    if rng.random() < 0.3:
        groups = int(rng.choice([g for g in range(1, at.channels + 1) if at.channels % g == 0]))
        channels = groups * int(rng.integers(1, 4))
    dilation = _pair(rng, 1, 2)
    padding = _pair(rng, 0, 3)
    reach = (at.height + 2 * padding[0] - 1, at.width + 2 * padding[1] - 1)
    kernel = (_kernel(rng, reach[0] // dilation[0] + 1), _kernel(rng, reach[1] // dilation[1] + 1))
    raw = last and rng.random() < 0.5
    stride = _pair(rng, 1, 3)
    probe = Convolution(
        batch=1,
        c_in=1,
        c_out=1,
        height=at.height,
        width=at.width,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    pool = None
    if not raw and rng.random() < 0.4 and min(probe.out_size) >= 2:
        window = (min(2 + int(rng.random() < 0.3), probe.out_size[0]), 2)
        pool = Pool(kernel=window, stride=window if rng.random() < 0.7 else _pair(rng, 1, 3))
    shape = (channels, *probe.out_size)
    same = [t.name for t in builder.tensors if t.shape == shape]
    residual = str(rng.choice(same)) if same and not raw and pool is None else None
    builder.convolution(
        channels,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        pool=pool,
        residual=residual,
        raw=raw,
        density=float(rng.choice([0.02, 0.2, 0.5, 1.0])),
    )


def _pair(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def _kernel(rng: np.random.Generator, most: int) -> int:
    return min(most, int(rng.choice([1, 2, 3, 3, 5, 7])))
