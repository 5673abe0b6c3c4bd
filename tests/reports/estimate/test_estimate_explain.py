from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Estimate
from skipbeat_reports.estimate import explain, find_layer


def test_loop_nest_bounds_encodings_runner_up_and_notes(small: Estimate) -> None:
    layer = find_layer(small, "layer2.0.conv1")
    lines = explain(layer).replace("\u00a0", " ").splitlines()
    loops = lines.index("loops, outermost first")
    assert lines[loops + 1 : loops + 4] == [
        "  8 blocks of 98 pixels",
        "    4 tiles of 32 outputs",
        "      9 passes of 128 inputs",
    ]
    (bound,) = (line for line in lines if line.endswith("the bound"))
    assert bound.split()[:2] == ["compute", f"{layer.macs // 1024 + 1:,}"]
    assert "  pattern  30    83.3 %" in lines
    second, chosen = layer.cost.cycles + 1234, layer.cost.cycles
    assert f"runner-up: tiles in the outer loop: alone {second:,} cycles, the chosen one {chosen:,}" in lines
    places = lines.index("what lies where")
    assert lines[places + 1 : places + 3] == ["  input: from memory", "  output: to memory"]
    walks = lines.index("walks of the engines")
    assert lines[walks + 1 : walks + 3] == ["  4 LOADs of weights", "  36 PASSes over 98 entries"]
    assert lines[-2:] == ["notes", "  Imbalance between groups costs 1.2 %."]


def test_the_clocks_are_all_there(small: Estimate) -> None:
    layer = small.layers[2]
    lines = explain(layer).replace("\u00a0%", "").splitlines()
    start = lines.index("where each clock went") + 1
    rows = lines[start : lines.index("", start)]
    assert sum(int(row.split()[-2].replace(",", "")) for row in rows) == layer.cost.cycles


def test_no_other_mapping_was_tried(small: Estimate) -> None:
    layer = small.layers[0]
    schedule = replace(layer.cost.schedule, runner_up=None, notes=(), encodings={})
    text = explain(replace(layer, cost=replace(layer.cost, schedule=schedule)))
    assert text.endswith("runner-up: no other mapping came close\n")
    assert "tiles by encoding" not in text


def test_texts_are_no_commands(hostile: Estimate) -> None:
    assert "\x1b" not in explain(hostile.layers[0])


def test_an_unknown_layer_names_near_ones(small: Estimate) -> None:
    with pytest.raises(InputError, match=r"layer layer1\.conv1: expected one of the model's 9 .* layer1\.0\.conv1,"):
        find_layer(small, "layer1.conv1")
    with pytest.raises(InputError, match=r"but the model has none"):
        find_layer(replace(small, layers=()), "x")
