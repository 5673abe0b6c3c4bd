"""The architectures of the zoo: their shapes, their residuals, and their seeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from skipbeat_models.networks import mobilenet_v2, resnet9, resnet50, vgg, vision_transformer

Build = Callable[[int], nn.Module]


def outputs(model: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of what each module gives, on the meta device."""
    found: dict[str, tuple[int, ...]] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
        return lambda _, __, result: found.update({name: tuple(result.shape[1:])})

    for name, module in model.named_modules():
        module.register_forward_hook(keep(name))
    model.eval()(torch.zeros(1, *shape, device="meta"))
    return found


def test_resnet50_has_the_papers_maps() -> None:
    with torch.device("meta"):
        model = resnet50.build_network()
    shapes = outputs(model, (3, 224, 224))
    stages = [shapes[f"layer{number}"] for number in (1, 2, 3, 4)]
    assert stages == [(256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7)]
    assert shapes["layer2.0.conv1"] == (128, 56, 56), "the stride is the 3x3 convolution's"
    assert sum(isinstance(module, nn.Conv2d) for module in model.modules()) == 1 + 3 * 16 + 4
    assert shapes[""] == (1000,)


def test_vgg_has_16_or_19_layers() -> None:
    for depth in (16, 19):
        with torch.device("meta"):
            model = vgg.build_network(depth=depth)
        assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()) == depth
        assert outputs(model, (3, 224, 224))["features"] == (512, 7, 7)


def test_mobilenet_v2_has_the_papers_maps() -> None:
    with torch.device("meta"):
        model = mobilenet_v2.build_network()
    shapes = outputs(model, (3, 224, 224))
    sizes = [shapes[f"stage{number}"] for number in range(1, 8)]
    assert sizes == [(16, 112, 112), (24, 56, 56), (32, 28, 28), (64, 14, 14), (96, 14, 14), (160, 7, 7), (320, 7, 7)]
    depthwise = [module for module in model.modules() if isinstance(module, nn.Conv2d) and module.groups > 1]
    assert len(depthwise) == 17
    assert all(module.groups == module.in_channels == module.out_channels for module in depthwise)


def test_blocks_that_add_nothing_hand_their_input_on() -> None:
    x = torch.rand(2, 32, 6, 6, generator=torch.Generator().manual_seed(1))
    bottleneck = resnet50.Bottleneck(32, 8).eval()
    nn.init.zeros_(bottleneck.bn3.weight)
    inverted = mobilenet_v2.InvertedResidual(32, 32, 1, 6).eval()
    nn.init.zeros_(inverted.bn.weight)
    residual = resnet9.Residual(32).eval()
    for parameter in residual.conv2.parameters():
        nn.init.zeros_(parameter)
    transformer = vision_transformer.Block(32, 4)
    for layer in (transformer.attention.proj, transformer.fc2):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        for block in (bottleneck, inverted, residual):
            assert torch.equal(block(x), x)
        tokens = x.flatten(2).transpose(1, 2)
        assert torch.equal(transformer(tokens), tokens)


def test_attention_is_the_softmax_of_products() -> None:
    attention = vision_transformer.Attention(8, 2).double()
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    query, key, value = (part.reshape(3, 5, 2, 4) for part in attention.qkv(x).split(8, dim=2))
    weights = torch.einsum("nqhd,nkhd->nhqk", query, key).div(2).softmax(dim=3)
    mixed = torch.einsum("nhqk,nkhd->nqhd", weights, value).reshape(3, 5, 8)
    torch.testing.assert_close(attention(x), attention.proj(mixed))


def test_the_class_token_is_read() -> None:
    model = vision_transformer.build_network(0, width=32, heads=4).eval()
    with torch.no_grad():
        before = model(torch.zeros(1, 3, 224, 224))
        model.class_token.copy_(torch.linspace(-1, 1, 32).expand(1, 1, 32))
        assert before.shape == (1, 1000)
        assert not torch.equal(model(torch.zeros(1, 3, 224, 224)), before)


@pytest.mark.parametrize("build", [resnet9.build_network, mobilenet_v2.build_network])
def test_the_seed_makes_the_weights_and_leaves_the_global_state_alone(build: Build) -> None:
    state = torch.get_rng_state()
    first, same, other = (build(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])
