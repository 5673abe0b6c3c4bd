"""For all legal hardware a network compiles, and computes what it should in the clocks foretold, or is refused clearly.

What is refused names the node and the buffer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from tests.mapper.networks import Builder, random_graph
from tests.mapper.program_check import check, check_clocks
from tests.mapper.random_hardware import random_hardware
from tests.mapper.random_nodes import Pair

#: Clocks of a program up to which the cycle model runs it; the interpreter runs longer ones.
QUICK, LONG = 6_000, 20_000
#: What a refusal says: the node, and the limit with how much it is exceeded, what cannot be run, or what is too long.
REFUSED = re.compile(
    r"^node node\d+: .* (\w+\.\w+ must be at least \d+, not \d+|more than the field holds"
    r"|parts that do not fill blocks of channels)$"
    r"|^layer node\d+.*: its program has .* more than the limit of [\d,]+ \(--limit\)$"
)


@contextmanager
def refused_clearly() -> Iterator[None]:
    """What does not fit may be refused in one line that says what is missing."""
    try:
        yield
    except InputError as error:
        if not REFUSED.search(str(error)):
            raise


def holds(seed: int, *, side: int = 7, channels: int = 20, most_clocks: int = QUICK, odd: bool = False) -> None:
    """Draws hardware and a network, compiles it and runs it; `odd` ones are drawn from more of what is legal."""
    rng = np.random.default_rng(seed)
    hw = random_hardware(rng, odd=odd)
    graph, images = random_graph(rng, side=side, channels=channels, odd=odd), int(rng.choice([1, 2, 5]))
    with refused_clearly():
        check_clocks(graph, hw, seed, images, most_clocks=most_clocks)


#: Found by drawing: zeros that a load overwrote, a row not in use that reads what is being written, vectors shorter
#: than a raw sum, an average of parts with channels between them, a pass without steps while offsets are loaded, and an
#: average of an input of one channel.
FOUND = ((1053, False), (2432, False), (900_032, True), (20315, True), (22161, True), (3_000_005, True))


@pytest.mark.parametrize("seed", range(200))
def test_small_networks(seed: int) -> None:
    holds(seed)


@pytest.mark.parametrize(("seed", "odd"), FOUND)
def test_networks_that_were_wrong_once(seed: int, odd: bool) -> None:
    holds(seed, odd=odd)


@pytest.mark.slow
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("hundred", range(2, 52))
def test_hundreds_of_small_networks(hundred: int, odd: bool) -> None:
    """What failed is told as what repeats it, after `from tests.mapper.test_legal_hardware import holds`."""
    failed = {}
    for seed in range(100 * hundred, 100 * hundred + 100):
        try:
            holds(seed, odd=odd)
        except Exception as error:
            failed[f"holds({seed}, odd={odd})"] = repr(error)[:1000]
    assert not failed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_networks(seed: int) -> None:
    holds(seed, side=11, channels=40, most_clocks=LONG)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 5, 8, 20, 95])
def test_networks_on_rtl(seed: int) -> None:
    """Hardware of five kinds, small enough to be built in a minute, and 25 networks on each."""
    hw = random_hardware(np.random.default_rng(seed), odd=True)
    machine = Machine.of(hw)
    rtl = VerilatedMachine(machine_verilog(machine), machine)
    ran = 0
    for network in range(25):
        graph = random_graph(np.random.default_rng([seed, network]), side=7, channels=20, odd=True)
        with refused_clearly():
            check_clocks(graph, hw, network, 1 + network % 3, most_clocks=20 * LONG, rtl=rtl)
            ran += 1
    assert ran > 10


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
