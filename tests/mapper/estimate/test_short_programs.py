"""Language models of the zoo: prices of programs that are cut short are those of the whole programs."""

from __future__ import annotations

import pytest

from skipbeat_arch.estimate import Estimate
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.estimate import estimate_model, kept_programs, run_prices
from skipbeat_mapper.estimate.kept_prices import KeptPrices, RunPrice
from skipbeat_mapper.search.known_programs import KnownPrograms
from skipbeat_mapper.search.timed_network import TimedNetwork
from skipbeat_models import zoo
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("empty_cache")]  # minutes of pricing

#: Model, tokens, hardware, and settings of it.
CASES = [
    ("zoo:llama-2-7b", 512, "large-32x32", []),
    ("zoo:llama-2-7b", 128, "large-32x32", ["memory.latency_clocks=300", "memory.outstanding=2"]),
    ("zoo:llama-2-7b-decode", 2048, "large-32x32", []),
    ("zoo:bert-base", 512, "edge-16x16-m8", []),
]


@pytest.mark.parametrize(("name", "tokens", "preset", "settings"), CASES)
def test_a_language_model_costs_the_same(
    name: str, tokens: int, preset: str, settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, inputs, kwargs = zoo.find(name).source(tokens=tokens)
    description = from_module(model, inputs, kwargs, name=name, scheme=Scheme.parse("2:4"))
    hardware, cut_short = load_hardware(preset, settings), list[bool]()
    price = run_prices._run_price

    def priced(network: TimedNetwork) -> RunPrice:
        cut_short.append(bool(network.timing.repeats))
        return price(network)

    def estimate() -> Estimate:
        cut_short.clear()
        return estimate_model(description, hardware, kept=KeptPrices())

    monkeypatch.setattr(run_prices, "_run_price", priced)
    found = estimate()
    assert any(cut_short) or name.endswith("decode")
    monkeypatch.setattr(kept_programs, "KnownPrograms", lambda most, short: KnownPrograms(most))
    monkeypatch.setattr(KeptPrices, "_read", lambda self, key: None)  # what the first estimate left
    assert estimate() == found
    assert not any(cut_short)
