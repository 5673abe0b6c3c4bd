"""What the price of a training step says that it assumes."""

from __future__ import annotations

import pytest

from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.training_model import Training
from skipbeat_mapper.training.training_assumptions import training_assumptions
from tests.mapper.training.made_products import model

TRAIN = load_hardware("train-32x32")


@pytest.mark.parametrize(
    ("batch", "said"), [(256, ""), (200, "200 of the 256 places"), (40, "40 of the 64 places"), (300, "300 of the 320")]
)
def test_a_batch_that_does_not_fill_the_rows_is_said(batch: int, said: str) -> None:
    found = training_assumptions(model(batch=batch), TRAIN, Training.BACKPROPAGATION, Effort.NORMAL)
    padded = [each for each in found if "as padding" in each]
    assert len(padded) == bool(said)
    assert not said or said in padded[0]


def test_new_modules_are_named() -> None:
    found = " ".join(training_assumptions(model(), TRAIN, Training.BACKPROPAGATION, Effort.QUICK))
    for name in ("turn", "select", "update", "peak", "--effort quick", "three groups"):
        assert name in found
    assert "turn (" not in " ".join(training_assumptions(model(), TRAIN, Training.FORWARD_ONLY, Effort.NORMAL))


def test_it_is_said_which_masks_the_machine_applies() -> None:
    stores = load_hardware("train-32x32", ["outputs.gradients=true"])
    said = [
        any("derivative of a ReLU" in each for each in training_assumptions(model(), hw, training, Effort.NORMAL))
        for hw, training in (
            (stores, Training.BACKPROPAGATION),
            (stores, Training.FORWARD_ONLY),
            (TRAIN, Training.BACKPROPAGATION),
        )
    ]
    assert said == [True, False, False]
