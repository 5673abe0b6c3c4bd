"""What is too much work is refused before it begins, with what it would take."""

from __future__ import annotations

import pytest

from skipbeat_arch.budget import (
    MOST_PASSES,
    check_memory,
    check_passes,
    images_together,
    limited,
    machine_memory,
    passes,
    pixels_together,
    products_together,
    program_passes,
)
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.workload import Convolution, Gemm, one_image

EDGE = load_hardware("edge-16x16")


def _of(p: int, c: int, k: int, images: int = 1) -> int:
    return passes(one_image(Gemm(p=p, c=c, k=k))[0], EDGE, images)


def test_passes_are_blocks_times_tiles() -> None:
    assert _of(784, 1152, 128) == 1 * 18 * 8
    assert _of(1025, 65, 17) == 2 * 2 * 2
    assert _of(512, 64, 16, images=3) == 2
    deep = Convolution(batch=1, c_in=32, c_out=32, height=8, width=8, kernel=(3, 3), groups=32)
    assert passes(deep, EDGE) == 1 * 3 * 2


def test_a_program_has_no_more_pixels_in_a_pass_than_banks_hold() -> None:
    product = one_image(Gemm(p=784, c=1152, k=128))[0]
    assert EDGE.activations.buffer_kib == 128
    assert pixels_together(product, EDGE) == 2048 // 18
    assert program_passes(product, EDGE) == 7 * 18 * 8
    assert program_passes(product, EDGE, images=2) == 14 * 18 * 8
    window = Convolution(batch=1, c_in=1152, c_out=128, height=28, width=28, kernel=(3, 3), padding=(1, 1))
    assert program_passes(window, EDGE) == passes(window, EDGE)
    assert pixels_together(one_image(Gemm(p=9, c=1 << 18, k=16))[0], EDGE) == 1


@pytest.mark.parametrize(
    ("p", "c", "k", "count", "together"),
    [
        (128, 64, 128, 12, 12),  # all heads of BERT-base
        (65, 64, 65, 2048, 64),  # 124 would be little enough, and 64 divide them evenly
        (65, 64, 65, 2047, 89),
        (512, 128, 512, 32, 1),  # a single one is the most
        (4096, 128, 4096, 32, 1),
        (1, 1024, 64, 24, 12),  # a row counts as 32
        (1, 8, 8, 1024, 256),
        (1, 8, 8, 257, 1),
        (1, 1, 1, 1, 1),
    ],
)
def test_products_come_together_as_far_as_their_work_goes(p: int, c: int, k: int, count: int, together: int) -> None:
    assert products_together(Gemm(p=p, c=c, k=k), count) == together


def test_more_than_the_limit_is_refused_and_the_limit_can_be_moved() -> None:
    check_passes("it", MOST_PASSES)
    with pytest.raises(InputError, match=r"^it: its program has 300,001 passes of the array, .* limit of 300,000 \("):
        check_passes("it", MOST_PASSES + 1)
    with limited(10):
        with limited(None), pytest.raises(InputError, match="limit of 10 "):
            check_passes("it", 11)
        with pytest.raises(InputError, match=r"11 passes of the array, which take less than a minute to make: more"):
            check_passes("it", 11)
        with limited(11):
            check_passes("it", 11)


def test_more_memory_than_there_is_is_refused() -> None:
    there = machine_memory()
    assert there is not None
    check_memory("it", there)
    with pytest.raises(InputError, match=r"^it: it needs [\d,.]+ GiB of memory, and this machine has [\d,.]+$"):
        check_memory("it", there + 1)


def test_images_of_a_program_divide_them_all_and_take_no_more_passes_than_are_made_quickly() -> None:
    layer = Convolution(batch=1, c_in=640, c_out=640, height=64, width=64, kernel=(3, 3), padding=(1, 1))
    each = program_passes(layer, EDGE)
    assert each * 2 <= 1 << 15 < each * 3
    assert [images_together([layer], count, EDGE) for count in (1, 2, 3, 4, 15)] == [1, 2, 1, 2, 1]
    assert images_together([layer, layer], 4, EDGE) == 1
    small = Convolution(batch=1, c_in=4, c_out=4, height=4, width=4, kernel=(1, 1))
    assert images_together([small], 450, EDGE) == 450
