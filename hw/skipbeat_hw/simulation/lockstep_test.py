"""The cocotb test behind `run_lockstep(backend="cocotb")`; it runs inside the simulator's process.

It follows lockstep_harness.cpp step by step.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer

from skipbeat_arch.arrays import UInt32Array

from .lockstep_cocotb import FOLDER_VARIABLE, SEEN, load_table, table_folders
from .lockstep_table import HeldTable, Observation, Table
from .ports import columns, from_words, to_words

_HALF_PERIOD_NS = 5


class _Offer:
    """An input stream that keeps its item until it is taken."""

    def __init__(self, stream: HeldTable) -> None:
        self.stream, self.items, self.next, self.offered = stream, from_words(stream.items), 0, False

    def apply(self, clock: int, values: dict[str, int]) -> None:
        willing = self.stream.willing
        if self.next < len(self.items) and willing[clock % len(willing)]:
            self.offered = True
        values[self.stream.valid] = int(self.offered)
        if self.stream.payload is not None:
            values[self.stream.payload] = self.items[self.next] if self.offered else 0

    def after(self, seen: dict[str, int | None]) -> None:
        if self.offered and seen[self.stream.ready] == 1:
            self.offered = False
            self.next += 1


class _Bench:
    """Drives the ports of the simulated module, writing only what changes."""

    def __init__(self, dut: Any, table: Table) -> None:
        self.table = table
        self.inputs = {port.name: getattr(dut, port.name) for port in table.inputs}
        self.outputs = {port.name: getattr(dut, port.name) for port in table.outputs}
        self.clock = getattr(dut, table.clock) if table.clock else None
        self.applied: dict[str, int] = {}

    def apply(self, values: dict[str, int]) -> None:
        for name, value in values.items():
            if self.applied.get(name) != value:
                self.inputs[name].value = value
        self.applied = values

    def sample(self) -> dict[str, int | None]:
        values = {name: handle.value for name, handle in self.outputs.items()}
        return {name: int(value) if value.is_resolvable else None for name, value in values.items()}

    async def half(self, level: int) -> None:
        if self.clock is not None:
            self.clock.value = level
        await Timer(_HALF_PERIOD_NS, unit="ns")

    async def reset(self) -> None:
        self.apply({name: int(name == self.table.reset) for name in self.inputs})
        await self.half(0)
        await self.half(1)


@cocotb.test()
async def lockstep(dut: Any) -> None:
    """Apply each table from reset, write down what was seen."""
    for folder in table_folders(Path(os.environ[FOLDER_VARIABLE])):
        seen = await _run(dut, load_table(folder))
        np.savez(folder / SEEN, allow_pickle=False, inputs=seen.inputs, outputs=seen.outputs, known=seen.known)


async def _run(dut: Any, table: Table) -> Observation:
    bench, offers = _Bench(dut, table), [_Offer(stream) for stream in table.streams]
    rows = {name: from_words(table.values[:, column]) for name, column in columns(table.inputs).items()}
    applied: list[dict[str, int]] = []
    seen: list[dict[str, int | None]] = []
    await bench.reset()
    for clock in range(len(table.values)):
        values = {name: row[clock] for name, row in rows.items()}
        for offer in offers:
            offer.apply(clock, values)
        bench.apply(values)
        await bench.half(0)
        applied.append(values)
        seen.append(bench.sample())
        for offer in offers:
            offer.after(seen[-1])
        await bench.half(1)
    return _observation(table, applied, seen)


def _observation(table: Table, applied: list[dict[str, int]], seen: list[dict[str, int | None]]) -> Observation:
    def stack(parts: list[UInt32Array]) -> UInt32Array:
        return np.concatenate([np.zeros((len(applied), 0), np.uint32), *parts], axis=1)

    known = [[row[port.name] is not None for port in table.outputs] for row in seen]
    return Observation(
        inputs=stack([to_words([row[p.name] for row in applied], p) for p in table.inputs]),
        outputs=stack([to_words([row[p.name] or 0 for row in seen], p) for p in table.outputs]),
        known=np.array(known, np.bool_).reshape(len(seen), len(table.outputs)),
    )
