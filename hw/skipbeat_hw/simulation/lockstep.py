"""Drives any module clock by clock from a table of values and returns what every port showed.

The same tables run on three simulators: compiled Verilator (fast, for long random runs), and cocotb on Verilator or
Icarus (the regression proper; Icarus has four states, so an undefined output is seen). Values are applied after
each rising edge and outputs are read just before the next; before clock 0 there is one clock of reset with every
other input at zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from skipbeat_arch.errors import InputError

from .lockstep_cocotb import run_under_cocotb
from .lockstep_shared import run_shared
from .lockstep_table import Backend, Held, HeldTable, LockstepRun, Observation, Observed, Simulator, Table
from .ports import Port, columns, from_words, read_ports, to_words
from .verilog_text import verilog_text

Values = Mapping[str, Sequence[int]]

MAX_STREAMS = 16
_CLOCK = "clk"
_RESET = "rst"


def run_lockstep(
    verilog: str | Path,
    top: str,
    inputs: Values,
    outputs: Sequence[str],
    simulator: Simulator = "verilator",
    *,
    backend: Backend = "shared",
    streams: Mapping[str, Held] | None = None,
    clocks: int | None = None,
    seed: int = 0,
) -> Observed:
    """What the named ports of module `top` showed in each clock, as unsigned ints; None where a bit was undefined.

    Args:
        verilog: the text, or the Path of the file.
        top: the module; its clock and synchronous reset, if it has them, are called `clk` and `rst`.
        inputs: a value per clock for each input port; negative values stand for two's complement. `rst` may be
            among them, else it is 0. Every other input must be here or belong to a stream.
        outputs: ports to return; inputs may be among them, and come back as they were applied.
        simulator: "icarus" needs `backend="cocotb"`.
        backend: "shared" calls the compiled module directly, "cocotb" drives it under cocotb.
        streams: input streams, by their name before `__payload`, `__valid` and `__ready`, whose handshake the
            harness runs itself.
        clocks: clocks to run; without it, the length of the inputs.
        seed: cocotb's random seed (the run itself uses no random numbers).

    Raises:
        InputError: an unknown or missing port, a value that does not fit, unequal lengths, or a missing tool.
        RuntimeError: the simulator or a compiler fails; the message holds the end of its output.
    """
    run = LockstepRun(inputs=inputs, outputs=outputs, streams=streams or {}, clocks=clocks)
    (found,) = run_in_turn(verilog, top, [run], simulator, backend=backend, seed=seed)
    return found


def run_in_turn(
    verilog: str | Path,
    top: str,
    runs: Sequence[LockstepRun],
    simulator: Simulator = "verilator",
    *,
    backend: Backend = "shared",
    seed: int = 0,
) -> list[Observed]:
    """Several runs as `run_lockstep` makes them, each from reset; under cocotb all of them in one simulation.

    A process of cocotb takes a second to start, so that many short runs are as quick as one. What a reset leaves alone,
    such as the contents of memories, is there from the run before.

    Raises:
        InputError, RuntimeError: as `run_lockstep`.
    """
    text = verilog_text(verilog)
    ports = read_ports(text, top)
    tables = [_table(ports, run) for run in runs]
    for run in runs:
        for name in run.outputs:
            if name not in ports or name == _CLOCK:
                raise InputError(f"lockstep of {top}: there is no port {name!r} to observe")
    if backend == "shared":
        if simulator != "verilator":
            raise InputError(f"lockstep of {top}: simulator {simulator!r} expects backend 'cocotb'")
        seen = [run_shared(text, top, table) for table in tables]
    else:
        seen = run_under_cocotb(text, top, tables, simulator, seed)
    return [_observed(table, each, run.outputs) for table, each, run in zip(tables, seen, runs, strict=True)]


def describe_mismatch(
    expected: Mapping[str, Sequence[int | None]], got: Mapping[str, Sequence[int | None]]
) -> str | None:
    """The first clock and port where `got` differs from `expected`, in one line; None if they agree.

    Both hold unsigned values, as `run_lockstep` returns them. A None in `expected` is not compared. A port that is
    missing in `got`, or has another number of clocks, is a mismatch.
    """
    first: tuple[int, str] | None = None
    for name, values in expected.items():
        seen = got.get(name)
        if seen is None or len(seen) != len(values):
            return f"port {name}: expected {len(values)} clocks, got {'none' if seen is None else len(seen)}"
        for clock, (want, have) in enumerate(zip(values, seen, strict=True)):
            if want is not None and want != have and (first is None or clock < first[0]):
                first = (clock, f"port {name}, clock {clock}: expected {_hex(want)}, got {_hex(have)}")
                break
    return first[1] if first else None


def _hex(value: int | None) -> str:
    return "undefined" if value is None else f"{value:#x}"


def _table(ports: Mapping[str, Port], run: LockstepRun) -> Table:
    inputs, streams, clocks = run.inputs, run.streams, run.clocks
    driven = {name: port for name, port in ports.items() if port.is_input and name != _CLOCK}
    lengths = {len(values) for values in inputs.values()} | ({clocks} if clocks is not None else set())
    if len(lengths) != 1:
        raise InputError(f"lockstep: inputs and clocks should have one length, found {sorted(lengths)}")
    count = lengths.pop()
    if len(streams) > MAX_STREAMS:
        raise InputError(f"lockstep: {len(streams)} streams, expected at most {MAX_STREAMS}")
    held = {name: _held(name, stream, ports) for name, stream in streams.items()}
    offered = {p for table in held.values() for p in (table.payload, table.valid) if p}
    for name in inputs:
        if name not in driven or name in offered:
            raise InputError(f"lockstep: {name!r} is not an input to be given values")
    for name in driven:
        if name not in inputs and name not in offered and name != _RESET:
            raise InputError(f"lockstep: input {name!r} has neither values nor a stream")
    words = {name: to_words(values, driven[name]) for name, values in inputs.items()}
    empty = [words.get(n, np.zeros((count, p.words), np.uint32)) for n, p in driven.items()]
    return Table(
        inputs=tuple(driven.values()),
        outputs=tuple(p for p in ports.values() if not p.is_input),
        values=np.ascontiguousarray(np.concatenate(empty, axis=1)) if empty else np.zeros((count, 0), np.uint32),
        streams=tuple(held.values()),
        clock=_CLOCK if _CLOCK in ports else None,
        reset=_RESET if _RESET in ports else None,
    )


def _held(name: str, stream: Held, ports: Mapping[str, Port]) -> HeldTable:
    payload, valid, ready = (f"{name}__{part}" for part in ("payload", "valid", "ready"))
    if valid not in ports or ready not in ports or not ports[valid].is_input:
        raise InputError(f"lockstep: there is no input stream {name!r}")
    if not stream.willing:
        raise InputError(f"lockstep: stream {name!r}: willing should have at least one entry")
    port = ports.get(payload, Port(payload, 1, True))
    return HeldTable(
        items=to_words(stream.items, port),
        willing=np.array(stream.willing, np.uint8),
        payload=payload if payload in ports else None,
        valid=valid,
        ready=ready,
    )


def _observed(table: Table, seen: Observation, names: Sequence[str]) -> Observed:
    result: Observed = {}
    in_columns, out_columns = columns(table.inputs), columns(table.outputs)
    order = {port.name: i for i, port in enumerate(table.outputs)}
    for name in names:
        if name in in_columns:
            result[name] = list(from_words(seen.inputs[:, in_columns[name]]))
            continue
        known = seen.known[:, order[name]].tolist()
        values = from_words(seen.outputs[:, out_columns[name]])
        result[name] = [value if sure else None for value, sure in zip(values, known, strict=True)]
    return result
