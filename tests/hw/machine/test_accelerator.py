"""The accelerator in Amaranth's simulator: registers, and the shortest programs, over its AXI ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from amaranth import Module
from amaranth.sim import Simulator, SimulatorContext

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES, VERSION, End, Header, Store
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Register
from skipbeat_hw.machine.accelerator import Accelerator
from skipbeat_hw.machine.machine import MachineTop
from skipbeat_sim.machine.axi import Address, WriteBeat
from skipbeat_sim.machine.memory import ExternalMemory
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.in_process import converted, refuses
from tests.hw.machine.lockstep_parts import SMALL
from tests.sim.machine.hand_programs import convolution, image, instructions_of

MACHINE = SMALL.machine
PROGRAM = 0x40
CHANNELS = {"ar": ("addr", "len", "size"), "aw": ("addr", "len", "size"), "w": ("data", "strb", "last")}


def answering(part: Accelerator, external: ExternalMemory) -> Callable[[SimulatorContext], Awaitable[None]]:
    """The memory at the accelerator's port, for ever."""

    async def answer(context: SimulatorContext) -> None:
        while True:
            external.evaluate()
            r, b = external.r, external.b
            for port, value in (("arready", 1), ("awready", 1), ("wready", external.w_ready)):
                context.set(getattr(part, f"m_axi_{port}"), value)
            context.set(part.m_axi_rvalid, r is not None)
            context.set(part.m_axi_bvalid, b is not None)
            if r is not None:
                context.set(part.m_axi_rdata, r.data)
                context.set(part.m_axi_rlast, r.last)

            def taken(channel: str, *names: str) -> list[int] | None:
                values = [int(context.get(getattr(part, f"m_axi_{channel}{name}"))) for name in ("valid", *names)]
                return values[1:] if values[0] else None

            ar, aw, w = (taken(channel, *names) for channel, names in CHANNELS.items())
            external.update(
                None if ar is None else Address(*ar),
                None if aw is None else Address(*aw),
                None if w is None else WriteBeat(w[0], w[1], bool(w[2])),
            )
            await context.tick()

    return answer


async def _write(context: SimulatorContext, part: Accelerator, register: Register, value: int) -> None:
    context.set(part.s_axi_awaddr, register)
    context.set(part.s_axi_wdata, value)
    for port in (part.s_axi_awvalid, part.s_axi_wvalid):
        context.set(port, 1)
    await context.tick()
    for port in (part.s_axi_awvalid, part.s_axi_wvalid):
        context.set(port, 0)
    await context.tick().until(part.s_axi_bvalid)


async def _read(context: SimulatorContext, part: Accelerator, register: Register) -> int:
    context.set(part.s_axi_araddr, register)
    context.set(part.s_axi_arvalid, 1)
    await context.tick()
    context.set(part.s_axi_arvalid, 0)
    (value,) = await context.tick().sample(part.s_axi_rdata).until(part.s_axi_rvalid)
    return int(value)


