"""Workloads: what a layer computes, apart from any hardware.

A convolution is a GEMM `Y[P,K] = X[P,C] · W[C,K]` whose X is gathered from the input by kernel taps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from operator import index
from typing import Literal

from .errors import InputError

#: Order of the reduction axis of a convolution, slowest first: the axis along which groups lie.
ReductionOrder = Literal["kh,kw,cin", "cin,kh,kw"]


def _positive(what: str, **sizes: int) -> None:
    for name, size in sizes.items():
        try:
            least = index(size)
        except TypeError:
            raise InputError(f"{what}: {name} must be a whole number, not {size!r}") from None
        if least < 1:
            raise InputError(f"{what}: {name} must be at least 1, not {size}")


def _pairs(what: str, **sizes: tuple[int, int]) -> None:
    for name, pair in sizes.items():
        try:
            _, _ = map(index, pair)
        except (TypeError, ValueError):
            raise InputError(f"{what}: {name} must be two whole numbers, not {pair!r}") from None


@dataclass(frozen=True, kw_only=True)
class Gemm:
    """`Y[P,K] = X[P,C] · W[C,K]`."""

    p: int
    c: int
    k: int

    def __post_init__(self) -> None:
        _positive("GEMM", P=self.p, C=self.c, K=self.k)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense product."""
        return self.p * self.c * self.k


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A 2-D convolution of `batch` images, NCHW outside, with PyTorch's meaning of every parameter.

    Weights have shape [c_out, c_in / groups, kernel_h, kernel_w].
    """

    batch: int
    c_in: int
    c_out: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    order: ReductionOrder = "kh,kw,cin"

    def __post_init__(self) -> None:
        _pairs("convolution", kernel=self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation)
        _positive(
            "convolution",
            batch=self.batch,
            c_in=self.c_in,
            c_out=self.c_out,
            height=self.height,
            width=self.width,
            kernel=min(self.kernel),
            stride=min(self.stride),
            dilation=min(self.dilation),
            groups=self.groups,
        )
        if min(self.padding) < 0:
            raise InputError(f"convolution: padding must not be negative, not {self.padding}")
        if self.c_in % self.groups or self.c_out % self.groups:
            raise InputError(f"convolution: groups ({self.groups}) must divide c_in and c_out")
        if min(self.out_size) < 1:
            raise InputError(f"convolution: kernel {self.kernel} is larger than the padded input")

    @cached_property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        height, width = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                (self.height, self.width), self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )
        return height, width

    @property
    def gemm(self) -> Gemm:
        """The GEMM of one of the `groups` channel groups."""
        out_h, out_w = self.out_size
        return Gemm(
            p=self.batch * out_h * out_w,
            c=self.c_in // self.groups * self.kernel[0] * self.kernel[1],
            k=self.c_out // self.groups,
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense convolution, all groups."""
        return self.gemm.macs * self.groups


Workload = Gemm | Convolution


def one_image(workload: Workload) -> tuple[Convolution, int]:
    """A workload as a convolution of one image, and how many images there are.

    A matrix product is a 1x1 convolution over a line of P pixels.
    """
    if isinstance(workload, Gemm):
        return Convolution(batch=1, c_in=workload.c, c_out=workload.k, height=1, width=workload.p, kernel=(1, 1)), 1
    return replace(workload, batch=1), workload.batch
