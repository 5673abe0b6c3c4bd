"""Post-training quantisation of a network with branches to the accelerator's graph.

The network is traced, so any module of supported layers will do: a ResNet with its residual additions, strides,
projections and global average pooling. Scales and multipliers are those of `quantise_layer`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import fx, nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.workload import Convolution, ReductionOrder

from .dataflow import INPUT, Average, Operation, operations
from .network import quantise_images
from .pruners.layers import Prunable
from .quantise_layer import (
    QuantisedLayer,
    Scales,
    activation_scale,
    convolution_workload,
    ones_layer,
    pair,
    quantise_layer,
)
from .trace import trace


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedGraph:
    """A graph and what its numbers mean.

    Attributes:
        scales: real value of one unit of each tensor, by its name; of the output, one unit of the logits.
    """

    graph: Graph
    scales: dict[str, float]

    @property
    def input_scale(self) -> float:
        """Real value of one unit of the int8 input."""
        return self.scales[self.graph.input]

    @property
    def logit_scale(self) -> float:
        """Real value of one unit of the int32 logits."""
        return self.scales[self.graph.output]

    def quantise_images(self, images: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Real images [N, C, H, W] as the graph's int8 input.

        Raises:
            InputError: images of another shape.
        """
        return quantise_images(images, self.graph.tensor(self.graph.input).shape, self.input_scale)


def quantise_graph(model: nn.Module, calibration: torch.Tensor, order: ReductionOrder = "kh,kw,cin") -> QuantisedGraph:
    """Quantise a trained network of Conv2d, Linear, ReLU, additions, max and average pooling to int8.

    Batch normalisation must have been folded (`fold_batch_norms`). The last layer is a Conv2d or Linear; its int32
    sums are the logits [K, 1, 1]. Dropout and Identity do nothing in a trained network and are dropped.

    Args:
        model: takes [N, C, H, W]; it is left as it is.
        calibration: float [N, C, H, W], inputs that are representative of what the network will see.
        order: order of the reduction axis of every convolution.

    Raises:
        InputError: a network that cannot be traced, a module or an option of one that is not supported, calibration
            data of another rank, or sums that could leave int32.
    """
    if calibration.dim() != 4 or calibration.shape[0] == 0 or not bool(torch.isfinite(calibration).all()):
        raise InputError(f"calibration data of shape {tuple(calibration.shape)}: expected finite numbers [N, C, H, W]")
    exact = copy.deepcopy(model).double().eval()
    traced = trace(exact)
    source, plan = operations(traced)
    largest = _calibrate(exact, traced, calibration)
    _, channels, height, width = calibration.shape
    builder = _Builder(largest, order)
    builder.add_input(source, Tensor(name=INPUT, channels=channels, height=height, width=width))
    for operation in plan:
        builder.add(operation, last=operation is plan[-1])
    return builder.finish()


def _calibrate(model: nn.Module, traced: fx.GraphModule, calibration: torch.Tensor) -> dict[fx.Node, float]:
    """The largest magnitude of each value.

    Tracing sees `y += x` as an addition with a new result. Where another name for y is read later that is another
    function, and so the traced network is compared with the model.
    """
    recorder = _Recorder(traced)
    try:
        recorder.run(calibration.to(torch.float64, copy=True))
        with torch.no_grad():
            one = calibration[:1].to(torch.float64, copy=True), calibration[:1].to(torch.float64, copy=True)
            agrees = torch.allclose(model(one[0]), traced(one[1]))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"network: cannot take an input of shape {tuple(calibration.shape)}: {reason}") from None
    if not agrees:
        raise InputError("network: it overwrites a tensor that it reads again, which cannot be traced")
    return recorder.largest


