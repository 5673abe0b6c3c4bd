"""Holds an RTL component to its twin: the same inputs, every output port, every clock.

The twin goes first. Its outputs tell the sources of the stimulus what was taken, so a source can keep the rules of its
stream; then the RTL gets the very same inputs. As long as the two agree, the stimulus is what the rules allow; the
first clock in which they do not is reported.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, Literal, Protocol, TypeVar

import pytest
from amaranth.lib.wiring import Component

from skipbeat_arch.hardware import Hardware, Numbers
from skipbeat_hw.simulation.lockstep import describe_mismatch, run_lockstep
from skipbeat_hw.simulation.lockstep_table import Backend, Observed, Simulator
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.verilog import generate
from skipbeat_verify.core_passes import small_hardware
from tests.hw.in_process import converted, simulate
from tests.hw.ported import Ported
from tests.hw.stimulus import Source, Values


class Parameters(Protocol):
    """What a component and its twin are made with."""

    def arguments(self) -> Mapping[str, object]:
        """Of both constructors."""


P = TypeVar("P", bound=Parameters)


class Twin(Protocol):
    """What every module of the cycle model has."""

    def outputs(self, inputs: Mapping[str, int]) -> Values:
        """Values of the output ports in this clock."""

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""


#: For a clock's inputs and outputs, the bits of a port that mean something in it.
Meaning = Callable[[Values], int]


def while_set(flag: str) -> Meaning:
    """All bits while `flag` is 1: before a memory is read for the first time, its read register is undefined."""
    return lambda values: -1 if values[flag] else 0


@dataclass(frozen=True)
class Pair(Generic[P]):
    """A component, its twin, and how to stimulate them, all of parameters P.

    Attributes:
        component: its class; the twin's has the same name in the same file of the cycle model.
        sources: of parameters, the kind of stimulus and a random source.
        kinds: kinds of stimulus; all of them run on each design.
        meaning: ports that do not always mean something; every other output is compared bit by bit in every clock.
        constant: outputs that the stimulus may leave at one value; every other must have taken two.
        arguments: of both constructors.
        stopped: whether a clock shows that only a reset will make the component go on; one then comes soon.
    """

    top: str
    component: type[Component]
    sources: Callable[[P, str, random.Random], Sequence[Source]]
    kinds: Sequence[str] = ("random",)
    meaning: Mapping[str, Meaning] = field(default_factory=dict)
    constant: Callable[[P], Iterable[str]] = lambda _: ()
    stopped: Callable[[Values], bool] = lambda _: False
    arguments: Callable[[P], Mapping[str, object]] = lambda params: params.arguments()

    def make(self, params: P) -> Component:
        """The component."""
        return self.component(**self.arguments(params))

    def twin(self, params: P) -> Twin:
        """Its twin."""
        return Ported(self.component, self.arguments(params))


@dataclass(frozen=True)
class Where:
    """A simulator and how many clocks it is given for a kind of stimulus."""

    simulator: Simulator | Literal["amaranth"]
    backend: Backend
    clocks: int

    def __str__(self) -> str:
        return self.backend if self.backend == "shared" else self.simulator


#: The component itself, not its Verilog: nothing is compiled.
IN_PROCESS = Where("amaranth", "cocotb", 60)


SHARED = Where("verilator", "shared", 4000)
VERILATOR = Where("verilator", "cocotb", 800)
ICARUS = Where("icarus", "cocotb", 200)
#: Share of clocks with a reset once the component has stopped for good.
_SOON = 0.2
NO_ICARUS = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


def cases(quick: Sequence[P], slow: Sequence[P] = ()) -> list[object]:
    """(parameters, where) of a component's regression.

    The first parameters run in Amaranth's simulator, and under cocotb on Icarus. All run on the compiled backend.
    Marked slow: `slow` ones on the compiled backend, and the same Verilator under cocotb.
    """

    def case(params: P, where: Where, *marks: pytest.MarkDecorator) -> object:
        return pytest.param(params, where, marks=marks, id=f"{params}-{where}")

    made = [case(quick[0], IN_PROCESS), case(quick[0], ICARUS, NO_ICARUS)]
    made += [case(params, SHARED) for params in quick]
    made += [case(params, SHARED, pytest.mark.slow) for params in slow]
    return [*made, *(case(params, VERILATOR, pytest.mark.slow) for params in (quick[0], *slow))]


def hold(pair: Pair[P], params: P, where: Where, seed: int = 1, reset_share: float = 0.01) -> dict[str, set[int]]:
    """Run every kind of stimulus on RTL and twin; returns the values that each output port took.

    The kinds follow one another with a reset between them, so that one simulation does for all.

    Raises:
        AssertionError: the ports are not the same, the RTL differs from the twin or is undefined, or an output never
            changed (the stimulus is too weak).
    """
    text = converted(pair.make(params), pair.top) if where.simulator == "amaranth" else verilog(pair, params)
    declared = read_ports(text, pair.top)
    rng = random.Random(f"{seed} {params}")
    twin, clocks = pair.twin(params), list[Values]()
    for kind in pair.kinds:
        sources = pair.sources(params, kind, rng)
        clocks += _record(twin, sources, where.clocks, rng, reset_share, pair.stopped)
    kinds = f"{where.clocks} clocks each of {', '.join(pair.kinds)}"
    label = f"{pair.top}: {params}, seed {seed}, {where}, {kinds}"
    outputs = [port.name for port in declared.values() if not port.is_input]
    names = {name for name in declared if name != "clk"}
    assert names | {"rst"} == set(clocks[0]), f"{label}: ports of RTL and twin: {names ^ set(clocks[0])}"
    inputs = {name: [values[name] for values in clocks] for name in names if declared[name].is_input}
    if where.simulator == "amaranth":
        got = simulate(pair.make(params), inputs, outputs)
    else:
        got = run_lockstep(text, pair.top, inputs, outputs, where.simulator, backend=where.backend, clocks=len(clocks))
    _compare(pair, clocks, got, label)
    if where.simulator == "amaranth":  # too few clocks for all that can happen
        return {}
    taken = {name: {values[name] for values in clocks} for name in outputs}
    stuck = {name for name, values in taken.items() if len(values) < 2} - set(pair.constant(params))
    assert not stuck, f"{pair.top}: {params}: the stimulus never changed {sorted(stuck)}"
    return taken


def _record(
    twin: Twin,
    sources: Sequence[Source],
    clocks: int,
    rng: random.Random,
    resets: float,
    stopped: Callable[[Values], bool],
) -> list[Values]:
    """For each clock the values of all the twin's ports; the first clock is a reset."""
    rows: list[Values] = []
    for clock in range(clocks):
        soon = bool(rows) and stopped(rows[-1])
        inputs = {"rst": int(clock == 0 or rng.random() < (_SOON if soon else resets))}
        for source in sources:
            inputs |= source.drive()
        outputs = twin.outputs(inputs)
        twin.tick(inputs)
        for source in sources:
            source.after(inputs, outputs)
        rows.append(inputs | outputs)
    return rows


