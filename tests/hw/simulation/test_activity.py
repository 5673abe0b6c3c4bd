"""Activity of a run: what the two files say of the same window, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.simulation.activity import Activity
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from tests.sim.machine.machine_programs import MachineProgram

CLOCKS = 500
MACHINE = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128", "clock_mhz=100"]))
#: Nets of the top that are one bit wide, and so have a name alone in both files.
NETS = ("clk", "stored_o", "busy_o", "start_i")


@pytest.mark.parametrize(
    ("file", "window", "said"),
    [("a.txt", (), "expected a file .saif or .vcd"), ("a.vcd", (0, 0), "a window of a clock at least")],
)
def test_what_is_refused(file: str, window: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Activity.of(Path(file), *window)


def _saif(text: str) -> dict[str, int]:
    """Changes of each net of the top."""
    top = text[: text.index("(INSTANCE machine")]
    found = re.findall(r"\((\S+) \(T0 (\d+)\) \(T1 (\d+)\) .*?\(TC (\d+)\)\)", top)
    return {name: int(changes) for name, _, _, changes in found}


def _vcd(text: str) -> dict[str, int]:
    """The same, change by change; as Verilator's SAIF counts, a net that begins at 1 has changed once."""
    head, body = text.split("$enddefinitions $end")
    names = dict(re.findall(r"\$var wire +1 (\S+) (\w+) \$end", head[: head.index("$scope module machine")]))
    values = dict.fromkeys(names.values(), "0")
    changes = dict.fromkeys(values, 0)
    for value, code in re.findall(r"^([01])(\S+)$", body, re.MULTILINE):
        if code in names:
            changes[names[code]] += value != values[names[code]]
            values[names[code]] = value
    return changes


@pytest.fixture(scope="module")
def program() -> MachineProgram:
    return MachineProgram.random(MACHINE, np.random.default_rng(7), 3)


def _run(program: MachineProgram, activity: Activity | None) -> MachineRun:
    rtl = VerilatedMachine(machine_verilog(MACHINE), MACHINE, activity)
    return rtl.run(program.memory, 0, len(program.instructions), max_clocks=50_000)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_files_tell_of_the_same_window(program: MachineProgram, tmp_path: Path) -> None:
    plain = _run(program, None)
    first = plain.stored[0] - 200
    texts = []
    for name in ("a.saif", "a.vcd"):
        run = _run(program, Activity.of(tmp_path / name, first, CLOCKS))
        assert (run.cycles, run.counters, run.stored) == (plain.cycles, plain.counters, plain.stored)
        texts.append((tmp_path / name).read_text())
    saif, vcd = _saif(texts[0]), _vcd(texts[1])
    stored = sum(first <= clock < first + CLOCKS for clock in plain.stored)
    for net in NETS:
        assert saif[net] == vcd[net], net
    assert saif["clk"] == 2 * CLOCKS - 1
    assert saif["stored_o"] in (2 * stored, 2 * stored - 1)
    assert stored
    assert (saif["busy_o"], saif["start_i"]) == (1, 0)
    period_ps = 10_000
    assert f"(DURATION {CLOCKS * period_ps - period_ps // 2})" in texts[0]
    assert "$timescale 1ps $end" in " ".join(texts[1].split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_window_after_the_end_is_refused(program: MachineProgram, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="before its window"):
        _run(program, Activity.of(tmp_path / "a.saif", 1_000_000))
