"""A timeline of the programs' layers and the three engines in the Chrome trace format, which Perfetto opens.

Trace Event Format (Google, 2016): complete events (`ph` X) with `ts` and `dur` in µs, metadata events (`ph` M) that
name the process and the tracks. Times are whole nanoseconds, which is what Perfetto keeps, so that two slices that
touch do not overlap after rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skipbeat_arch.arguments import expect
from skipbeat_arch.estimate import Estimate, LayerEstimate, RunEstimate
from skipbeat_arch.files import write_text

from ..numbers import ratio
from .figures import speedup

ENGINES = ("load", "execute", "store")
_PROCESS = 1
_LAYERS = 1  # the track's number


def write_trace(estimate: Estimate, path: str | Path) -> Path:
    """Write the timeline; see `trace_events`.

    Raises:
        InputError: the file cannot be written.
        OSError: the disk is full.
        ValueError: as `trace_events`.
    """
    expect("estimate", estimate, Estimate, "what `skipbeat.estimate` returns")
    content = {
        "displayTimeUnit": "ns",
        "otherData": {
            "model": estimate.model,
            "hardware": estimate.hardware,
            "clock_mhz": estimate.clock_mhz,
            "clock_source": estimate.clock_source,
            "batch": estimate.batch,
            "provenance": None if estimate.provenance is None else estimate.provenance.to_json(),
            "note": "Programs run one after the other. Of one that is repeated, the engines show the first time.",
        },
        "traceEvents": trace_events(estimate),
    }
    return write_text(path, json.dumps(content, allow_nan=False) + "\n")


def trace_events(estimate: Estimate) -> list[dict[str, Any]]:
    """The names of the tracks, then a slice per layer and per stretch of work of an engine, by track and time.

    Raises:
        ValueError: a phase lies outside its run, or an engine is unknown.
    """
    tracks = {"layers": _LAYERS} | {engine: _LAYERS + 1 + index for index, engine in enumerate(ENGINES)}
    events = [_metadata("process_name", _LAYERS, name=f"{estimate.model} on {estimate.hardware}")]
    for name, number in tracks.items():
        events.append(_metadata("thread_name", number, name=name))
        events.append(_metadata("thread_sort_index", number, sort_index=number))
    slices: dict[str, list[dict[str, Any]]] = {name: [] for name in tracks}
    layers = {layer.name: layer for layer in estimate.layers}
    begin = 0
    for run in estimate.runs:
        for name, start, stop in run.spans:
            slices["layers"].append(_slice(estimate, name, _LAYERS, begin + start, begin + stop, _facts(layers[name])))
        for engine, phases in _by_engine(run).items():
            for start, stop in phases:
                slices[engine].append(_slice(estimate, engine, tracks[engine], begin + start, begin + stop, {}))
        begin += run.cycles
        if run.repeats > 1:
            end = begin + run.cycles * (run.repeats - 1)
            slices["layers"].append(_slice(estimate, f"{run.repeats - 1} times more", _LAYERS, begin, end, {}))
            begin = end
    return events + [event for track in slices.values() for event in track]


def _metadata(kind: str, track: int, **args: str | int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": track, "ts": 0, "args": args}


def _slice(estimate: Estimate, name: str, track: int, start: int, stop: int, facts: dict[str, Any]) -> dict[str, Any]:
    first, last = (round(clock * 1000 / estimate.clock_mhz) for clock in (start, stop))
    return {
        "ph": "X",
        "name": name,
        "cat": "layer" if track == _LAYERS else "engine",
        "pid": _PROCESS,
        "tid": track,
        "ts": first / 1000,
        "dur": (last - first) / 1000,
        "args": {"clock": start, "clocks": stop - start} | facts,
    }


def _facts(layer: LayerEstimate) -> dict[str, Any]:
    return {
        "kind": str(layer.kind),
        "shape": layer.shape,
        "pattern": layer.pattern,
        "bound": str(layer.cost.bound),
        "speedup": ratio(speedup(layer)),
    }


def _by_engine(run: RunEstimate) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {engine: [] for engine in ENGINES}
    for engine, start, stop in run.phases:
        if engine not in found:
            raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine}")
        if not 0 <= start <= stop <= run.cycles:
            raise ValueError(f"{engine} works in {start}..{stop}, outside of 0..{run.cycles} clocks of its run")
        found[engine].append((start, stop))
    return {engine: _joined(phases) for engine, phases in found.items()}


def _joined(phases: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The clocks in any of the phases as stretches that do not overlap: slices of a track must not."""
    stretches: list[tuple[int, int]] = []
    for start, stop in sorted(phase for phase in phases if phase[0] < phase[1]):
        if stretches and start < stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], stop))
        else:
            stretches.append((start, stop))
    return stretches