class _Recorder(fx.Interpreter):
    """Runs the network in float64, which leaves no rounding noise, and keeps the largest magnitude of each value."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.largest: dict[fx.Node, float] = {}

    def run(self, *args: Any, **kwargs: Any) -> Any:  # the signature is torch's
        with torch.no_grad():
            return super().run(*args, **kwargs)

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, torch.Tensor):
            self.largest[n] = float(value.abs().max())
        return value


class _Builder:
    def __init__(self, largest: dict[fx.Node, float], order: ReductionOrder) -> None:
        self._largest = largest
        self._order: ReductionOrder = order
        self._tensors: dict[fx.Node, Tensor] = {}
        self._scales: dict[fx.Node, float] = {}
        self._not_negative: set[fx.Node] = set()
        self._nodes: list[Node] = []

    def add_input(self, node: fx.Node, tensor: Tensor) -> None:
        """The graph's input."""
        self._tensors[node] = tensor
        self._scales[node] = activation_scale(self._largest[node])

    def add(self, operation: Operation, *, last: bool) -> None:
        """One operation as a node; the last one gives logits."""
        plain = not operation.relu and operation.residual is None and operation.pool is None
        if last and not (plain and isinstance(operation.module, Prunable)):
            raise InputError("network to quantise: expected its last module to be a Linear or a Conv2d")
        residual = operation.residual
        scales = Scales(
            input=self._scales[operation.source],
            output=activation_scale(self._largest[operation.ranged])
            if operation.ranged is not None and not last
            else None,
            residual=None if residual is None else self._scales[residual],
        )
        quantised = self._quantise(operation, scales)
        pool = operation.pool
        node = Node(
            layer=quantised.layer,
            input=self._tensors[operation.source].name,
            output=operation.name,
            pool=Pool(kernel=pool.kernel, stride=pool.stride) if pool else None,
            residual=None if residual is None else self._tensors[residual].name,
            residual_multiplier=quantised.residual_multiplier,
        )
        self._nodes.append(node)
        channels, height, width = node.out_shape
        self._tensors[operation.result] = Tensor(name=node.output, channels=channels, height=height, width=width)
        self._scales[operation.result] = quantised.scale
        kept = operation.module is None or isinstance(operation.module, Average)
        if operation.relu or (kept and residual is None and operation.source in self._not_negative):
            self._not_negative.add(operation.result)

    def _quantise(self, operation: Operation, scales: Scales) -> QuantisedLayer:
        name, module, at = operation.name, operation.module, self._tensors[operation.source]
        if isinstance(module, nn.Conv2d):
            workload = convolution_workload(name, module, (at.height, at.width), self._order)
            return quantise_layer(name, module, workload, self._order, scales, relu=operation.relu)
        if isinstance(module, nn.Linear):
            return quantise_layer(
                name, module, _over_map(name, module, at, self._order), self._order, scales, relu=operation.relu
            )
        if module is not None:
            return ones_layer(name, _average(name, module, at), scales, relu=operation.relu)
        padding = operation.pool.padding if operation.pool else (0, 0)
        if padding != (0, 0) and not operation.relu and operation.source not in self._not_negative:
            raise InputError(f"layer {name}: max pooling with padding needs an input without negative values")
        return ones_layer(name, _depthwise(at, padding=padding), scales, relu=operation.relu)

    def finish(self) -> QuantisedGraph:
        """The graph of all nodes."""
        tensors = tuple(self._tensors.values())
        graph = Graph(tensors=tensors, nodes=tuple(self._nodes), input=tensors[0].name, output=self._nodes[-1].output)
        scales = {tensor.name: self._scales[node] for node, tensor in self._tensors.items()}
        return QuantisedGraph(graph=graph, scales=scales)


def _depthwise(
    at: Tensor, *, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0)
) -> Convolution:
    return Convolution(
        batch=1,
        c_in=at.channels,
        c_out=at.channels,
        height=at.height,
        width=at.width,
        kernel=kernel,
        stride=stride,
        padding=padding,
        groups=at.channels,
    )


def _over_map(name: str, module: nn.Linear, at: Tensor, order: ReductionOrder) -> Convolution:
    """A linear layer as a convolution over the whole map."""
    if module.in_features != at.channels * at.height * at.width:
        raise InputError(f"layer {name}: expected {module.in_features} values before it, not {at.shape}")
    return Convolution(
        batch=1,
        c_in=at.channels,
        c_out=module.out_features,
        height=at.height,
        width=at.width,
        kernel=(at.height, at.width),
        order=order,
    )


def _average(name: str, module: Average, at: Tensor) -> Convolution:
    if isinstance(module, nn.AdaptiveAvgPool2d):
        if module.output_size not in (1, (1, 1)):
            raise InputError(f"layer {name}: expected AdaptiveAvgPool2d to one pixel, not {module.output_size}")
        return _depthwise(at, kernel=(at.height, at.width))
    padding = pair(module.padding)
    if module.ceil_mode or module.divisor_override or (padding != (0, 0) and not module.count_include_pad):
        raise InputError(
            f"layer {name}: expected AvgPool2d without ceil_mode, divisor_override and count_include_pad=False"
        )
    return _depthwise(at, kernel=pair(module.kernel_size), stride=pair(module.stride), padding=padding)
