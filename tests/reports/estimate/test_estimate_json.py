from __future__ import annotations

import json
from dataclasses import replace

import pytest

from skipbeat_arch.estimate import Estimate
from skipbeat_reports.estimate import figures, to_json
from tests.reports.estimate.estimates import make_estimate, make_layer

LAYER_KEYS = {
    "name",
    "kind",
    "shape",
    "pattern",
    "density",
    "macs",
    "macs_dense",
    "cycles",
    "cycles_dense",
    "speedup",
    "speedup_limit",
    "utilization",
    "bound",
    "dram_bytes",
    "weight_bits",
    "energy_pj",
}
TOTAL_KEYS = {
    "cycles",
    "cycles_dense",
    "speedup",
    "speedup_limit",
    "utilization",
    "latency_ms",
    "throughput_per_s",
    "energy_uj",
}


def test_the_promised_keys_are_there(small: Estimate) -> None:
    data = to_json(small)
    assert {"model", "hardware", "layers", "host_ops", "total"} <= set(data)
    assert len(data["layers"]) == len(small.layers)
    for layer in data["layers"]:
        assert set(layer) >= LAYER_KEYS
        assert set(layer["weight_bits"]) == {"values", "metadata"}
    assert set(data["total"]) >= TOTAL_KEYS


def test_it_is_plain_json(small: Estimate, hostile: Estimate) -> None:
    for estimate in (small, hostile, make_estimate(())):
        data = to_json(estimate)
        assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_the_three_totals_and_the_host(small: Estimate) -> None:
    node = small.layers[2]
    pool = replace(node, name="maxpool", kind="max pooling", layer=False, macs=0, macs_dense=0)
    pool = replace(pool, cycles_dense=node.cost.cycles)
    estimate = replace(small, layers=(*small.layers, pool), host=replace(small.host, elements_per_clock=4.0))
    data = to_json(estimate)
    assert data["total"]["cycles_layers"] == small.cycles
    assert data["total"]["cycles"] == small.cycles + pool.cost.cycles
    assert data["total"]["cycles_with_host"] == data["total"]["cycles"] + 662_696 // 4
    assert data["host"]["balanced_rate"] == 662_696 / estimate.cycles
    assert [row["layer"] for row in data["layers"]] == [True] * 9 + [False]
    assert data["layers"][-1]["speedup_limit"] == 1
    assert [(run["repeats"], run["kept"]) for run in data["runs"]] == [(1, False)] * 2
    assert to_json(small)["total"]["cycles_with_host"] is None


def test_numbers_of_a_layer(small: Estimate) -> None:
    layer, data = small.layers[1], to_json(small)["layers"][1]
    machine = layer.cost.machine
    assert (data["name"], data["kind"], data["pattern"]) == ("layer1.0.conv1", "conv", "2:4")
    assert (data["cycles"], data["cycles_dense"]) == (layer.cost.cycles, layer.cycles_dense)
    assert (data["macs"], data["macs_dense"], data["density"]) == (layer.macs, layer.macs_dense, 0.5)
    assert data["speedup"] == pytest.approx(layer.cycles_dense / layer.cost.cycles)
    assert data["speedup_limit"] == 2
    assert data["utilization"] == pytest.approx(layer.macs / (1024 * layer.cost.cycles))
    assert data["bound"] == "compute"
    assert data["dram_bytes"] == machine.read_bytes + machine.written_bytes
    assert data["weight_bits"] == {"values": layer.cost.value_bits, "metadata": layer.cost.metadata_bits}
    assert data["energy_pj"] == pytest.approx(sum(data["energy_by_component"].values()))
    assert sum(data["clocks"].values()) == layer.cost.cycles
    assert data["schedule"]["runner_up"] == {
        "what": "tiles in the outer loop",
        "cycles": layer.cost.cycles + 1234,
        "cycles_chosen": layer.cost.cycles,
    }
    assert data["schedule"]["bounds"]["memory"] > 0


def test_totals_are_those_of_the_layers(small: Estimate) -> None:
    data = to_json(small)
    total, layers = data["total"], data["layers"]
    for key in ("cycles", "cycles_dense", "macs", "macs_dense", "dram_bytes"):
        assert total[key] == sum(layer[key] for layer in layers)
    for key in ("values", "metadata"):
        assert total["weight_bits"][key] == sum(layer["weight_bits"][key] for layer in layers)
    assert total["energy_uj"] == pytest.approx(sum(layer["energy_pj"] for layer in layers) / 1e6)
    assert total["speedup"] == pytest.approx(total["cycles_dense"] / total["cycles"])
    assert total["speedup"] <= total["speedup_limit"] == figures.amdahl_limit(small)
    assert total["speedup_limits"]["work_skipped"] == pytest.approx(total["macs_dense"] / total["macs"])


def test_an_infinite_limit_is_null() -> None:
    data = to_json(make_estimate((make_layer("a", density=0.0),)))
    assert data["layers"][0]["speedup_limit"] is None
    assert data["total"]["speedup_limit"] is None
    assert data["total"]["speedup_limits"] == {"work_skipped": None, "amdahl": None}


def test_host_operators_references_and_the_rest(small: Estimate) -> None:
    data = to_json(small)
    first = {"name": "relu", "operator": "aten.relu", "elements": 401_408, "count": 17, "fused": True}
    assert data["host_ops"][0] == first
    assert len(data["host_ops"]) == 4
    assert [reference["cycles_dense"] is None for reference in data["references"]] == [False, False, True]
    assert data["dram"]["high_pj_per_bit"] == 47
    assert data["assumptions"] == list(small.assumptions)
    assert (data["clock_mhz"], data["clock_source"], data["pes"], data["batch"]) == (333, "assumed", 1024, 2)
