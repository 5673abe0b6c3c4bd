"""The rules of the Trace Event Format that Perfetto needs, and the clocks behind the times."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.estimate import Estimate
from skipbeat_reports.estimate import trace_events, write_trace
from tests.reports.estimate.estimates import make_estimate, make_layer, make_run

TRACKS = ("layers", "load", "execute", "store")


def slices(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The complete events of each track by the name that the metadata give it."""
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    return {
        name: [event for event in events if event["ph"] == "X" and event["tid"] == track]
        for track, name in names.items()
    }


def check_format(events: list[dict[str, Any]]) -> None:
    assert {event["ph"] for event in events} <= {"M", "X"}
    assert {event["pid"] for event in events} == {1}
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert {event["tid"] for event in events} == named
    for track in slices(events).values():
        for event in track:
            # Perfetto keeps whole nanoseconds.
            assert round(1000 * event["ts"]) == pytest.approx(1000 * event["ts"], abs=1e-3)
            assert event["ts"] >= 0
            assert event["dur"] >= 0
        for one, two in pairwise(track):
            assert round(1000 * (one["ts"] + one["dur"])) <= round(1000 * two["ts"])


def test_the_format(small: Estimate, many: Estimate) -> None:
    for estimate in (small, many):
        events = trace_events(estimate)
        check_format(events)
        assert tuple(slices(events)) == TRACKS
        (process,) = (event for event in events if event["name"] == "process_name")
        assert process["args"]["name"] == "made-up-net on large-32x32"


def test_layers_follow_one_another_at_the_clock_rate(small: Estimate) -> None:
    track = slices(trace_events(small))["layers"]
    assert [event["name"] for event in track] == [layer.name for layer in small.layers]
    begin = 0
    for event, layer in zip(track, small.layers, strict=True):
        assert event["args"]["clock"] == begin
        assert event["args"]["clocks"] == layer.cost.cycles
        assert event["ts"] == pytest.approx(begin / 333, abs=1e-3)
        begin += layer.cost.cycles
    assert track[-1]["ts"] + track[-1]["dur"] == pytest.approx(small.cycles / 333, abs=1e-3)


def test_engines_work_inside_their_run(small: Estimate) -> None:
    found = slices(trace_events(small))
    assert len(found["load"]) == 2 * len(small.runs)
    for engine in TRACKS[1:]:
        for number, event in enumerate(found[engine]):
            run = number * len(small.runs) // len(found[engine])
            inside = event["args"]["clock"] - sum(each.cycles for each in small.runs[:run])
            assert 0 <= inside <= inside + event["args"]["clocks"] <= small.runs[run].cycles
            assert event["name"] == engine
    execute, first, second = found["execute"][1], *small.runs
    start, stop = next((start, stop) for engine, start, stop in second.phases if engine == "execute")
    assert execute["args"]["clock"] == first.cycles + start
    assert execute["args"]["clocks"] == stop - start


def test_a_run_that_is_repeated_is_shown_once(small: Estimate) -> None:
    layer = small.layers[1]
    cycles = layer.cost.cycles // 3
    layer = replace(layer, cost=replace(layer.cost, cycles=3 * cycles))
    found = slices(trace_events(replace(small, layers=(layer,), runs=(make_run((layer,), repeats=3),))))
    assert [(event["name"], event["args"]["clocks"]) for event in found["layers"]] == [
        (layer.name, cycles),
        ("2 times more", 2 * cycles),
    ]
    assert len(found["load"]) == 2


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), max_size=12),
    st.sampled_from([0.3, 200, 333, 1000, 3210.7]),
)
def test_any_phases_become_slices_that_do_not_overlap(phases: list[list[int]], clock_mhz: float) -> None:
    layer = make_layer("a", weights=64, pixels=1)
    run = replace(make_run((layer,)), phases=tuple(("store", start, stop) for start, stop in phases))
    estimate = replace(make_estimate((layer,)), clock_mhz=clock_mhz, runs=(run, run))
    events = trace_events(estimate)
    check_format(events)
    worked = [clock for start, stop in phases for clock in range(start, stop)]
    assert sum(event["args"]["clocks"] for event in slices(events)["store"]) == 2 * len(set(worked))


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (("load", 5, 10**9), "load works in 5..1000000000, outside of"),
        (("load", 7, 5), "load works in 7..5"),
        (("dma", 0, 1), "engine must be one of load, execute, store, not dma"),
    ],
)
def test_wrong_phases_are_refused(phase: tuple[str, int, int], message: str) -> None:
    layer = make_layer("a")
    wrong = replace(make_estimate((layer,)), runs=(replace(make_run((layer,)), phases=(phase,)),))
    with pytest.raises(ValueError, match=message):
        trace_events(wrong)


def test_the_file_is_json_and_complete(hostile: Estimate, tmp_path: Path) -> None:
    path = write_trace(hostile, tmp_path / "deep" / "trace.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["traceEvents"] == trace_events(hostile)
    assert data["displayTimeUnit"] == "ns"
    assert (data["otherData"]["clock_mhz"], data["otherData"]["clock_source"]) == (333, "assumed")
    assert list(path.parent.iterdir()) == [path]
