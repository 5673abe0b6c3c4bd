"""The C driver, by itself and on the RTL, and SystemRDL that says what the description says."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import CoreError
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Access, Counter, Register, constants
from skipbeat_hw.simulation.verilated import harness_text, shared_object
from skipbeat_hw.tools.delivery.register_files import register_description
from skipbeat_hw.tools.verilog import accelerator_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.tools.delivery.c_driver import Program, compiled
from tests.sim.machine.hand_programs import image
from tests.sim.machine.machine_programs import MachineProgram

MACHINE = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128", "memory.address_bits=40"]))
BUSY, OTHER_HARDWARE, BAD_BASE, TIMEOUT, NOT_DONE = -1, -2, -3, -4, -5
BASE = 0x12_3456_7000
needs_a_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


class Registers:
    """Registers that hold what is written, and note it."""

    def __init__(self) -> None:
        self.held: dict[int, int] = {int(register): word for register, word in constants(MACHINE).items()}
        self.written: list[tuple[int, int]] = []

    def read(self, _device: int, offset: int) -> int:
        return self.held.get(offset, 0)

    def write(self, _device: int, offset: int, value: int) -> None:
        self.written.append((offset, value))


@needs_a_compiler
def test_the_driver_says_to_the_registers_what_it_should(tmp_path: Path) -> None:
    registers = Registers()
    read = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)(registers.read)
    write = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)(registers.write)
    driver = compiled(tmp_path, read, write)

    def start(base: int, fingerprint: int = MACHINE.fingerprint) -> int:
        return int(driver.skipbeat_start(0, Program(base, 0x40, 7, fingerprint)))

    assert start(BASE, MACHINE.fingerprint ^ 1) == OTHER_HARDWARE
    assert [start(base) for base in (BASE + 4, 1 << 40)] == [BAD_BASE, BAD_BASE]
    registers.held[Register.STATUS] = 1
    assert (start(BASE), driver.skipbeat_outcome(0), driver.skipbeat_wait(0, 3)) == (BUSY, BUSY, TIMEOUT)
    assert not registers.written
    registers.held[Register.STATUS] = 0
    assert driver.skipbeat_outcome(0) == NOT_DONE
    assert start(BASE) == 0
    order = (Register.BASE_LOW, Register.BASE_HIGH, Register.PROGRAM, Register.COUNT, Register.CONTROL)
    assert registers.written == list(zip(order, (0x3456_7000, 0x12, 0x40, 7, 1), strict=True))
    for status, outcome in ((2, 0), (MachineError.DEADLOCK << 8, 25), (MachineError.ABORTED << 8 | 2, 26)):
        registers.held[Register.STATUS] = status
        assert driver.skipbeat_wait(0, 0) == outcome
    registers.held |= {Counter.HAZARD.offset: 0x89ABCDEF, Counter.HAZARD.offset + 4: 0x1234}
    assert driver.skipbeat_counter(0, Counter.HAZARD.offset) == 0x1234_89AB_CDEF
    names = {error.value: error.name for kind in (CoreError, MachineError) for error in kind if error}
    assert {code: driver.skipbeat_error_name(code).decode() for code in names} == names
    assert driver.skipbeat_error_name(99) == b"UNKNOWN"


class Bench:
    """An accelerator on the RTL, its memory and the driver over it."""

    def __init__(self, folder: Path) -> None:
        harness = harness_text() + (Path(__file__).parent / "driver_bench.cpp").read_text()
        self.rtl = ctypes.CDLL(str(shared_object(accelerator_verilog(MACHINE), "accelerator", harness)))
        self.rtl.bench_new.restype = ctypes.c_void_p
        self.rtl.bench_new.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int]
        self.rtl.bench_delete.argtypes = self.rtl.bench_interrupt.argtypes = [ctypes.c_void_p]
        self.rtl.bench_step.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self.driver: Any = compiled(folder, self.rtl.bench_read, self.rtl.bench_write)
        self.memory = np.zeros(1 << 19, np.uint8)
        self.device = self.rtl.bench_new(self.memory.ctypes.data, self.memory.size, BASE, MACHINE.beat_bytes)

    def start(self, memory: np.ndarray[Any, np.dtype[np.uint8]], count: int) -> int:
        self.memory[:] = 0
        self.memory[: memory.size] = memory
        return int(self.driver.skipbeat_start(self.device, Program(BASE, 0, count, MACHINE.fingerprint)))

    def wait(self, polls: int = 0) -> int:
        return int(self.driver.skipbeat_wait(self.device, polls))

    @property
    def interrupt(self) -> int:
        return int(self.rtl.bench_interrupt(self.device))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("driver"))
    yield made
    made.rtl.bench_delete(made.device)


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_a_compiler
def test_the_driver_runs_programs_on_the_rtl(bench: Bench) -> None:
    """From a base beyond 4 GiB: what memory and counters hold, the interrupt, errors, an abort and a run after it."""
    program = MachineProgram.random(MACHINE, np.random.default_rng(3), units=2)
    count, driver, device = len(program.instructions), bench.driver, bench.device
    model = run_machine(MACHINE, program.memory, 0, count, max_clocks=50_000)
    assert driver.skipbeat_outcome(device) == NOT_DONE
    for enabled in (False, True):
        driver.skipbeat_enable_interrupt(device, enabled)
        assert bench.start(program.memory, count) == 0
        assert bench.wait(2) == TIMEOUT
        assert driver.skipbeat_start(device, Program(BASE, 0, count, MACHINE.fingerprint)) == BUSY
        assert (bench.wait(), bench.interrupt) == (0, int(enabled))
        np.testing.assert_array_equal(bench.memory[: program.after.size], program.after)
        counted = {counter: driver.skipbeat_counter(device, counter.offset) for counter in Counter}
        assert counted[Counter.READ_BEATS] * MACHINE.beat_bytes == model.bytes_read
        assert counted[Counter.COMPUTE] == model.clocks.compute
        assert counted[Counter.CYCLES] == sum(counted[c] for c in Counter if Counter.IDLE <= c < Counter.READ_BEATS)
        assert [driver.skipbeat_take_interrupt(device) for _ in range(2)] == [True, False]
        assert bench.interrupt == 0
    header = isa.Header(version=isa.VERSION, fingerprint=MACHINE.fingerprint)
    for body, error in (
        ([isa.End()], MachineError.BAD_PROGRAM),
        ([header, isa.End(wait=(Engine.LOAD,))], MachineError.DEADLOCK),
    ):
        assert bench.start(image(body), len(body)) == 0
        assert bench.wait() == error
    assert bench.start(program.memory, count) == 0
    bench.rtl.bench_step(device, 90)
    driver.skipbeat_abort(device)
    assert bench.wait() == MachineError.ABORTED
    assert bench.start(program.memory, count) == 0
    assert bench.wait() == 0
    np.testing.assert_array_equal(bench.memory[: program.after.size], program.after)


def test_system_rdl_says_what_the_description_says(tmp_path: Path) -> None:
    rdl = pytest.importorskip("systemrdl")
    (tmp_path / "accelerator.rdl").write_text(register_description(MACHINE, "accelerator"))
    compiler = rdl.RDLCompiler()
    compiler.compile_file(str(tmp_path / "accelerator.rdl"))
    top = compiler.elaborate().top
    made = {register.inst_name: register for register in top.registers()}
    assert set(made) == {*Register.__members__, *Counter.__members__, *(f"{name}_HIGH" for name in Counter.__members__)}
    writable = (Access.WRITE, Access.READ_WRITE, Access.READ_CLEAR)
    for register in Register:
        found = made[register.name]
        fields = {(field.inst_name, field.low, field.width) for field in found.fields()}
        assert (found.absolute_address, fields) == (register, {field[:3] for field in register.fields})
        assert found.has_sw_writable == (register.access in writable)
        reset = sum(field.get_property("reset") << field.low for field in found.fields())
        assert reset == constants(MACHINE).get(register, 0)
    assert all(made[counter.name].absolute_address == counter.offset for counter in Counter)


@pytest.mark.parametrize(("command", "holds"), [("html", "index.html"), ("ip-xact", "")])
def test_other_formats_come_from_system_rdl(tmp_path: Path, command: str, holds: str) -> None:
    """With the commands that docs/integration.md and the file itself name."""
    pytest.importorskip("peakrdl")
    text = register_description(MACHINE, "accelerator")
    (tmp_path / "accelerator.rdl").write_text(text)
    (line,) = (line[3:].split() for line in text.splitlines() if line.startswith(f"//   peakrdl {command} "))
    program = Path(sys.executable).with_name("peakrdl")
    subprocess.run([program, *line[1:]], cwd=tmp_path, check=True, capture_output=True, timeout=100)
    made = tmp_path / line[-1]
    assert (made / holds).is_file() if holds else "<ipxact:name>BASE_HIGH</ipxact:name>" in made.read_text()
