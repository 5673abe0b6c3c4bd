"""How parts that stand side by side in great number are placed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amaranth import ClockSignal, Instance, Module, ResetSignal
from amaranth.hdl import Value, ValueLike
from amaranth.lib.wiring import Component, In


class SharedCells:
    """A platform for which equal cells are one Verilog module, placed by its name.

    Without it each is a submodule. Amaranth does not merge those that are alike: 32 × 32 PEs take 13 s and 178,000
    lines of Verilog as submodules, 2 s and 35,000 lines as one module.
    """

    def __init__(self) -> None:
        #: The cells that were placed, by name of their module. Whoever writes the Verilog writes each once.
        self.cells: dict[str, Component] = {}

    def instance(self, cell: str, make: Callable[[], Component], nets: Mapping[str, ValueLike]) -> Instance:
        """One place of a cell, with the nets at its ports."""
        if cell not in self.cells:
            self.cells[cell] = make()
        members = self.cells[cell].signature.members
        ports = {f"{'i' if members[port].flow == In else 'o'}_{port}": Value.cast(net) for port, net in nets.items()}
        return Instance(cell, i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)


def place(m: Module, platform: object, name: str, cell: str, make: Callable[[], Component], **nets: Value) -> None:
    """Place one of many equal components.

    Args:
        platform: of the elaboration; `SharedCells`, or any other.
        name: of this place.
        cell: name of the component's module in Verilog, if it is shared.
        make: returns the component, the same for all places of a cell.
        nets: what is at each port; an output drives its net.
    """
    if isinstance(platform, SharedCells):
        m.submodules[name] = platform.instance(cell, make, nets)
        return
    m.submodules[name] = part = make()
    for port, net in nets.items():
        inside, outside = Value.cast(getattr(part, port)), Value.cast(net)
        m.d.comb += inside.eq(outside) if part.signature.members[port].flow == In else outside.eq(inside)
