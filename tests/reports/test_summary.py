from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.timing import Clocks, Events
from skipbeat_reports.layer import LayerSummary, WeightBits
from skipbeat_reports.summary import Accuracy, HardwareSummary, Summary
from tests.reports.summaries import make_layer, make_rtl, make_summary

NUMBER = st.integers(0, 10**12)
TEXT = st.text(alphabet='aé×\n\0"\\<', max_size=8)


@st.composite
def layers(draw: st.DrawFn) -> LayerSummary:
    clocks = Clocks(compute=draw(NUMBER), tile_wait=draw(NUMBER), hazard=draw(NUMBER), fill_drain=draw(NUMBER))
    return LayerSummary(
        name=draw(TEXT),
        kind="linear",
        shape=draw(TEXT),
        pattern="2:4",
        cycles=clocks.cycles,
        cycles_dense=draw(NUMBER),
        cycles_limit=draw(NUMBER),
        utilization=draw(st.floats(0, 1)),
        macs=draw(NUMBER),
        macs_dense=draw(NUMBER),
        clocks=clocks,
        events=Events(macs=draw(NUMBER), psum_hops=draw(NUMBER)),
        weight_bits=WeightBits(values=draw(NUMBER), metadata=draw(NUMBER), padding=draw(NUMBER)),
    )


@given(st.lists(layers(), max_size=4))
def test_json_round_trip(some: list[LayerSummary]) -> None:
    summary = replace(make_summary(), layers=tuple(some))
    assert Summary.from_json(json.loads(json.dumps(summary.to_json(), allow_nan=False))) == summary


def test_round_trip_without_accuracy_and_rtl() -> None:
    summary = replace(make_summary(), accuracy=None, rtl=None, seed=None)
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_json_keys_of_the_contract() -> None:
    data = make_summary().to_json()
    assert data.keys() >= {
        "accuracy",
        "pattern",
        "hardware",
        "layers",
        "cycles",
        "cycles_dense",
        "speedup",
        "rtl",
        "seed",
        "versions",
        "notes",
    }
    assert data["accuracy"].keys() >= {"dense", "pruned", "int8"}
    assert data["rtl"].keys() >= {
        "images",
        "bit_exact",
        "rtl_cycles",
        "model_cycles",
        "timing_cycles",
        "simulator",
        "clocks_per_second",
    }
    assert data["hardware"].keys() >= {"name", "rows", "cols", "group", "clock_mhz", "multipliers"}
    for layer in data["layers"]:
        assert layer.keys() >= {
            "name",
            "kind",
            "shape",
            "pattern",
            "cycles",
            "cycles_dense",
            "cycles_limit",
            "speedup",
            "utilization",
            "macs",
            "macs_dense",
            "weight_bits",
            "clocks",
            "events",
        }
        assert set(layer["weight_bits"]) == {"values", "metadata", "padding"}
        assert set(layer["clocks"]) == {"compute", "tile_wait", "hazard", "fill_drain"}


def test_totals_are_sums_over_the_layers() -> None:
    summary = make_summary()
    data = summary.to_json()
    for key in ("cycles", "cycles_dense"):
        assert data[key] == sum(layer[key] for layer in data["layers"])
    assert data["speedup"] == data["cycles_dense"] / data["cycles"]
    assert sum(asdict(summary.clocks).values()) == data["cycles"]
    assert summary.weight_bits.total == sum(layer.weight_bits.total for layer in summary.layers)
    assert summary.events.macs == summary.macs
    assert summary.utilization == pytest.approx(summary.macs / (summary.cycles * summary.hardware.multipliers))


def test_hardware_summary_takes_the_sizes_of_the_description() -> None:
    hw = load_hardware("edge-16x16-m8")
    summary = HardwareSummary.of(hw)
    assert (summary.rows, summary.cols, summary.group, summary.multipliers) == (16, 16, 8, hw.pes)
    assert summary.accumulator_depth == hw.accumulators.depth


def test_nothing_to_divide_by() -> None:
    layer = replace(make_layer("empty"), cycles=0, utilization=0.0, clocks=Clocks())
    summary = replace(make_summary(), layers=(layer,))
    assert layer.speedup is None
    assert summary.speedup is None
    assert summary.utilization == 0
    assert summary.to_json()["layers"][0]["speedup"] is None


def test_one_other_clock_or_bit_is_a_disagreement() -> None:
    rtl = make_rtl()
    assert rtl.agrees
    assert not replace(rtl, rtl_cycles=rtl.rtl_cycles + 1).agrees
    assert not replace(rtl, model_cycles=rtl.rtl_cycles + 1).agrees
    assert not replace(rtl, timing_cycles=rtl.rtl_cycles + 1).agrees
    assert not replace(rtl, bit_exact=False).agrees


def test_contradictory_layers_are_refused() -> None:
    layer = make_layer("conv")
    with pytest.raises(ValueError, match="the clocks sum to"):
        replace(layer, cycles=layer.cycles + 1)
    with pytest.raises(ValueError, match=r"utilization must be in 0\.\.1, not 1\.94"):
        replace(layer, utilization=1.94)
    with pytest.raises(ValueError, match="macs must not be negative"):
        replace(layer, macs=-1)
    with pytest.raises(ValueError, match="psum_hops must not be negative"):
        replace(layer, events=Events(psum_hops=-1))
    with pytest.raises(ValueError, match="padding must not be negative"):
        WeightBits(padding=-1)
    with pytest.raises(ValueError, match=r"int8 must be in 0\.\.1, not 98\.2"):
        Accuracy(dense=0.9, pruned=0.9, int8=98.2, test_images=450)


def _delete_cycles(data: dict[str, Any]) -> None:
    del data["layers"][1]["cycles"]


def _other_speedup(data: dict[str, Any]) -> None:
    data["layers"][2]["speedup"] = 4.0


def _unknown_key(data: dict[str, Any]) -> None:
    data["rtl"]["verdict"] = "fine"


def _wrong_agreement(data: dict[str, Any]) -> None:
    data["rtl"]["rtl_cycles"] += 1


def _text_for_number(data: dict[str, Any]) -> None:
    data["hardware"]["rows"] = "16"


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (_delete_cycles, r"layers\.1\.cycles"),
        (_other_speedup, r"layers\.2\.speedup"),
        (_unknown_key, r"rtl\.verdict"),
        (_wrong_agreement, r"rtl\.agrees"),
        (_text_for_number, r"hardware\.rows"),
    ],
)
def test_a_spoilt_file_is_refused_with_the_path(spoil: Callable[[dict[str, Any]], None], where: str) -> None:
    data = json.loads(json.dumps(make_summary().to_json()))
    spoil(data)
    with pytest.raises(InputError, match=f"^summary: {where}: "):
        Summary.from_json(data)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"^summary: top level: "):
        Summary.from_json([1, 2])
