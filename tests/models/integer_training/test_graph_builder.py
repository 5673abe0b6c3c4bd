"""Networks that train in integers: what becomes of torch's modules, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.pattern import Pattern
from skipbeat_models import zoo
from skipbeat_models.integer_training.graph_builder import GraphBuilder
from skipbeat_models.integer_training.scaled import nearest
from skipbeat_models.integer_training.trained_layer import SeedSource
from skipbeat_models.integer_training.training_graph import TrainingGraph
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_products import ExactProducts, TensorDraws
from skipbeat_models.integer_training.vectors import Vectors
from skipbeat_models.scheme import Scheme

VECTORS = Vectors(group=8, width=16, lanes=8)
EXACT = ExactProducts(TensorDraws(VECTORS))


def patterns(forward: str = "2:8", backward: str = "2:8", update: str = "1:2") -> TrainingPatterns:
    return TrainingPatterns(
        forward=Scheme.parse(forward), backward=Scheme.parse(backward), update=Pattern.parse(update)
    )


def built(module: nn.Module, given: TrainingPatterns, shape: tuple[int, ...] = (1, 8, 8)) -> TrainingGraph:
    return GraphBuilder("net", module, shape, given, VECTORS, SeedSource(0), EXACT).build()


def test_the_digits_cnn() -> None:
    graph = built(zoo.find("zoo:digits-cnn").build(), patterns())
    assert [layer.name for layer in graph.layers] == ["conv1", "conv2", "conv3", "fc"]
    assert [str(layer.matrix.patterns.forward) for layer in graph.layers] == ["dense", "2:8", "2:8", "dense"]
    assert [layer.clamps for layer in graph.layers] == [True, True, True, False]
    assert [layer.raw for layer in graph.layers] == [False, False, False, True]
    assert [layer.first for layer in graph.layers] == [True, False, False, False]
    assert [layer.masked_by is not None for layer in graph.layers] == [False, True, True, True]
    halves = Pool(kernel=(2, 2), stride=(2, 2))
    assert [layer.pool for layer in graph.layers] == [None, halves, halves, None]
    assert not any(layer.compared for layer in graph.layers)
    assert graph.layers[-1].matrix.weight.values.shape == (10, 64, 2, 2), "a kernel over the map"
    assert graph.host_operators == {"max_pool2d": 2, "cross_entropy": 1}


@pytest.mark.parametrize(
    ("pool", "taken"),
    [
        (nn.MaxPool2d((2, 1), 2), True),
        (nn.MaxPool2d(3, 2), False),
        (nn.MaxPool2d(2, padding=1), False),
        (nn.MaxPool2d(2, dilation=2), False),
        (nn.MaxPool2d(2, ceil_mode=True), False),
        (nn.MaxPool2d(6), False),
    ],
    ids=str,
)
def test_a_layer_takes_poolings_that_a_store_can_do(pool: nn.MaxPool2d, taken: bool) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(1, 4, 3, padding=1)
    model = nn.Sequential(convolution, pool, nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
    model(torch.zeros(1, 1, 8, 8))
    graph = built(model, patterns("dense", "dense", "dense"))
    first, last = graph.layers
    assert (first.pool is not None, first.clamps, first.compared, last.masked_by is not None) == (
        taken,
        taken,
        not taken,
        taken,
    )
    assert graph.host_operators["max_pool2d"] == 1
    x = torch.rand(64, 1, 8, 8)
    given = torch.randn(64, 10)
    graph.logits(nearest(x.double().numpy()), training=True)
    graph.backpropagate(given.double().numpy())
    torch.autograd.backward(model(x), given)
    found, wanted = first.matrix.gradient(first.x, first.gradient).ravel(), convolution.weight.grad
    assert wanted is not None
    real = wanted.double().numpy().ravel()
    assert found @ real > 0.97 * np.linalg.norm(found) * np.linalg.norm(real)


@pytest.mark.parametrize("noted", [False, True])
def test_what_a_layer_hands_on_is_zero_where_the_clamp_before_it_let_nothing_pass(noted: bool) -> None:
    """By the sums' sign where the host rounds, also of those that became 0; else by the bytes, which tell the same."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    given = "net", model, (1, 8, 8), patterns("dense", "dense", "dense"), VECTORS, SeedSource(0), EXACT
    graph = GraphBuilder(*given, noted=noted).build()
    first, last = graph.layers
    x = np.random.default_rng(0).normal(size=(8, 1, 8, 8))
    graph.logits(nearest(x), training=True)
    np.testing.assert_array_equal(first.open, first.matrix.forward(first.x).values > 0)
    small = first.open & (last.x.mantissas == 0)
    assert small.any() == (not noted)
    graph.backpropagate(np.random.default_rng(1).normal(size=(8, 10)))
    handed = first.gradient.mantissas
    assert not handed[~first.open].any()
    assert handed[first.open].any()
    assert noted or handed[small].any()


