"""For all legal hardware a network compiles, and computes what it should in the clocks foretold, or is refused clearly.

What is refused names the node and the buffer.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import load_hardware
from tests.mapper.networks import Builder, random_graph
from tests.mapper.program_check import check, check_clocks
from tests.mapper.random_hardware import random_hardware
from tests.mapper.random_nodes import Pair

#: Clocks of a program up to which the cycle model runs it; the interpreter runs longer ones.
QUICK, LONG = 6_000, 20_000
#: What a refusal says: the node, the limit, and by how much it is exceeded.
REFUSED = re.compile(r"^node node\d+: .* (\w+\.\w+ must be at least \d+, not \d+|more than the field holds)$")


def holds(seed: int, *, side: int, channels: int, most_clocks: int) -> None:
    """Draws hardware and a network, compiles it and runs it."""
    rng = np.random.default_rng(seed)
    hw, graph = random_hardware(rng), random_graph(rng, side=side, channels=channels)
    try:
        check_clocks(graph, hw, seed, int(rng.choice([1, 2, 5])), most_clocks=most_clocks)
    except InputError as error:
        if not REFUSED.search(str(error)):
            raise


@pytest.mark.parametrize("seed", [*range(14), 1053])
def test_small_networks(seed: int) -> None:
    holds(seed, side=7, channels=20, most_clocks=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_networks(seed: int) -> None:
    holds(seed, side=11, channels=40, most_clocks=LONG)


@pytest.mark.parametrize("images", [2, 5])
def test_a_store_for_each_pixel_that_was_read_long_ago(images: int) -> None:
    """Each of many local STOREs waits for another PASS of the image before, none of which has been waited for yet."""
    builder = Builder((4, 8, 8), np.random.default_rng(1))
    builder.convolution(4, (1, 1))
    builder.convolution(4, (1, 1), raw=True)
    check(builder.graph(), load_hardware("tiny-4x4", ["accumulators.depth=1"]), 3, images=images, delay="store")


@pytest.mark.parametrize(
    ("window", "depth", "padding"),
    [((1, 5), 3, (0, 0)), ((2, 2), 1, (1, 1)), ((3, 2), 4, (0, 1)), ((1, 16), 64, (0, 0)), ((2, 15), 14, (0, 2))],
)
def test_pooling_windows_of_more_pixels_than_a_block(window: Pair, depth: int, padding: Pair) -> None:
    """The pixels of one window come from several accumulations, of which one STORE takes the maximum."""
    builder = Builder((9, 6, 17), np.random.default_rng(2))
    builder.convolution(13, (3, 3), padding=(1, 1))
    stride = (1, 2) if depth < 4 else (1, 1)
    builder.convolution(
        10, (2, 1), padding=padding, stride=stride, pool=Pool(kernel=window, stride=(2, 1)), density=0.9
    )
    builder.convolution(5, (1, 1), raw=True)
    hw = load_hardware("edge-8x8", [f"accumulators.depth={depth}"])
    check_clocks(builder.graph(), hw, 1)
    check(builder.graph(), hw, 1, favour="execute", delay="store_write")
