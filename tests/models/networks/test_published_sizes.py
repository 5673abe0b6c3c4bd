"""Every network of the zoo has the published number of parameters and the multiply-accumulates that it states."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from skipbeat_models import digits_data, zoo

#: torchvision's and the papers' own counts, written down apart from the zoo's list.
PUBLISHED = {
    "resnet-18": 11_689_512,
    "resnet-50": 25_557_032,
    "vgg-16": 138_357_544,
    "vgg-19": 143_667_240,
    "mobilenet-v2": 3_504_872,
    "vit-b-16": 86_567_656,
    "deit-s": 22_050_664,
    "bert-base": 109_482_240,
    "gpt-2": 124_439_808,
    "llama-2-7b": 6_738_415_616,
}
#: Billions of multiply-accumulates, as papers and model cards round them.
PUBLISHED_GMACS = {
    "resnet-18": 1.8,
    "resnet-50": 4.1,
    "vgg-16": 15.5,
    "vgg-19": 19.6,
    "mobilenet-v2": 0.3,
    "vit-b-16": 17.6,
    "deit-s": 4.6,
}
NAMES = [name.removeprefix(zoo.PREFIX) for name in zoo.names()]


def on_meta(model: zoo.ZooModel) -> nn.Module:
    with torch.device("meta"):
        return model.build(0).eval()


@pytest.mark.parametrize("name", NAMES)
def test_parameters(name: str) -> None:
    model = zoo.find(f"zoo:{name}")
    assert sum(parameter.numel() for parameter in on_meta(model).parameters()) == model.parameters
    assert model.parameters == PUBLISHED.get(name.removesuffix("-decode"), model.parameters)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("llama", "gpt"))])
def test_multiply_accumulates(name: str) -> None:
    model = zoo.find(f"zoo:{name}")
    if model.shapes_only:
        network, inputs, options = model.source()
    else:
        assert model.input_shape
        network, inputs, options = on_meta(model), (torch.zeros(1, *model.input_shape, device="meta"),), {}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs, **options)
    assert counter.get_total_flops() == 2 * model.macs
    assert round(model.macs / 1e9, 1) == PUBLISHED_GMACS.get(name, round(model.macs / 1e9, 1))


@pytest.mark.parametrize(
    ("name", "layers", "width", "weights"),
    [
        ("gpt-2", 12, 768, 12 * 12 * 768**2 + 50_257 * 768),
        ("llama-2-7b", 32, 4096, 32 * (4 * 4096**2 + 3 * 4096 * 11_008) + 32_000 * 4096),
    ],
)
def test_multiply_accumulates_of_language_models(name: str, layers: int, width: int, weights: int) -> None:
    prefill, decode = zoo.find(f"zoo:{name}"), zoo.find(f"zoo:{name}-decode")
    assert prefill.macs == prefill.tokens * weights + layers * 2 * prefill.tokens**2 * width
    assert decode.macs == weights + layers * 2 * decode.tokens * width


def test_digits_networks_read_the_digits() -> None:
    shapes = {model.input_shape for model in map(zoo.find, zoo.names()) if model.recipe}
    assert shapes == {digits_data.INPUT_SHAPE}
