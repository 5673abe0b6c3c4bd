"""`skipbeat.Pricer`: equal to the estimate where a scheme has one pattern, close where it has several, and quick."""

from __future__ import annotations

import random
import time

import pytest
import torch
from torch import nn

import skipbeat
from skipbeat_arch.errors import InputError
from skipbeat_models import zoo

PATTERNS = ["2:4", "1:4"]


@pytest.fixture(scope="module")
def network() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(1)
    layers: list[nn.Module] = [nn.Conv2d(4, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    layers += [nn.Flatten(), nn.Linear(32 * 16, 10)]
    return nn.Sequential(*layers), torch.zeros(2, 4, 8, 8)


@pytest.fixture(scope="module")
def pricer(network: tuple[nn.Module, torch.Tensor]) -> skipbeat.Pricer:
    return skipbeat.Pricer(*network, "edge-8x8", patterns=PATTERNS)


def test_a_scheme_of_one_pattern_has_the_cycles_of_its_estimate(
    network: tuple[nn.Module, torch.Tensor], pricer: skipbeat.Pricer
) -> None:
    for pattern in ("2:4", "unstructured:0.3"):
        found = skipbeat.estimate(*network, "edge-8x8", prune=pattern)
        price = pricer.price(pattern)
        assert (price.cycles, price.latency_ms) == (found.cycles, found.latency_ms)
        assert price.energy_uj == pytest.approx(found.energy_uj)


def test_a_scheme_of_several_comes_close(pricer: skipbeat.Pricer) -> None:
    for patterns in (("dense", "1:4", "2:4", "1:4"), ("1:4", "2:4", "dense", "2:4")):
        scheme = dict(zip(pricer.layers, patterns, strict=True))
        assert pricer.price(scheme).cycles == pytest.approx(pricer.exact(scheme).cycles, rel=0.05)
    text = skipbeat.Scheme(skipbeat.Pattern.parse("2:4"), (("8", skipbeat.Pattern.parse("1:4")),))
    assert pricer.price(text).cycles == pytest.approx(pricer.exact(text).cycles, rel=0.05)


def test_what_is_kept_is_what_pruning_keeps(network: tuple[nn.Module, torch.Tensor], pricer: skipbeat.Pricer) -> None:
    pruned = skipbeat.prune(network[0], "2:4", example_inputs=network[1])
    whole, left = (
        sum(float(m.weight.detach().abs().sum()) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        for model in (network[0], pruned)
    )
    assert pricer.kept("2:4") == pytest.approx(left / whole, rel=1e-5)
    assert pricer.kept({}) == 1
    assert pricer.kept("1:4") < pricer.kept({"8": "1:4"}) < 1


def test_a_table_has_every_layer_and_pattern(pricer: skipbeat.Pricer) -> None:
    table = pricer.table(["dense", *PATTERNS])
    assert list(table) == list(pricer.layers) == ["0", "3", "5", "8"]
    assert all(row["1:4"] <= row["2:4"] <= row["dense"] for row in table.values())


def test_what_is_no_scheme_is_refused(pricer: skipbeat.Pricer) -> None:
    with pytest.raises(InputError, match="no layer 4"):
        pricer.price({"4": "2:4"})
    with pytest.raises(InputError, match="pattern"):
        pricer.price({"3": "often"})


@pytest.mark.slow
def test_two_hundred_schemes_of_resnet_50_take_less_than_a_second() -> None:
    model, inputs, _ = zoo.find("zoo:resnet-50").source(0, None)
    pricer = skipbeat.Pricer(model, inputs, "edge-16x16", patterns=PATTERNS)
    chosen = random.Random(0)
    pricer.price(dict.fromkeys(pricer.layers, "2:4"))
    pricer.price(dict.fromkeys(pricer.layers, "1:4"))
    schemes = [{name: chosen.choice(["dense", *PATTERNS]) for name in pricer.layers} for _ in range(200)]
    begin = time.process_time()
    prices = [pricer.price(scheme) for scheme in schemes]
    assert time.process_time() - begin < 1
    for scheme, price in zip(schemes[:2], prices, strict=False):
        assert price.cycles == pytest.approx(pricer.exact(scheme).cycles, rel=0.02)
