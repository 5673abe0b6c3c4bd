"""Which bits of a netlist can reach an output at all: a fault anywhere else is no fault.

The netlist is what Yosys writes with `write_json`, modules and word-level cells as they are. From the outputs of the
top module backwards, bit by bit, through every instance: bit k of a sum depends on the operands' bits 0..k, a bit of a
register or multiplexer on the same bit of its inputs, and so on; a cell that is not known depends on everything. So
upper bits of an address that no memory has, also where they feed back into their own register, are not reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypedDict

#: Cells whose output bit k depends on bit k of these ports, on bits 0..k, on bits k.. , and on all other ports whole.
_SAME = {"$not", "$and", "$or", "$xor", "$xnor", "$pos", "$mux", "$pmux", "$bwmux"}
_LOWER = {"$add", "$sub", "$neg", "$mul"}
_UPPER = {"$shr", "$sshr"}
_REGISTERS = {"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce", "$adff", "$adffe", "$ff"}
_DATA = {"A", "B", "D"}


class Cell(TypedDict):
    """A cell in Yosys' JSON."""

    type: str
    port_directions: dict[str, str]
    connections: dict[str, list[int | str]]


class Port(TypedDict):
    """A port of a module in Yosys' JSON."""

    direction: str
    bits: list[int | str]


class Net(TypedDict):
    """A named net in Yosys' JSON; `hide_name` is 1 for names that Yosys made up."""

    hide_name: int
    bits: list[int | str]


class Netlist(TypedDict):
    """A module in Yosys' JSON."""

    ports: dict[str, Port]
    cells: dict[str, Cell]
    netnames: dict[str, Net]


#: An instance's path, with a number for the net in it.
_Net = tuple[str, int]


@dataclass
class Observable:
    """Bits of cells' ports that an output depends on: (module, cell, port, bit), each in at least one instance."""

    modules: dict[str, Netlist]
    bits: set[tuple[str, str, str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, modules: dict[str, Netlist], top: str) -> Observable:
        """Of all modules below `top`."""
        found = cls(modules)
        found._search(top)
        return found

    def _search(self, top: str) -> None:
        self._drivers: dict[_Net, list[tuple[str, str, str, str, int]]] = defaultdict(list)
        self._place(top, "")
        outputs = (port for port in self.modules[top]["ports"].values() if port["direction"] == "output")
        ahead = [("", bit) for port in outputs for bit in port["bits"] if isinstance(bit, int)]
        reached = set(ahead)
        while ahead:
            for net in self._before(ahead.pop()):
                if net not in reached:
                    reached.add(net)
                    ahead.append(net)

    def _place(self, module: str, path: str) -> None:
        """Notes who drives each net of an instance: (path, module, cell, port, bit)."""
        for name, cell in self.modules[module]["cells"].items():
            inner = self.modules.get(cell["type"])
            if inner is not None:
                below = f"{path}/{name}"
                self._place(cell["type"], below)
                for port, pin in inner["ports"].items():
                    for i, bit in enumerate(pin["bits"]):
                        if pin["direction"] == "input" and isinstance(bit, int):
                            self._drivers[below, bit].append((path, module, name, port, i))
            for port, direction in cell["port_directions"].items():
                if direction == "output":
                    for i, bit in enumerate(cell["connections"][port]):
                        if isinstance(bit, int):
                            self._drivers[path, bit].append((path, module, name, port, i))

    def _before(self, net: _Net) -> Iterator[_Net]:
        """The nets that a net depends on directly."""
        for path, module, name, port, i in self._drivers[net]:
            cell = self.modules[module]["cells"][name]
            self.bits.add((module, name, port, i))
            if cell["port_directions"][port] == "input":  # of the instance inside which `net` is
                yield from _nets(path, cell["connections"][port][i])
            elif cell["type"] in self.modules:
                yield from _nets(f"{path}/{name}", self.modules[cell["type"]]["ports"][port]["bits"][i])
            else:
                for source, k in influences(cell, port, i):
                    self.bits.add((module, name, source, k))
                    yield from _nets(path, cell["connections"][source][k])


def _nets(path: str, bit: int | str) -> Iterator[_Net]:
    if isinstance(bit, int):
        yield path, bit


def register_name(module: Netlist, cell: str) -> str:
    """What a designer called the register that a cell is; empty if the cell is none or has no name of its own."""
    found = module["cells"].get(cell)
    if found is None or found["type"] not in _REGISTERS:
        return ""
    bits = found["connections"]["Q"]
    named = (name for name, net in module["netnames"].items() if net["bits"] == bits and not net["hide_name"])
    return min((name for name in named if "$" not in name), key=len, default="")


def influences(cell: Cell, port: str, bit: int) -> Iterator[tuple[str, int]]:
    """The bits of a cell's inputs, (port, bit), that may change one bit of its outputs."""
    kind, width = cell["type"], len(cell["connections"][port])
    for source, bits in cell["connections"].items():
        if cell["port_directions"][source] == "output":
            continue
        chosen = range(len(bits))
        last = len(bits) - 1
        if kind in _SAME | _REGISTERS and source in _DATA:
            # A narrower operand is extended by its last bit; a $pmux has several words in B.
            chosen = range(bit, len(bits), width) if kind == "$pmux" else range(min(bit, last), min(bit, last) + 1)
        elif kind in _LOWER and source in _DATA:
            chosen = range(min(bit, last) + 1)
        elif kind in _UPPER and source == "A":
            chosen = range(min(bit, last), len(bits))
        elif kind == "$mem_v2" and source.endswith(("DATA", "EN")) and source.startswith("WR_"):
            chosen = range(bit % _memory_width(cell), len(bits), _memory_width(cell))
        elif kind == "$mem_v2" and source.startswith("RD_"):
            chosen = _of_port(len(bits), len(cell["connections"]["RD_CLK"]), bit // _memory_width(cell))
        yield from ((source, k) for k in chosen)


def _memory_width(cell: Cell) -> int:
    return len(cell["connections"]["RD_DATA"]) // len(cell["connections"]["RD_CLK"])


def _of_port(bits: int, ports: int, port: int) -> range:
    return range(bits // ports * port, bits // ports * (port + 1))