def _compare(pair: Pair[P], clocks: Sequence[Values], got: Observed, label: str) -> None:
    expected = {name: [values[name] for values in clocks] for name in got}
    for name, meaning in pair.meaning.items():
        bits = [meaning(values) for values in clocks]
        expected[name] = [value & mask for value, mask in zip(expected[name], bits, strict=True)]
        got[name] = [_masked(value, mask) for value, mask in zip(got[name], bits, strict=True)]
    mismatch = describe_mismatch(expected, got)
    assert mismatch is None, f"{label}: {mismatch}"


def _masked(value: int | None, mask: int) -> int | None:
    if mask == 0:
        return 0
    return None if value is None else value & mask


_TEXTS: dict[tuple[str, str], str] = {}


def verilog(pair: Pair[P], params: P) -> str:
    """The component's Verilog, generated once."""
    key = pair.top, repr(params)
    if key not in _TEXTS:
        _TEXTS[key] = generate(pair.make(params), pair.top)
    return _TEXTS[key]


@dataclass(frozen=True)
class Size:
    """Sizes of a core: rows, columns, group size, decode lanes; accumulator depth and widths."""

    rows: int
    cols: int
    group: int
    lanes: int = 1
    depth: int = 8
    weight_bits: int = 8
    activation_bits: int = 8
    accumulator_bits: int = 32

    def __str__(self) -> str:
        return (
            f"{self.rows}x{self.cols}-m{self.group}-l{self.lanes}-d{self.depth}"
            f"-w{self.weight_bits}-a{self.activation_bits}-s{self.accumulator_bits}"
        )

    @property
    def hw(self) -> Hardware:
        """The hardware description."""
        return _hardware(self)

    def arguments(self) -> Mapping[str, object]:
        """Of the core's parts."""
        return {"hw": self.hw}


@lru_cache
def _hardware(size: Size) -> Hardware:
    numbers = Numbers(
        weight_bits=size.weight_bits, activation_bits=size.activation_bits, accumulator_bits=size.accumulator_bits
    )
    return small_hardware(size.rows, size.cols, size.group, size.lanes, size.depth, numbers)
