"""More ordinary small networks: those whose branches come together, and those of attention."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.skipbeat.ordinary_networks import NETWORKS, Built, Parts, block, conv, images, network

#: With those of the other file.
__all__ = ["NETWORKS"]


def joined(*parts: torch.Tensor) -> torch.Tensor:
    return torch.cat(parts, 1)


@network
def squeezenet() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        squeezed = m.squeeze(m.stem(x))
        result: torch.Tensor = m.classifier(joined(m.one(squeezed), m.three(squeezed))).mean((2, 3))
        return result

    fire = {"squeeze": block(8, 4, 1), "one": block(4, 8, 1), "three": block(4, 8)}
    return Parts(forward, stem=block(3, 8, stride=2), **fire, classifier=nn.Conv2d(16, 5, 1)), images()


@network
def inception() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        pooled = m.third(nn.functional.max_pool2d(x, 3, 1, 1))
        result: torch.Tensor = m.head(joined(m.first(x), m.second(x), pooled).mean((2, 3)))
        return result

    branches = {"first": block(8, 6, 1), "second": block(8, 9, 5), "third": block(8, 4, 1)}
    return Parts(forward, stem=block(3, 8), **branches, head=nn.Linear(19, 4)), images()


class Dense(nn.Module):
    """A layer of DenseNet: what it makes is put beside what it is given."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), conv(channels, growth, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return joined(x, self.conv(nn.functional.relu(self.norm(x))))


@network
def densenet() -> Built:
    first = [conv(3, 8), Dense(8, 4), Dense(12, 4), nn.BatchNorm2d(16), nn.ReLU(), conv(16, 8, 1), nn.AvgPool2d(2)]
    second = [Dense(8, 6), nn.BatchNorm2d(14), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(14, 4)]
    return nn.Sequential(*first, *second), images()


@network
def densenet_by_lists() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        features = [m.stem(x)]
        for layer in m.layers:
            features.append(layer(joined(*features)))
        result: torch.Tensor = m.head(joined(*features).mean((2, 3)))
        return result

    layers = nn.ModuleList([block(5, 3), block(8, 3), block(11, 3)])
    return Parts(forward, stem=block(3, 5), layers=layers, head=nn.Linear(14, 4)), images()


@network
def ghost() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        first = m.first(x)
        result: torch.Tensor = m.last(joined(first, m.cheap(first)))
        return result

    return Parts(forward, first=block(3, 4, 1), cheap=block(4, 4, groups=4), last=conv(8, 4)), images()


@network
def pyramid_pooling() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        first = m.first(x)
        second = nn.functional.max_pool2d(first, 5, 1, 2)
        result: torch.Tensor = m.last(joined(first, second, nn.functional.max_pool2d(second, 5, 1, 2), first))
        return result

    return Parts(forward, first=block(3, 4), last=conv(16, 4, 1)), images()


def unet(up: nn.Module) -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        first = m.first(x)
        second = m.second(nn.functional.max_pool2d(first, 2))
        result: torch.Tensor = m.last(m.third(joined(m.up(second), first)))
        return result

    parts = {"first": block(3, 8), "second": block(8, 8), "up": up, "third": block(16, 8)}
    return Parts(forward, **parts, last=nn.Conv2d(8, 2, 1)), images()


@network
def unet_transposed() -> Built:
    return unet(nn.ConvTranspose2d(8, 8, 2, 2))


@network
def unet_upsampled() -> Built:
    return unet(nn.Upsample(scale_factor=2))


@network
def unet_bilinear() -> Built:
    return unet(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))


@network
def yolo_heads() -> Built:
    def forward(m: Any, x: torch.Tensor) -> list[torch.Tensor]:
        first = m.first(x)
        second = m.second(first)
        return [m.small(joined(m.up(second), first)), m.large(second)]

    first, second = block(3, 8, act=nn.SiLU), block(8, 8, act=nn.SiLU, stride=2)
    heads = {"small": nn.Conv2d(16, 7, 1), "large": nn.Conv2d(8, 7, 1)}
    return Parts(forward, first=first, second=second, up=nn.Upsample(scale_factor=2), **heads), images()


