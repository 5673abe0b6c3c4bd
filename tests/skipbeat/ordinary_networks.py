"""Small networks with the forms that ordinary ones have: functions that return a model and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import nn
from torch.nn.utils import prune

Built = tuple[nn.Module, Any]
#: By their names.
NETWORKS: dict[str, Callable[[], Built]] = {}


class Parts(nn.Module):
    """Modules by name, and a forward function that is given them all."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self, *inputs)


def network(build: Callable[[], Built]) -> Callable[[], Built]:
    """Collects a network; its numbers are drawn anew, those of batch normalisations too."""

    @wraps(build)
    def seeded() -> Built:
        torch.manual_seed(0)
        model, inputs = build()
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                for values in norm.state_dict(keep_vars=True).values():
                    if values.is_floating_point():
                        nn.init.uniform_(values, 0.5, 1.5)
        return model.eval(), inputs

    NETWORKS[build.__name__] = seeded
    return seeded


def images(channels: int = 3, size: int = 8, count: int = 1) -> torch.Tensor:
    return torch.randn(count, channels, size, size)


def conv(c_in: int, c_out: int, kernel: int = 3, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, **{"padding": kernel // 2} | options)


def block(c_in: int, c_out: int, kernel: int = 3, act: Callable[[], nn.Module] = nn.ReLU, **options: Any) -> nn.Module:
    return nn.Sequential(conv(c_in, c_out, kernel, bias=False, **options), nn.BatchNorm2d(c_out), act())


def headed(body: Callable[[Any], Any], features: int = 8) -> Parts:
    """ReLU of a convolution, what `body` makes of it, and a linear layer."""
    return Parts(lambda m, x: m.head(body(nn.functional.relu(m.conv(x)))), conv=conv(3, 8), head=nn.Linear(features, 4))


@network
def lenet() -> Built:
    first, second = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
    features = [first, nn.Tanh(), nn.AvgPool2d(2), second, nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*features, nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 10)), images(1, 12)


@network
def digits_by_functions() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(nn.functional.relu(m.conv2(nn.functional.relu(m.conv1(x)))), 2)
        x = m.drop(x).view(-1, 128)
        return nn.functional.log_softmax(m.fc2(nn.functional.relu(m.fc1(x))), dim=1)

    parts = {"conv1": nn.Conv2d(1, 8, 3), "conv2": nn.Conv2d(8, 8, 3), "drop": nn.Dropout(0.5)}
    return Parts(forward, **parts, fc1=nn.Linear(128, 16), fc2=nn.Linear(16, 10)), images(1, 12)


@network
def perceptron() -> Built:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), images(1)


@network
def perceptron_of_rows() -> Built:
    body = [nn.Linear(20, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Linear(32, 8), nn.Sigmoid(), nn.Linear(8, 1)]
    return nn.Sequential(*body, nn.Sigmoid()), torch.randn(4, 20)


@network
def vgg() -> Built:
    body = [block(3, 8), nn.MaxPool2d(2), block(8, 16), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d((2, 2))]
    return nn.Sequential(
        *body, nn.Flatten(), nn.Linear(64, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 4)
    ), images()


@network
def adaptive_average() -> Built:
    return headed(lambda x: nn.functional.adaptive_avg_pool2d(x, (2, 4)).flatten(1), 64), images()


@network
def global_maximum() -> Built:
    return headed(lambda x: nn.functional.adaptive_max_pool2d(x, 1).flatten(1)), images()


@network
def largest_of_pixels() -> Built:
    return headed(lambda x: x.amax((2, 3))), images()


@network
def mean_of_means() -> Built:
    return headed(lambda x: x.mean(-1).mean(-1)), images()


@network
def mean_of_a_view() -> Built:
    return headed(lambda x: x.view(x.size(0), x.size(1), -1).mean(2)), images()


@network
def mean_kept() -> Built:
    return headed(lambda x: x.mean((-2, -1), keepdim=True).squeeze(-1).squeeze(-1)), images()


@network
def average_of_the_size() -> Built:
    return headed(lambda x: nn.functional.avg_pool2d(x, x.shape[2:]).reshape(x.shape[0], -1)), images()


class Residual(nn.Module):
    """A block of ResNet."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv(c_in, c_out, stride=stride, bias=False), nn.BatchNorm2d(c_out)
        self.conv2, self.norm2 = conv(c_out, c_out, bias=False), nn.BatchNorm2d(c_out)
        same = stride == 1 and c_in == c_out
        self.down = nn.Identity() if same else block(c_in, c_out, 1, nn.Identity, stride=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(nn.functional.relu(self.norm1(self.conv1(x)))))
        y += self.down(x)
        return nn.functional.relu(y)


@network
def resnet() -> Built:
    stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    body = [Residual(8, 8), Residual(8, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*stem, *body, nn.Linear(16, 4)), images(size=16)


class PreActivated(nn.Module):
    """A block of the ResNet of He et al., "Identity mappings in deep residual networks", ECCV 2016."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c_in), conv(c_in, c_out, stride=stride, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(c_out), conv(c_out, c_out, bias=False)
        self.down = nn.Identity() if c_in == c_out else conv(c_in, c_out, 1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.relu(self.norm1(x))
        shortcut = x if isinstance(self.down, nn.Identity) else self.down(y)
        result: torch.Tensor = self.conv2(nn.functional.relu(self.norm2(self.conv1(y)))) + shortcut
        return result


@network
def preactivated_resnet() -> Built:
    body = [conv(3, 8), PreActivated(8, 8), PreActivated(8, 16, 2), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4)), images()


class Inverted(nn.Module):
    """An inverted bottleneck, perhaps with a squeeze-and-excitation."""

    def __init__(self, channels: int, act: Callable[[], nn.Module], *, gated: bool = False) -> None:
        super().__init__()
        wide = 2 * channels
        self.expand, self.depth = block(channels, wide, 1, act), block(wide, wide, 3, act, groups=wide)
        gate = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 4, 1), nn.ReLU(), nn.Conv2d(4, wide, 1), nn.Hardsigmoid()]
        self.gate = nn.Sequential(*gate) if gated else None
        self.project = block(wide, channels, 1, nn.Identity)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depth(self.expand(x))
        y = y if self.gate is None else y * self.gate(y)
        result: torch.Tensor = x + self.project(y)
        return result


