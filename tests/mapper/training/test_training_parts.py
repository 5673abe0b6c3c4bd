"""The parts of a step's layers."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import Role, Training
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_mapper.training.training_parts import PartPricer
from tests.mapper.training.made_products import model

TINY = load_hardware("tiny-4x4")
PRODUCTS = ProductPricer(TINY)


def test_a_layer_has_three_products_of_equal_work() -> None:
    pricer = PartPricer(TINY, PRODUCTS, Training.BACKPROPAGATION)
    (parts,) = pricer.parts(model(Pattern.parse("2:4")))
    assert [part.role for part in parts] == [Role.FORWARD, Role.BACKWARD, Role.UPDATE]
    assert len({part.macs_dense for part in parts}) == 1
    forward, backward, update = parts
    assert 144 < backward.stored_bytes <= forward.stored_bytes < 288  # values, and a bit for each weight
    assert update.stored_bytes == 0
    assert update.sums == 288 > 0 == forward.sums
    assert forward.output_stationary == 4 * 4 * 2 * 9 * 1 * 2


def test_forward_only_is_two_forward_passes() -> None:
    (parts,) = PartPricer(TINY, PRODUCTS, Training.FORWARD_ONLY).parts(model())
    (once, *_) = PartPricer(TINY, PRODUCTS, Training.BACKPROPAGATION).parts(model())[0]
    (twice,) = parts
    assert sum(cost.cycles for cost in twice.costs) == 2 * sum(cost.cycles for cost in once.costs)
    assert (twice.macs_dense, twice.stored_bytes) == (2 * once.macs_dense, 2 * once.stored_bytes)


def test_a_first_layer_has_no_backward_part() -> None:
    (parts,) = PartPricer(TINY, PRODUCTS, Training.BACKPROPAGATION).parts(model(backward=False))
    assert [part.role for part in parts] == [Role.FORWARD, Role.UPDATE]