@network
def shufflenet() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        left, right = m.stem(x).chunk(2, 1)
        y = joined(left, m.body(right)).view(-1, 2, 4, 8, 8).transpose(1, 2).flatten(1, 2)
        result: torch.Tensor = m.head(y.mean((2, 3)))
        return result

    body = nn.Sequential(block(4, 4, 1), block(4, 4, 3, nn.Identity, groups=4), block(4, 4, 1))
    return Parts(forward, stem=block(3, 8), body=body, head=nn.Linear(8, 4)), images()


@network
def repvgg() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        result: torch.Tensor = m.last(torch.relu(m.three(x) + m.one(x) + m.same(x)))
        return result

    branches = {"three": block(8, 8, 3, nn.Identity), "one": block(8, 8, 1, nn.Identity), "same": nn.BatchNorm2d(8)}
    return Parts(forward, stem=block(3, 8), **branches, last=conv(8, 4)), images()


@network
def text_convolutions() -> Built:
    def forward(m: Any, tokens: torch.Tensor) -> torch.Tensor:
        x = m.embed(tokens).transpose(1, 2)
        found = [torch.relu(each(x)).max(-1)[0] for each in m.convolutions]
        result: torch.Tensor = m.head(joined(*found))
        return result

    convolutions = nn.ModuleList([nn.Conv1d(8, 4, kernel) for kernel in (2, 3, 4)])
    parts = {"embed": nn.Embedding(20, 8), "convolutions": convolutions, "head": nn.Linear(12, 3)}
    return Parts(forward, **parts), torch.arange(20).reshape(2, 10)


@network
def two_inputs() -> Built:
    def forward(m: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = m.head(joined(m.first(x).flatten(1), torch.relu(m.second(y))))
        return result

    return Parts(forward, first=block(3, 4), second=nn.Linear(5, 8), head=nn.Linear(264, 3)), (
        images(),
        torch.randn(1, 5),
    )


@network
def convnext() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        y = m.norm(m.depth(x).permute(0, 2, 3, 1))
        y = m.narrow(nn.functional.gelu(m.wide(y))).permute(0, 3, 1, 2)
        result: torch.Tensor = m.head((x + y).mean((-2, -1)))
        return result

    parts = {
        "depth": conv(8, 8, 7, groups=8),
        "norm": nn.LayerNorm(8),
        "wide": nn.Linear(8, 16),
        "narrow": nn.Linear(16, 8),
    }
    return Parts(forward, stem=nn.Conv2d(3, 8, 2, 2), **parts, head=nn.Linear(8, 4)), images()


@network
def transformer_layer() -> Built:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return Parts(lambda m, x: m.head(m.layer(x).mean(1)), layer=layer, head=nn.Linear(16, 3)), torch.randn(1, 6, 16)


@network
def video() -> Built:
    layers = (nn.Conv3d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 8, 3, stride=2, padding=1, groups=2), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 4)), torch.randn(1, 2, 4, 6, 6)


@network
def gated_steps() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros(x.shape[1], 8)
        for step in x:
            state = m.cell(step, state)
        result: torch.Tensor = m.head(state)
        return result

    return Parts(forward, cell=nn.GRUCell(4, 8), head=nn.Linear(8, 3)), torch.randn(3, 2, 4)


@network
def activations() -> Built:
    kinds = (nn.SiLU(), nn.Hardswish(), nn.GELU(), nn.Sigmoid(), nn.Tanh())
    layers = [layer for kind in kinds for layer in (nn.Conv2d(4, 4, 3, padding=1), kind)]
    return nn.Sequential(nn.Conv2d(3, 4, 1), *layers, nn.Flatten(), nn.Linear(256, 3)), torch.randn(1, 3, 8, 8)
