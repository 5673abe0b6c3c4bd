"""Arguments of operators that join nodes: clamps, poolings and averages, and the workloads that they become."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from skipbeat_arch.graph import Pool
from skipbeat_arch.workload import Convolution

from ...max_windows import separate_windows
from ..graphs.constants import Constants
from ..graphs.graph import Argument, Operator, Value
from ..graphs.operators import MAX_POOLS
from ..graphs.products import Product
from .maps import Map, Shape

Pair = tuple[int, int]

_MAXIMA = frozenset({"max", "amax", "adaptive_max_pool1d", "adaptive_max_pool2d"}) | MAX_POOLS
_AVERAGES = frozenset({"mean", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"})


@dataclass(frozen=True, kw_only=True)
class Window:
    """A pooling in two dimensions."""

    kernel: Pair
    stride: Pair
    padding: Pair

    def out_size(self, size: Pair) -> Pair:
        """Height and width of what whole windows make of a map."""
        rows, cols = (
            (whole + 2 * zeros - kernel) // stride + 1
            for whole, zeros, kernel, stride in zip(size, self.padding, self.kernel, self.stride, strict=True)
        )
        return rows, cols


#: One pixel after the other.
PIXEL = Window(kernel=(1, 1), stride=(1, 1), padding=(0, 0))


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


def is_depthwise(workload: Convolution) -> bool:
    """Whether each output channel has one input channel, of the same number."""
    return workload.groups == workload.c_in == workload.c_out


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


def max_pooling(operator: Operator, at: Map, axes: str) -> Window | None:
    """The windows of a maximum over a map if they are whole; None: it is another operator, or another maximum.

    Args:
        axes: of the operand (see `axes_of`).
    """
    spread = _pair(operator.args.get("dilation"), 2, (1, 1)) != (1, 1)
    return _windows(operator, at, axes) if operator.base in _MAXIMA and not spread else None


def averaging(operator: Operator, at: Map, axes: str) -> Window | None:
    """The windows of an average over a map if they are whole; None: it is another operator, or another average.

    Args:
        axes: of the operand (see `axes_of`).
    """
    args = operator.args
    if operator.base not in _AVERAGES or args.get("divisor_override"):
        return None
    window = _windows(operator, at, axes)
    return None if window and window.padding != (0, 0) and args.get("count_include_pad") is False else window


def _windows(operator: Operator, at: Map, axes: str) -> Window | None:
    """Windows over a map: of a reduction all of some axes, of a pooling where they are whole."""
    spatial = dimensions(operator)
    if spatial is None:
        return _reduced(operator.args.get("dim"), at, axes)
    if operator.base.startswith("adaptive"):
        return _adaptive(operator, at, axes, spatial)
    if axes[-spatial - 1 :] != ("cw" if spatial == 1 else "chw"):
        return None
    window = _window(operator, spatial)
    size = _pair(list(operator.results[0].shape[-spatial:]), spatial, (0, 0))
    return window if window and window.out_size(at.shape[1:]) == size else None  # others reach beyond the map


def _adaptive(operator: Operator, at: Map, axes: str, spatial: int) -> Window | None:
    """The windows of a pooling to a size that divides the map's."""
    out = _pair(operator.args.get("output_size"), spatial, (0, 0))
    if spatial == 1 and axes[-2:] == "cl":
        return _whole(at, "hw") if out == (1, 1) else None
    fits = axes[-spatial - 1 :] == ("cw" if spatial == 1 else "chw")
    if not fits or 0 in out or any(size % parts for size, parts in zip(at.shape[1:], out, strict=True)):
        return None
    kernel = (at.shape[1] // out[0], at.shape[2] // out[1])
    return Window(kernel=kernel, stride=kernel, padding=(0, 0))


def dimensions(operator: Operator) -> int | None:
    """Of the windows of a pooling; None: it is another operator."""
    return next((int(digit) for digit in "123" if f"pool{digit}d" in operator.base), None)


def is_reduction(operator: Operator) -> bool:
    """Whether an average or a maximum is of whole axes."""
    return dimensions(operator) is None


def _reduced(dim: Argument, at: Map, axes: str) -> Window | None:
    """One window over whole axes of a map; None: other axes than those of its pixels are reduced."""
    places = [each for each in (dim if isinstance(dim, list) else [dim]) if isinstance(each, int)]
    reduced = {axes[place] for place in places} if axes else set[str]()
    return _whole(at, "".join(reduced).replace("l", "hw")) if reduced and reduced <= set("hwl") else None


def _whole(at: Map, axes: str) -> Window:
    _, height, width = at.shape
    kernel = (height if "h" in axes else 1, width if "w" in axes else 1)
    return Window(kernel=kernel, stride=kernel, padding=(0, 0))


def _window(operator: Operator, spatial: int) -> Window | None:
    kernel = _pair(operator.args.get("kernel_size"), spatial, (0, 0))
    if min(kernel) < 1:
        return None
    stride = _pair(operator.args.get("stride") or operator.args.get("kernel_size"), spatial, (1, 1))
    padding = operator.args.get("padding", 0)
    return Window(kernel=kernel, stride=stride, padding=_pair(padding, spatial, (0, 0), fill=0))


def stored_windows(operator: Operator) -> Pool | None:
    """The windows of a max pooling of maps, if a STORE can pool them."""
    found = _window(operator, 2) if operator.base.startswith("max_pool2d") else None
    if found is None:
        return None
    pool = Pool(kernel=found.kernel, stride=found.stride)
    dilation = _pair(operator.args.get("dilation"), 2, (1, 1))
    ceil = bool(operator.args.get("ceil_mode", False))
    return pool if separate_windows(pool, padding=found.padding, dilation=dilation, ceil=ceil) else None


def _pair(argument: Argument, spatial: int, usual: Pair, fill: int = 1) -> Pair:
    """Height and width of an option that is one number, or one for each dimension."""
    listed = argument if isinstance(argument, list) else [argument]
    numbers = [number for number in listed if isinstance(number, int)]
    if not numbers:
        return usual
    if spatial == 1:
        return fill, numbers[0]
    return numbers[0], numbers[-1]
