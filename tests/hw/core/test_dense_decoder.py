"""The dense decoder against its twin: sound tiles, contradictory ones, and streams that keep no rule."""

from __future__ import annotations

import pytest
from amaranth.hdl import Fragment

from skipbeat_arch.command import CoreError
from skipbeat_hw.core.decoder import WeightDecoder
from skipbeat_hw.core.dense_decoder import DenseDecoder, weight_decoder
from tests.hw.core.test_decoder import DECODER
from tests.hw.in_process import refuses
from tests.hw.twins import Pair, Size, Where, cases, hold

DENSE = Pair(
    "dense_decoder",
    DenseDecoder,
    DECODER.sources,
    kinds=DECODER.kinds,
    stopped=DECODER.stopped,
    meaning=DECODER.meaning,
    constant=lambda _: ("row_decoded_o", "metadata_word_o"),
)


@pytest.mark.parametrize(
    ("size", "where"),
    cases([Size(3, 4, 1), Size(5, 3, 1, weight_bits=5)], [Size(1, 1, 1), Size(8, 8, 1), Size(16, 2, 1, weight_bits=3)]),
)
def test_dense_decoder(size: Size, where: Where) -> None:
    seen = hold(DENSE, size, where)
    if where.backend == "shared":
        late = {CoreError.TRUNCATED_TILE} if size.rows > 1 else set()  # one row has no word before its last
        assert seen["error_o"] == {CoreError.NONE, CoreError.OVERLONG_TILE} | late


def test_it_stands_where_m_is_one() -> None:
    for group, kind in ((1, DenseDecoder), (4, WeightDecoder)):
        decoder = weight_decoder(Size(2, 2, group).hw)
        assert isinstance(decoder, kind)
        Fragment.get(decoder, None)


def test_wants_hardware() -> None:
    refuses(DenseDecoder)
