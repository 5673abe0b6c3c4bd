"""Registers behind an ECP5's block memories and multipliers go into these: a step on the netlist that Yosys wrote.

A DP16KD has a register behind its data, with an enable of its own, and a MULT18X18D one behind its product. Yosys uses
neither. A block takes over registers that are all that reads it, that are on its clock, and that begin at zero, as its
own do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

_REGISTER = "TRELLIS_FF"
#: A bit of a netlist: the number of a net, or a constant.
Bit = int | str


class _Control(NamedTuple):
    """What makes a register take its input, or zero."""

    clock: Bit
    enable: Bit
    reset: Bit


class _Behind(NamedTuple):
    """Registers behind a block."""

    registers: list[str]
    control: _Control


def pack_block_registers(folder: Path) -> None:
    """Rewrite `netlist.json` in a folder, a flat design, and the counts of its cells in `stat.json`."""
    netlist, statistics = folder / "netlist.json", folder / "stat.json"
    design = json.loads(netlist.read_text())
    (top,) = (name for name, module in design["modules"].items() if "top" in module["attributes"])
    cells = design["modules"][top]["cells"]
    before = _registers(cells)
    _Packing(design["modules"][top]).pack()
    netlist.write_text(json.dumps(design))
    counts = json.loads(statistics.read_text())
    if before != _registers(cells):
        counts["modules"][f"\\{top}"]["num_cells_by_type"][_REGISTER] = _registers(cells)
        statistics.write_text(json.dumps(counts))


def _registers(cells: dict[str, Any]) -> int:
    return sum(cell["type"] == _REGISTER for cell in cells.values())


class _Packing:
    """A flat module while its registers move."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.cells: dict[str, Any] = module["cells"]
        self.outputs = {
            bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"]
        }
        self.readers: dict[Bit, list[tuple[str, str]]] = defaultdict(list)
        for name, cell in self.cells.items():
            for port, (bit, *_) in cell["connections"].items():
                if cell["port_directions"][port] == "input":
                    self.readers[bit].append((name, port))

    def pack(self) -> None:
        for cell in list(self.cells.values()):
            if cell["type"] == "DP16KD":
                for outputs, control in (("AB", "B"),) if _is(cell, "DATA_WIDTH_A", 36) else (("A", "A"), ("B", "B")):
                    self._pack_memory(cell, outputs, control)
            elif cell["type"] == "MULT18X18D" and "REG_OUTPUT_CLK" not in cell["parameters"]:
                self._pack_multiplier(cell)

    def _pack_memory(self, memory: dict[str, Any], outputs: str, control: str) -> None:
        """The data of one side, or of both if they are one word, which the second side reads then."""
        wires = memory["connections"]
        ports = [
            port for port in wires if port.startswith("DO") and port[2] in outputs and self._is_read(wires[port][0])
        ]
        found = self._behind(wires, ports)
        if found is None or (found.control.reset, wires[f"RST{control}"]) != ("0", ["0"]):
            return
        if [found.control.clock] != wires[f"CLK{control}"]:
            return
        wires[f"OCE{control}"] = [found.control.enable]
        memory["parameters"] |= {f"REGMODE_{side}": "OUTREG" for side in outputs}
        self._absorb(memory, ports, found.registers)

    def _pack_multiplier(self, multiplier: dict[str, Any]) -> None:
        """The product, whose register has no condition. The factors' stay, close to what they come from."""
        wires = multiplier["connections"]
        ports = [port for port in wires if port[0] == "P" and port[1:].isdigit() and self._is_read(wires[port][0])]
        found = self._behind(wires, ports)
        if found is None or (found.control.enable, found.control.reset) != ("1", "0"):
            return
        multiplier["parameters"] |= {"REG_OUTPUT_CLK": "CLK0"}
        wires |= {"CLK0": [found.control.clock], "CE0": ["1"], "RST0": ["0"]}
        multiplier["port_directions"] |= dict.fromkeys(("CLK0", "CE0", "RST0"), "input")
        self._absorb(multiplier, ports, found.registers)

    def _is_read(self, bit: Bit) -> bool:
        return bit in self.readers or bit in self.outputs

    def _behind(self, wires: dict[str, list[Bit]], ports: list[str]) -> _Behind | None:
        """The registers behind outputs, if each is all that reads its output, and what controls one controls all."""
        registers = []
        for port in ports:
            bit, readers = wires[port][0], self.readers[wires[port][0]]
            if bit in self.outputs or len(readers) != 1 or readers[0][1] != "DI":
                return None
            registers.append(readers[0][0])
        controls = {self._control(name) for name in registers}
        control = controls.pop() if len(controls) == 1 else None
        return control and _Behind(registers, control)

    def _control(self, name: str) -> _Control | None:
        """Of a register that the blocks have, too; None of any other."""
        wires, parameters = self.cells[name]["connections"], self.cells[name]["parameters"]
        expected = {"CLKMUX": "CLK", "REGSET": "RESET", "LSRMUX": "LSR", "SRMODE": "LSR_OVER_CE"}
        enable = {"CE": wires.get("CE", ["1"])[0], "1": "1"}.get(parameters["CEMUX"].strip())
        if enable is None or any(parameters.get(key, value) != value for key, value in expected.items()):
            return None
        return _Control(wires["CLK"][0], enable, wires.get("LSR", ["0"])[0])

    def _absorb(self, block: dict[str, Any], ports: list[str], registers: list[str]) -> None:
        """The block drives what the registers behind it drove."""
        for port, name in zip(ports, registers, strict=True):
            block["connections"][port] = self.cells.pop(name)["connections"]["Q"]


def _is(cell: dict[str, Any], parameter: str, value: int) -> bool:
    return int(cell["parameters"][parameter], 2) == value
