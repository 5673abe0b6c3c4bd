"""For all legal hardware a network compiles, and computes what it should in the clocks foretold, or is refused clearly.

What is refused names the node and the buffer.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from tests.mapper.networks import Builder, random_graph
from tests.mapper.program_check import check, check_clocks
from tests.mapper.random_hardware import random_hardware

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


@pytest.mark.parametrize("seed", range(14))
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
