"""What work may take, asked before it begins: nothing grows without bound in a number of a file or of an option.

The measure is the pass of the array: a tile of weights over the pixels of a block. Programs, their prices and the
memory that they need grow with passes, whatever the sizes were that made so many.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from .hardware import Hardware
    from .workload import Convolution, Gemm

#: Passes of one program that are compiled or priced without being asked for: about 10 minutes and 12 GiB.
MOST_PASSES = 300_000
#: Measured on a Linear of 768 to 768 with 1,024 to 65,536 rows, `edge-16x16`: 1.7 to 1.9 ms and 38 to 40 KB a pass.
_SECONDS, _BYTES = 0.0018, 40_000
#: Multiply-accumulates of products of two activations that follow one another in a program. What a program takes before
#: its first step and after its last one is little beside so many; and so is what it takes to make it.
_TOGETHER = 1 << 25
#: A product with fewer rows counts as one with so many: its tiles have to be loaded.
_LEAST_ROWS = 32
#: Most products of a program.
_MOST_PRODUCTS = 256
#: Passes of the images that follow one another in a program: making it takes a few seconds, and memory in proportion.
_PASSES_TOGETHER = 1 << 15

_limit: ContextVar[int] = ContextVar("limit", default=MOST_PASSES)


@contextmanager
def limited(most: int | None) -> Iterator[None]:
    """Work inside may take `most` passes a program; None: as many as before."""
    token = _limit.set(_limit.get() if most is None else most)
    try:
        yield
    finally:
        _limit.reset(token)


def passes(conv: Convolution, hw: Hardware, images: int = 1) -> int:
    """Passes that a convolution takes at least if every weight counts; `conv` is of one image."""
    return _passes(conv, hw, images, hw.accumulators.depth)


def program_passes(conv: Convolution, hw: Hardware, images: int = 1) -> int:
    """The same from memory to memory: all channels of a product's pixels are in the banks together."""
    return _passes(conv, hw, images, pixels_together(conv, hw))


def pixels_together(conv: Convolution, hw: Hardware) -> int:
    """Most pixels that share a pass of a program."""
    depth = hw.accumulators.depth
    if conv.kernel != (1, 1) or conv.groups > 1:
        return depth
    entry = hw.array.rows * hw.array.group
    return max(1, min(depth, hw.activations.buffer_kib * 1024 // entry // -(-conv.c_in // entry)))


def _passes(conv: Convolution, hw: Hardware, images: int, together: int) -> int:
    rows, columns = hw.array.rows * hw.array.group, hw.array.cols
    height, width = conv.out_size
    taps = conv.kernel[0] * conv.kernel[1]
    channels = max(conv.c_in // conv.groups, min(conv.c_in, columns)) * taps  # a tile holds several channel groups
    blocks = -(-images * height * width // together)
    return blocks * -(-channels // rows) * -(-conv.c_out // columns)


def products_together(product: Gemm, count: int) -> int:
    """How many of `count` equal products of activations a program computes: all, or as many as divide them evenly."""
    work = max(product.p, _LEAST_ROWS) * product.c * product.k
    most = min(max(1, _TOGETHER // work), _MOST_PRODUCTS)
    return max(each for each in range(1, min(most, count) + 1) if count % each == 0)


def images_together(convolutions: Iterable[Convolution], count: int, hw: Hardware) -> int:
    """How many of `count` images a network's program computes: all, or as many as divide them evenly.

    Args:
        convolutions: of the network, each of one image.
    """
    most = _PASSES_TOGETHER // max(1, sum(program_passes(conv, hw) for conv in convolutions))
    return max(each for each in range(1, min(max(1, most), count) + 1) if count % each == 0)


def most_passes() -> int:
    """Passes that a program may take."""
    return _limit.get()


def check_passes(what: str, count: int) -> None:
    """Refuse what would take more passes than the limit.

    Raises:
        InputError: it would; the message says how much time and memory that is.
    """
    if count > (most := most_passes()):
        minutes, gib = count * _SECONDS / 60, count * _BYTES / 2**30
        takes = f"about {minutes:,.1f} minutes and {gib:,.1f} GiB" if minutes >= 1 else "less than a minute"
        raise InputError(
            f"{what}: its program has {count:,} passes of the array, which take {takes} to make: more than the limit "
            f"of {most:,} (--limit)"
        )


def check_memory(what: str, size: int) -> None:
    """Refuse what would need more bytes than the machine has.

    Raises:
        InputError: it would.
    """
    there = machine_memory()
    if there is not None and size > there:
        raise InputError(
            f"{what}: it needs {size / 2**30:,.1f} GiB of memory, and this machine has {there / 2**30:,.1f}"
        )


def machine_memory() -> int | None:
    """Bytes of this machine's memory; None if it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
