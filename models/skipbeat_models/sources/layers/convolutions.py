"""Convolutions as the array runs them; a transposed one as a stride-1 convolution for each phase of its stride.

Output y of a transposed convolution sums the taps t with y + padding - dilation * t a multiple of the stride (Dumoulin
and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, section 4). Outputs of one phase,
y mod stride, use the same taps and walk the input one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution

from ..graphs.graph import Argument, Operator
from ..pruned_weights.weight_arrays import Taps


@dataclass(frozen=True, kw_only=True)
class Depth:
    """The first of three dimensions: `kernel` slices of the input, `dilation` apart, make one of the result.

    Transposed, each slice of the input makes `kernel` of the result, `dilation` apart, which add up where they meet.

    Attributes:
        size, out_size: slices of the input and of the result.
        low, high: slices of zeros before and after the input's.
    """

    size: int
    out_size: int
    kernel: int
    stride: int
    low: int
    high: int
    dilation: int
    transposed: bool = False


@dataclass(frozen=True, kw_only=True)
class ConvolutionCall:
    """The sizes of a call, two-dimensional: a 1-D convolution has height 1.

    One of three dimensions has an image for each slice of its result, with the kernel's depth among the input channels;
    transposed, an image for each slice of its input, with the depth among the output channels.

    Attributes:
        low, high: zeros before and after the rows and columns.
        depth: of one of three dimensions.
    """

    batch: int
    c_in: int
    c_out: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    low: tuple[int, int]
    high: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    transposed: bool
    out_size: tuple[int, int]
    depth: Depth | None = None


def read_call(operator: Operator) -> ConvolutionCall | None:
    """The sizes of a convolution operator of the graph; None: it has more than three dimensions."""
    weight, source, result = operator.value("weight"), operator.value("input"), operator.results[0]
    spatial = len(weight.shape) - 2
    if spatial not in (1, 2, 3):
        return None
    transposed = operator.base.startswith("conv_transpose") or bool(operator.args.get("transposed"))
    groups = operator.args.get("groups", 1)
    groups = groups if isinstance(groups, int) else 1
    kernel = _triple(list(weight.shape[2:]), spatial, 1)
    dilation = _triple(operator.args.get("dilation", 1), spatial, 1)
    stride, padding = _triple(operator.args.get("stride", 1), spatial, 1), operator.args.get("padding", 0)
    if isinstance(padding, str):
        both = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel, strict=True)]
        low, high = ([each // 2 for each in both], [each - each // 2 for each in both])
    elif isinstance(padding, list) and len(padding) == 2 * spatial:  # ONNX has both sides
        low, high = _triple(padding[:spatial], spatial, 0), _triple(padding[spatial:], spatial, 0)
    else:
        low = high = _triple(padding, spatial, 0)
    size, out_size = (_triple(list(value.shape[-spatial:]), spatial, 1) for value in (source, result))
    depth = Depth(
        size=size[0],
        out_size=out_size[0],
        kernel=kernel[0],
        stride=stride[0],
        low=low[0],
        high=high[0],
        dilation=dilation[0],
        transposed=transposed,
    )
    return ConvolutionCall(
        batch=(depth.size if transposed else depth.out_size)
        * (source.shape[0] if len(source.shape) > spatial + 1 else 1),
        c_in=source.shape[-spatial - 1] * (1 if transposed else depth.kernel),
        c_out=result.shape[-spatial - 1] * (depth.kernel if transposed else 1),
        size=_pair(size),
        kernel=_pair(kernel),
        stride=_pair(stride),
        low=_pair(low),
        high=_pair(high),
        dilation=_pair(dilation),
        groups=groups,
        transposed=transposed,
        out_size=_pair(out_size),
        depth=depth if spatial == 3 else None,
    )


def _triple(sizes: Argument, spatial: int, fill: int) -> list[int]:
    """Three sizes: those of the dimensions that there are, and before them fillers."""
    listed = sizes if isinstance(sizes, list) else [sizes]
    numbers = [size for size in listed if isinstance(size, int)] or [1]  # an empty stride means 1
    if len(numbers) < spatial:
        numbers = numbers[:1] * spatial
    return [fill] * (3 - spatial) + numbers[-spatial:]


def _pair(sizes: list[int]) -> tuple[int, int]:
    return sizes[1], sizes[2]


@dataclass(frozen=True, kw_only=True)
class ConvolutionPart:
    """One of the convolutions that a call is run as.

    Attributes:
        taps: of rows and columns, in the order of the input.
        pads: zeros above, below, left and right that the input has before it is given; negative: lines that it has not.
        met: see `LayerPart`.
        places: first row and column of its results in the call's, and the steps between them.
    """

    workload: Convolution
    taps: Taps
    pads: tuple[int, int, int, int]
    met: int | None = None
    places: tuple[int, int, int, int] = (0, 0, 1, 1)


def workloads(name: str, call: ConvolutionCall) -> list[ConvolutionPart]:
    """The convolutions that a call is run as.

    Raises:
        InputError: a size that no convolution has.
    """
    if 0 in (call.batch, call.c_in, call.c_out, *call.size, *call.kernel, *call.out_size):
        raise InputError(
            f"layer {name}: a convolution of {call.c_in} by {call.c_out} channels on "
            f"{call.size[0]}x{call.size[1]} has no elements"
        )
    if not call.transposed:
        return [_part(call, _plain(call, 0), _plain(call, 1))]
    return [_part(call, row, col) for row in _phases(call, 0) for col in _phases(call, 1)]


def _part(call: ConvolutionCall, rows: _Axis, cols: _Axis) -> ConvolutionPart:
    return ConvolutionPart(
        workload=_convolution(call, (rows, cols), (1, 1) if call.transposed else call.stride),
        taps=(rows.taps, cols.taps),
        pads=(*rows.pads, *cols.pads),
        met=call.batch * call.size[0] * call.size[1] if call.transposed else None,
        places=(rows.phase, cols.phase, *(call.stride if call.transposed else (1, 1))),
    )


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One axis of a convolution with equal zeros on both sides; other zeros, `pads`, count as input."""

    size: int
    padding: int
    dilation: int
    taps: tuple[int, ...]
    pads: tuple[int, int]
    phase: int = 0


