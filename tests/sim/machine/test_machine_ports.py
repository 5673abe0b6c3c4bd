"""The machine driven port by port, as a test bench drives the RTL: the runner's clocks, and a start after a run."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.machine.machine import MachineTop
from skipbeat_sim.machine.axi import Address, WriteBeat
from skipbeat_sim.machine.memory import ExternalMemory
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.ported import Ported
from tests.sim.machine.machine_programs import MachineProgram

TINY = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128", "outputs.buffer_kib=4"]))


def drive(
    model: Ported, memory: Bytes, count: int, clocks: int, rst_at: int = -1, address: int = 0, machine: Machine = TINY
) -> list[dict[str, int]]:
    """The ports of each clock; the start pulse is in the first, and in the third once more, where it does nothing."""
    external, rows = ExternalMemory(machine, memory), []
    for clock in range(clocks):
        external.evaluate()
        r = external.r
        inputs = {
            "start_i": int(clock in (0, 2)),
            "address_i": address,
            "count_i": count,
            "page_i": 0,
            "abort_i": 0,
            "rst": int(clock == rst_at),
            "read__arready": 1,
            "write__awready": 1,
            "write__wready": int(external.w_ready),
            "read__rvalid": int(r is not None),
            "read__rdata": r.data if r else 5,
            "read__rresp": r.resp if r else 3,
            "read__rlast": int(r.last) if r else 1,
            "write__bvalid": int(external.b is not None),
            "write__bresp": external.b.resp if external.b else 0,
        }
        outputs = model.outputs(inputs)
        rows.append(inputs | outputs)
        ar, aw = (
            Address(outputs[f"{c}addr"], outputs[f"{c}len"], outputs[f"{c}size"]) if outputs[f"{c}valid"] else None
            for c in ("read__ar", "write__aw")
        )
        beat = outputs["write__wdata"], outputs["write__wstrb"], bool(outputs["write__wlast"])
        w = WriteBeat(*beat) if outputs["write__wvalid"] else None
        external.update(ar, aw, w)
        model.tick(inputs)
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_ports_show_the_runners_run(seed: int) -> None:
    program = MachineProgram.random(TINY, np.random.default_rng(seed), units=2)
    run = run_machine(TINY, program.memory, 0, len(program.instructions), max_clocks=50_000)
    model = Ported(MachineTop, {"machine": TINY}, without=("counter_i", "count_o"))
    memory = program.memory.copy()
    rows = drive(model, memory, len(program.instructions), run.cycles + 2)
    assert [row["busy_o"] for row in rows] == [0] + [1] * (run.cycles - 1) + [0, 0]
    assert rows[-1]["done_o"] == 1
    assert rows[-1]["error_o"] == 0
    assert tuple(clock for clock, row in enumerate(rows) if row["stored_o"]) == run.stored
    np.testing.assert_array_equal(memory, run.memory)
    again = drive(model, program.memory.copy(), len(program.instructions), run.cycles + 2)
    assert again[1:] == rows[1:]


def test_after_a_reset_in_mid_run_the_machine_is_as_new() -> None:
    rng = np.random.default_rng(7)
    program = MachineProgram.random(TINY, rng, units=2)
    count = len(program.instructions)
    run = run_machine(TINY, program.memory, 0, count, max_clocks=50_000)
    model = Ported(MachineTop, {"machine": TINY}, without=("counter_i", "count_o"))
    for stop in rng.integers(5, run.cycles, 4):
        rows = drive(model, program.memory.copy(), count, int(stop) + 1, rst_at=int(stop))
        assert rows[-1]["busy_o"] == 1
        memory = program.memory.copy()
        rows = drive(model, memory, count, run.cycles + 1)
        assert (rows[-1]["busy_o"], rows[-2]["busy_o"], rows[-1]["done_o"]) == (0, 1, 1)
        np.testing.assert_array_equal(memory, run.memory)


def test_a_program_that_is_not_aligned_is_not_read() -> None:
    model = Ported(MachineTop, {"machine": TINY}, without=("counter_i", "count_o"))
    rows = drive(model, np.zeros(64, np.uint8), 2, 6, address=TINY.vector // 2)
    assert [(row["busy_o"], row["done_o"]) for row in rows] == [(0, 0), (1, 0), (1, 0), (0, 0), (0, 0), (0, 0)]
    assert [row["error_o"] for row in rows] == [0, 0, *[MachineError.UNALIGNED_PROGRAM] * 4]
    assert not any(row["read__arvalid"] for row in rows)
