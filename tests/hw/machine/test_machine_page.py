"""docs/machine.md names the ports that the modules have, and the fields of the instructions where they lie."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Fragment
from amaranth.lib.wiring import Component

from skipbeat_arch.decoding import INSTRUCTIONS
from skipbeat_arch.engines import Opcode
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import COMMON
from skipbeat_arch.machine import Machine
from skipbeat_hw.machine.base import Base
from skipbeat_hw.machine.counters import Counters
from skipbeat_hw.machine.execute import ExecuteEngine
from skipbeat_hw.machine.fetch import Fetch
from skipbeat_hw.machine.fetcher import Fetcher
from skipbeat_hw.machine.gradient_lanes import GradientLanes
from skipbeat_hw.machine.load import LoadEngine
from skipbeat_hw.machine.machine import MachineTop
from skipbeat_hw.machine.output import OutputStage
from skipbeat_hw.machine.placer import Placer
from skipbeat_hw.machine.reader import Reader
from skipbeat_hw.machine.store import StoreEngine
from skipbeat_hw.machine.tokens import Tokens
from skipbeat_hw.machine.turner import Turner
from skipbeat_hw.machine.watchdog import Watchdog
from skipbeat_hw.machine.weight_reader import WeightReader
from skipbeat_hw.machine.wide_port import WidePort
from skipbeat_hw.machine.writer import Writer

PAGE = (Path(__file__).parents[3] / "docs" / "machine.md").read_text()
MACHINE = Machine.of(load_hardware("tiny-4x4"))
MODULES: dict[str, Callable[[], Component]] = {
    "tokens": Tokens,
    "watchdog": lambda: Watchdog(MACHINE),
    "base": lambda: Base(MACHINE),
    "reader": lambda: Reader(MACHINE),
    "writer": lambda: Writer(MACHINE),
    "fetch": lambda: Fetch(MACHINE),
    "placer": lambda: Placer(MACHINE),
    "load": lambda: LoadEngine(MACHINE),
    "execute": lambda: ExecuteEngine(MACHINE),
    "weight_reader": lambda: WeightReader(MACHINE),
    "fetcher": lambda: Fetcher(MACHINE),
    "output": lambda: OutputStage(MACHINE),
    "gradient_lanes": lambda: GradientLanes(MACHINE),
    "turner": lambda: Turner(Machine.of(load_hardware("tiny-4x4", ["outputs.turn=true"]))),
    "store": lambda: StoreEngine(MACHINE),
    "counters": Counters,
    "machine": lambda: MachineTop(MACHINE),
    "wide_port": lambda: WidePort(Machine.of(load_hardware("tiny-4x4", ["memory.port_bytes=8"]))),
}


def rows(heading: str, first_column: str) -> list[list[str]]:
    """Cells of the table under a heading whose first column has this title."""
    section = re.split(rf"^#+ {heading}$", PAGE, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    for table in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
        if lines[0][0] == first_column:
            return lines[2:]
    return []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_the_ports_that_the_page_lists(module: str) -> None:
    told = [port for cells in rows(module, "port") for port in re.findall(r"`(\w+)`", cells[0])]
    assert told
    component = MODULES[module]()
    Fragment.get(component, None)  # Amaranth complains of parts that nobody elaborates
    assert sorted(told) == sorted(component.signature.members)


@pytest.mark.parametrize("opcode", Opcode, ids=lambda opcode: opcode.name)
def test_an_instruction_has_the_fields_that_the_page_lists(opcode: Opcode) -> None:
    at, fields = sum(bits for _, bits in COMMON), []
    for name, bits in INSTRUCTIONS[opcode].layout():
        fields.append([f"`{name}`", str(bits), str(at)])
        at += bits
    # END has none, and no section.
    assert opcode == Opcode.END or [cells[:3] for cells in rows(opcode.name, "field")] == fields


def test_what_every_instruction_begins_with() -> None:
    starts = [sum(bits for _, bits in COMMON[:i]) for i in range(len(COMMON))]
    wanted = [[f"`{name}`", str(bits), str(at)] for (name, bits), at in zip(COMMON, starts, strict=True)]
    assert [cells[:3] for cells in rows("Instructions", "field")] == wanted