def mobile(act: Callable[[], nn.Module], *, gated: bool = False) -> Built:
    body = [block(3, 8, 3, act, stride=2), Inverted(8, act, gated=gated), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*body, nn.Dropout(0.2), nn.Linear(8, 4)), images()


@network
def mobilenet_v1() -> Built:
    depth = nn.Sequential(block(8, 8, 3, nn.ReLU6, groups=8), block(8, 16, 1, nn.ReLU6))
    return nn.Sequential(block(3, 8, 3, nn.ReLU6), depth, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(16, 4)), images()


@network
def mobilenet_v2() -> Built:
    return mobile(nn.ReLU6)


@network
def mobilenet_v3() -> Built:
    return mobile(nn.Hardswish, gated=True)


@network
def efficientnet() -> Built:
    return mobile(nn.SiLU, gated=True)


@network
def same_padding() -> Built:
    body = [nn.Conv2d(3, 8, 5, padding="same"), nn.ReLU(), nn.Conv2d(8, 8, 3, padding="same"), nn.ReLU()]
    return nn.Sequential(*body, nn.Conv2d(8, 4, 3, padding="valid")), images()


@network
def final_relu() -> Built:
    return nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 4), nn.ReLU()), images()


@network
def final_softmax() -> Built:
    body = [conv(3, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4), nn.Softmax(dim=1)]
    return nn.Sequential(*body), images()


@network
def clamps() -> Built:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = m.third(torch.clamp(m.second(nn.functional.hardtanh(m.first(x))), -1, 2))
        return result

    return Parts(forward, first=conv(3, 8), second=conv(8, 8), third=conv(8, 4)), images()


@network
def other_activations() -> Built:
    body = [conv(3, 8), nn.LeakyReLU(0.1), conv(8, 8), nn.PReLU(8), conv(8, 8), nn.Mish(), conv(8, 8), nn.GELU()]
    return nn.Sequential(*body, conv(8, 8), nn.ELU(), conv(8, 4)), images()


@network
def masked() -> Built:
    model = nn.Sequential(conv(3, 16), nn.ReLU(), conv(16, 4), nn.Flatten(), nn.Linear(256, 4))
    untyped: Any = prune
    for layer in (model[0], model[2], model[4]):
        untyped.l1_unstructured(layer, "weight", 0.5)
    return model, images()


@network
def bfloat16() -> Built:
    return nn.Sequential(conv(3, 8), nn.ReLU(), nn.BatchNorm2d(8), conv(8, 4)).bfloat16(), images().bfloat16()


@network
def half_precision() -> Built:
    return nn.Sequential(block(3, 8), conv(8, 4), nn.Flatten(), nn.Linear(256, 4)).half(), images().half()


@network
def sequence_convolution() -> Built:
    body = [nn.Conv1d(4, 8, 5, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 4)), torch.randn(2, 4, 16)


@network
def normalised_images() -> Built:
    return nn.Sequential(nn.BatchNorm2d(3), conv(3, 8), nn.ReLU(), nn.BatchNorm2d(8), conv(8, 4)), images()


@network
def autoencoder() -> Built:
    down = [conv(3, 8, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 4, 2, 1), nn.ReLU()]
    up = [nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 3, 2, 1, output_padding=1)]
    return nn.Sequential(*down, *up, nn.Sigmoid()), images()


@network
def even_kernels() -> Built:
    return nn.Sequential(nn.Conv2d(3, 8, 4, padding="same"), nn.ReLU(), nn.Conv2d(8, 4, 2, padding="same")), images()