def _status(program: bytes, at: int = PROGRAM) -> dict[Register, int]:
    """What the registers say after a run of `program`, which lies at PROGRAM, started `at` an address."""
    part = Accelerator(MACHINE)
    m = Module()
    m.submodules.part = part
    found: dict[Register, int] = {}

    async def memory(context: SimulatorContext) -> None:
        size = MACHINE.beat_bytes
        context.set(part.m_axi_arready, 1)
        for _ in range(len(program) // (size * MACHINE.burst_beats)):
            asked = context.tick().sample(part.m_axi_araddr, part.m_axi_arlen).until(part.m_axi_arvalid)
            address, last = await asked
            context.set(part.m_axi_arready, 0)
            context.set(part.m_axi_rvalid, 1)
            for beat in range(last + 1):
                start = address - PROGRAM + beat * size
                context.set(part.m_axi_rdata, int.from_bytes(program[start : start + size], "little"))
                context.set(part.m_axi_rlast, beat == last)
                await context.tick()
            context.set(part.m_axi_rvalid, 0)
            context.set(part.m_axi_arready, 1)

    async def software(context: SimulatorContext) -> None:
        context.set(part.s_axi_wstrb, 15)
        for port in (part.s_axi_bready, part.s_axi_rready):
            context.set(port, 1)
        await _write(context, part, Register.PROGRAM, at)
        await _write(context, part, Register.COUNT, len(program) // INSTRUCTION_BYTES)
        await _write(context, part, Register.INTERRUPT_ENABLE, 1)
        await _write(context, part, Register.CONTROL, 1)
        await context.tick().until(part.interrupt_o)
        for register in (Register.STATUS, Register.VERSION, Register.FINGERPRINT, Register.PROGRAM):
            found[register] = await _read(context, part, register)

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(software)
    if at == PROGRAM:  # otherwise nothing may be read
        simulator.add_testbench(memory, background=True)
    simulator.run()
    return found


def _program(fingerprint: int) -> bytes:
    instructions = (Header(version=VERSION, fingerprint=fingerprint), End())
    return b"".join(i.to_word().to_bytes(INSTRUCTION_BYTES, "little") for i in instructions)


def test_a_program_runs_to_its_end() -> None:
    assert _status(_program(MACHINE.fingerprint)) == {
        Register.STATUS: 2,
        Register.VERSION: VERSION,
        Register.FINGERPRINT: MACHINE.fingerprint,
        Register.PROGRAM: PROGRAM,
    }


def test_a_program_for_other_hardware_is_refused() -> None:
    status = _status(_program(MACHINE.fingerprint ^ 1))[Register.STATUS]
    assert status == MachineError.WRONG_HARDWARE << 8


@pytest.mark.parametrize("off", [1, MACHINE.vector // 2])
def test_a_program_that_is_not_aligned_is_refused(off: int) -> None:
    """The run ends though no memory answers."""
    status = _status(_program(MACHINE.fingerprint), PROGRAM + off)[Register.STATUS]
    assert status == MachineError.UNALIGNED_PROGRAM << 8


@pytest.mark.slow
def test_what_a_run_rounded_is_read_over_the_bus() -> None:
    """PEAK and CLIPS after each of two runs that round the same sums; the second run's are no sums of both."""
    machine = Machine.of(load_hardware("tiny-4x4", ["outputs.gradients=true", "memory.latency_clocks=2"]))
    layer = convolution(machine)
    code = [
        replace(each, low=-127, stochastic=True, seed=1) if isinstance(each, Store) else each
        for each in instructions_of(layer.memory, layer.count)
    ]
    size = INSTRUCTION_BYTES * layer.count
    layer.memory[:size] = image(code, size)
    layer.memory[0x1100 + 12 * machine.vector] = 6
    model = run_machine(machine, layer.memory, 0, layer.count, max_clocks=5000)
    assert model.clips
    found: list[tuple[int, ...]] = []
    part = Accelerator(machine)

    async def software(context: SimulatorContext) -> None:
        context.set(part.s_axi_wstrb, 15)
        for port in (part.s_axi_bready, part.s_axi_rready):
            context.set(port, 1)
        await _write(context, part, Register.COUNT, layer.count)
        await _write(context, part, Register.INTERRUPT_ENABLE, 1)
        for _ in range(2):
            await _write(context, part, Register.CONTROL, 1)
            await context.tick().until(part.interrupt_o)
            registers = Register.STATUS, Register.PEAK, Register.CLIPS
            found.append(tuple([await _read(context, part, register) for register in registers]))

    simulator = Simulator(part)
    simulator.add_clock(1e-6)
    simulator.add_testbench(software)
    simulator.add_testbench(answering(part, ExternalMemory(machine, layer.memory.copy())), background=True)
    simulator.run()
    assert found == [(2, model.bits, model.clips)] * 2


def test_verilog_without_the_generator() -> None:
    text = converted(Accelerator(MACHINE), "accelerator")
    assert text.count("\nmodule \\accelerator.machine.core.array.pe_") == MACHINE.hw.pes


def test_wants_a_machine() -> None:
    refuses(Accelerator)
    refuses(MachineTop)
