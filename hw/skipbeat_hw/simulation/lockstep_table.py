"""What a lockstep run is given and what it returns: tables of port values, a row for each clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from skipbeat_arch.arrays import BoolArray, Bytes, UInt32Array

from .ports import Port

Simulator = Literal["verilator", "icarus"]
Backend = Literal["cocotb", "shared"]
Observed = dict[str, list[int | None]]


@dataclass(frozen=True)
class Held:
    """An input stream that keeps to the rule "valid and payload stay until ready".

    Attributes:
        items: payloads, in order.
        willing: clocks, repeated for ever, in which the next item is offered; once offered, it stays until taken.
            While nothing is offered, valid and payload are 0. A reset does not rewind the items.
    """

    items: Sequence[int]
    willing: Sequence[bool] = (True,)


@dataclass(frozen=True, kw_only=True, eq=False)
class LockstepRun:
    """One run from reset; see `run_lockstep`.

    Attributes:
        inputs: a value per clock for each input port. outputs: names of ports to return.
        streams: input streams by name. clocks: to run; None: the length of the inputs.
    """

    inputs: Mapping[str, Sequence[int]]
    outputs: Sequence[str]
    streams: Mapping[str, Held] = field(default_factory=dict)
    clocks: int | None = None


@dataclass(frozen=True, eq=False)
class HeldTable:
    """A `Held` stream as arrays; `payload` is None for a stream without one."""

    items: UInt32Array
    willing: Bytes
    payload: str | None
    valid: str
    ready: str


@dataclass(frozen=True, eq=False)
class Table:
    """Everything that a simulation needs: ports in column order, the inputs [clocks, words], the streams."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    values: UInt32Array
    streams: tuple[HeldTable, ...]
    clock: str | None
    reset: str | None


@dataclass(frozen=True, eq=False)
class Observation:
    """What a simulation returns: inputs as applied and outputs [clocks, words]; known [clocks, output ports]."""

    inputs: UInt32Array
    outputs: UInt32Array
    known: BoolArray