def test_the_tiny_resnet() -> None:
    graph = built(zoo.find("zoo:tiny-resnet").build(), patterns())
    names = {layer.name: layer for layer in graph.layers}
    assert str(names["block3.depthwise"].matrix.patterns.backward) == "dense"
    assert all(layer.raw and not layer.clamps for layer in graph.layers), "a batch norm of the host is behind each"
    assert graph.host_operators == {"batch_norm": 8, "relu": 7, "add": 3, "adaptive_avg_pool2d": 1, "cross_entropy": 1}


def test_the_integers_compute_the_module() -> None:
    """Dense and without training, logits are those of the float network, but for the rounding of bytes."""
    for name in ("digits-cnn", "tiny-resnet"):
        model = zoo.find(f"zoo:{name}").build()
        graph = built(model, patterns("dense", "dense", "dense"))
        x = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(1))
        found = graph.logits(nearest(x.double().numpy()), training=True)
        with torch.no_grad():
            wanted = model.train()(x).numpy()
        assert float(np.abs(found - wanted).max()) < 0.05 * float(np.abs(wanted).max())


def test_a_value_with_two_readers_gets_the_sum_of_their_gradients() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.left, self.right = nn.Conv2d(1, 8, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
            self.relu, self.fc, self.flatten = nn.ReLU(), nn.Linear(8, 4), nn.Flatten()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.relu(self.stem(x))
            result: torch.Tensor = self.fc(self.flatten(self.left(y) + self.right(y)))
            return result

    graph = built(Fork(), patterns("dense", "dense", "dense"), (1, 1, 1))
    graph.logits(nearest(np.full((4, 1, 1, 1), 0.5)), training=True)
    graph.backpropagate(np.arange(16.0).reshape(4, 4) / 100)
    stem, left, right = graph.layers[:3]
    assert left.masked_by is None
    shape = left.x.mantissas.shape
    total = np.zeros(shape)
    for each in (left, right):
        matrix, dy = each.matrix, each.gradient
        sums = EXACT.input_sums(dy.mantissas, matrix.back.kept, matrix.geometry, shape)
        total += np.ldexp(sums, matrix.backward_unit(dy))
    expected, unit = np.where(stem.open, total, 0), 2.0**stem.gradient.exponent
    assert np.abs(expected).max() > 20 * unit
    assert np.abs(stem.gradient.real() - expected).max() <= 3 * unit, "three roundings"


class Doubled(nn.Module):
    """A module whose code is not an operator that can be trained."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 10)),
            "model net: GELU has no backward pass here; expected Conv2d, Linear, ReLU",
        ),
        (lambda: nn.Sequential(nn.Flatten(), Doubled(), nn.Linear(64, 10)), "mul has no backward pass here"),
        (lambda: nn.Sequential(nn.Linear(5, 10)), "model net: cannot read images of 1x1x8x8: RuntimeError: "),
        (lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)), "expected a network that ends in"),
        (lambda: nn.Sequential(nn.Conv2d(1, 8, 3, padding_mode="reflect", padding=1)), "padding by a number of zeros"),
    ],
)
def test_what_cannot_be_trained(
    capsys: pytest.CaptureFixture[str], module: Callable[[], nn.Module], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        built(module(), patterns())
    assert capsys.readouterr() == ("", ""), "torch prints tracebacks of its own"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("unstructured:0.5", "2:8", "dense"), "forward unstructured:0.5: expected dense or N:M"),
        (("2:8", "block:0.5", "dense"), "backward block:0.5: expected dense or N:M"),
        (("2:8", "2:8", "2:4"), "update 2:4: expected dense or 1:Q"),
        (("2:8", "2:8", "1:3"), "update 1:3: expected dense or 1:q"),
    ],
)
def test_patterns_that_are_none_of_training(given: tuple[str, str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        patterns(*given)


def test_patterns_that_the_hardware_does_not_choose() -> None:
    with pytest.raises(InputError, match=r"forward 2:8: the hardware's groups have 4; expected N:4"):
        patterns().check_group(4)
    with pytest.raises(InputError, match=r"update 1:8: expected 1:q with q of up to 4"):
        patterns("2:4", "2:4", "1:8").check_group(4)
    patterns().check_group(8)