def _plain(call: ConvolutionCall, axis: int) -> _Axis:
    padding = min(call.low[axis], call.high[axis])
    size = call.size[axis] + call.low[axis] + call.high[axis] - 2 * padding
    pads = call.low[axis] - padding, call.high[axis] - padding
    taps = tuple(range(call.kernel[axis]))
    return _Axis(size=size, padding=padding, dilation=call.dilation[axis], taps=taps, pads=pads)


def _phases(call: ConvolutionCall, axis: int) -> list[_Axis]:
    stride, dilation, padding = call.stride[axis], call.dilation[axis], call.low[axis]
    found = []
    for phase in range(min(stride, call.out_size[axis])):
        # Descending taps read ascending inputs, as a convolution does.
        taps = [t for t in reversed(range(call.kernel[axis])) if (phase + padding - dilation * t) % stride == 0]
        if not taps:
            continue
        outputs = len(range(phase, call.out_size[axis], stride))
        step = dilation // gcd(dilation, stride)
        before = (dilation * taps[0] - phase - padding) // stride
        after = outputs - 1 + step * (len(taps) - 1) - before - (call.size[axis] - 1)
        zeros = max(0, min(before, after))
        size = outputs + step * (len(taps) - 1) - 2 * zeros
        pads = before - zeros, after - zeros
        found.append(_Axis(size=size, padding=zeros, dilation=step, taps=tuple(taps), pads=pads, phase=phase))
    return found


def _convolution(call: ConvolutionCall, axes: tuple[_Axis, _Axis], stride: tuple[int, int]) -> Convolution:
    rows, cols = axes
    return Convolution(
        batch=call.batch,
        c_in=call.c_in,
        c_out=call.c_out,
        height=rows.size,
        width=cols.size,
        kernel=(len(rows.taps), len(cols.taps)),
        stride=stride,
        padding=(rows.padding, cols.padding),
        dilation=(rows.dilation, cols.dilation),
        groups=call.groups,
    )
