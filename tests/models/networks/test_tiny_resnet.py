"""The tiny ResNet's structure and initialisation."""

from __future__ import annotations

import torch
from torch import nn

from skipbeat_models.digits_data import INPUT_SHAPE
from skipbeat_models.networks import tiny_resnet
from skipbeat_models.pruners.layers import groupings, prunable_layers


def test_it_has_what_it_is_there_to_show() -> None:
    model = tiny_resnet.build_network().eval()
    convolutions = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    shapes = {name: (m.kernel_size, m.stride, m.groups) for name, m in convolutions.items()}
    assert shapes["block2.conv1"] == ((3, 3), (2, 2), 1)
    assert shapes["block2.shortcut.conv"] == ((1, 1), (2, 2), 1)
    assert shapes["block3.depthwise"] == ((3, 3), (1, 1), 32)
    assert shapes["block3.pointwise"] == ((1, 1), (1, 1), 1)
    assert "block1.shortcut.conv" not in shapes
    assert set(prunable_layers(model)) - set(groupings(model, "2:4")) == {"conv", "block3.depthwise"}
    assert sum(parameter.numel() for parameter in model.parameters()) == 21_146
    assert model(torch.zeros(2, *INPUT_SHAPE)).shape == (2, 10)


def test_the_shortcuts_count() -> None:
    model = tiny_resnet.build_network().eval()
    x = torch.rand(2, *INPUT_SHAPE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        stem = model[:3](x)
        for block in (model.block1, model.block3):
            inner = stem if block is model.block1 else model[:5](x)
            assert isinstance(block, tiny_resnet.BasicBlock | tiny_resnet.SeparableBlock)
            nn.init.zeros_(block.bn2.weight)
            assert torch.equal(block(inner), inner), "a block that adds nothing hands its input on"


def test_the_seed_makes_the_weights_and_leaves_the_global_state_alone() -> None:
    state = torch.get_rng_state()
    first, same, other = (tiny_resnet.build_network(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["conv.weight"], other["conv.weight"])
