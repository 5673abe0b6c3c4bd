"""Mappings: each order names all three loops, blocks always inside their region."""

from __future__ import annotations

import pytest

from skipbeat_mapper.placing.node_mapping import PLAIN, NodeMapping, Order


@pytest.mark.parametrize("order", Order)
def test_an_order_names_every_loop_once(order: Order) -> None:
    loops = order.split(", ")
    assert sorted(loops) == ["block", "column tile", "region"]
    assert loops.index("region") < loops.index("block")


def test_a_plain_mapping_fills_what_there_is_and_leaves_room_for_the_next_region() -> None:
    assert (PLAIN.order, PLAIN.pixels, PLAIN.share) == (Order.WEIGHTS, None, 2)
    assert NodeMapping() == PLAIN
