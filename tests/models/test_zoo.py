"""The registry of models."""

from __future__ import annotations

import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_models import zoo


def test_every_model_builds_and_runs() -> None:
    assert zoo.names() == ["zoo:digits-cnn", "zoo:resnet-18", "zoo:tiny-resnet"]
    for name in zoo.names():
        model = zoo.find(name)
        assert model.build(3)(torch.zeros(2, *model.input_shape)).shape[0] == 2


@pytest.mark.parametrize("name", ["zoo:lenet", "digits-cnn", "zoo:", "", "zoo:zoo:digits-cnn"])
def test_unknown_names_list_the_known(name: str) -> None:
    with pytest.raises(InputError, match=f"^model {name}: .*zoo:digits-cnn, zoo:resnet-18, zoo:tiny-resnet$"):
        zoo.find(name)
