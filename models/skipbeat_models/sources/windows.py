"""Arguments of operators that join nodes: clamps, poolings and averages, and the workloads that they become."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from skipbeat_arch.workload import Convolution

from .constants import Constants
from .convolutions import ConvolutionCall, workloads
from .graph import Argument, Operator, Value
from .maps import Shape
from .products import Product

Pair = tuple[int, int]

_AVERAGES = frozenset({"avg_pool2d", "adaptive_avg_pool2d", "mean"})


@dataclass(frozen=True, kw_only=True)
class Window:
    """A pooling in two dimensions."""

    kernel: Pair
    stride: Pair
    padding: Pair


#: One pixel after the other.
PIXEL = Window(kernel=(1, 1), stride=(1, 1), padding=(0, 0))


def plain_convolution(name: str, call: ConvolutionCall) -> Convolution | None:
    """A convolution of one image; None: it is a transposed one."""
    if call.transposed:
        return None
    ((workload, _),) = workloads(name, call)
    return one_image(workload)


def one_image(workload: Convolution) -> Convolution:
    """The workload of each image of a batch."""
    return Convolution(**{**vars(workload), "batch": 1})


def over_map(shape: Shape, c_out: int) -> Convolution:
    """A linear layer behind a flattened map, as the convolution whose kernel covers the map."""
    channels, height, width = shape
    return Convolution(batch=1, c_in=channels, c_out=c_out, height=height, width=width, kernel=(height, width))


def over_rows(product: Product) -> Convolution:
    """A product [P, C] x [C, K] as a 1x1 convolution over a line of P pixels."""
    return Convolution(batch=1, c_in=product.c, c_out=product.k, height=1, width=product.p, kernel=(1, 1))


def depthwise(shape: Shape, window: Window) -> Convolution:
    """A depthwise convolution over a map."""
    channels, height, width = shape
    return Convolution(
        batch=1,
        c_in=channels,
        c_out=channels,
        height=height,
        width=width,
        kernel=window.kernel,
        stride=window.stride,
        padding=window.padding,
        groups=channels,
    )


def clamp_of(operator: Operator, constants: Constants) -> tuple[float, float] | None:
    """Lowest and highest result of a clamp; None: it is not known."""
    if operator.base in ("relu", "relu6"):
        return 0.0, inf if operator.base == "relu" else 6.0
    low, high = ("min_val", "max_val") if operator.base == "hardtanh" else ("min", "max")
    defaults = (-1.0, 1.0) if operator.base == "hardtanh" else (-inf, inf)
    bounds = [
        _number(operator.args.get(name, usual), usual, constants)
        for name, usual in zip((low, high), defaults, strict=True)
    ]
    return None if bounds[0] is None or bounds[1] is None else (bounds[0], bounds[1])


def _number(argument: Argument, usual: float, constants: Constants) -> float | None:
    if argument is None:
        return usual
    if isinstance(argument, Value):
        constant = constants.find(argument)
        value = constant.read() if constant and argument.elements == 1 else None
        return None if value is None or value.is_meta else float(value)
    return float(argument) if isinstance(argument, int | float) else None


def max_pooling(operator: Operator, spatial: int) -> Window | None:
    """A max pooling whose windows are whole; None: it is another."""
    dilation = _pair(operator.args.get("dilation"), spatial, (1, 1))
    return None if dilation != (1, 1) or operator.args.get("ceil_mode") else _window(operator, spatial)


def averaging(operator: Operator, shape: Shape, rank: int) -> Window | None:
    """The window of an average over a map; None: it is another operator, or an average that is no sum of whole windows.

    Args:
        rank: dimensions of the operand.
    """
    base, args = operator.base, operator.args
    if base not in _AVERAGES:
        return None
    whole = Window(kernel=shape[1:], stride=(1, 1), padding=(0, 0))
    if base == "adaptive_avg_pool2d":
        return whole if _pair(args.get("output_size"), 2, (0, 0)) == (1, 1) else None
    if base == "mean":
        axes = args.get("dim")
        listed = axes if isinstance(axes, list) else [axes]
        places = {axis % rank for axis in listed if isinstance(axis, int)}
        return whole if rank == 4 and places == {2, 3} else None
    window = _window(operator, 2)
    padded = window is not None and window.padding != (0, 0) and args.get("count_include_pad") is False
    return None if args.get("ceil_mode") or args.get("divisor_override") or padded else window


def _window(operator: Operator, spatial: int) -> Window | None:
    kernel = _pair(operator.args.get("kernel_size"), spatial, (0, 0))
    if min(kernel) < 1:
        return None
    stride = _pair(operator.args.get("stride") or operator.args.get("kernel_size"), spatial, (1, 1))
    padding = operator.args.get("padding", 0)
    return Window(kernel=kernel, stride=stride, padding=_pair(padding, spatial, (0, 0), fill=0))


def _pair(argument: Argument, spatial: int, usual: Pair, fill: int = 1) -> Pair:
    """Height and width of an option that is one number, or one for each dimension."""
    listed = argument if isinstance(argument, list) else [argument]
    numbers = [number for number in listed if isinstance(number, int)]
    if not numbers:
        return usual
    if spatial == 1:
        return fill, numbers[0]
    return numbers[0], numbers[-1]
