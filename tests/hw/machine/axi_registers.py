"""The registers over AXI4-Lite. Runs inside the simulator."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import COUNTERS_AT, Access, Counter, Register, constants, kept

from .axi_bench import ABORT, DONE, MACHINE, START, Bench, scenario

END_OF_COUNTERS = COUNTERS_AT + 8 * len(Counter)
END_OF_REGISTERS = 0x200


@cocotb.test()
async def constants_tell_what_was_built(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    for register, value in constants(MACHINE).items():
        assert await bench.read(register) == value, register.name
    assert await bench.read(Register.FINGERPRINT) == MACHINE.fingerprint
    shape = (await bench.read(Register.SHAPE)).to_bytes(4, "little")
    hw = MACHINE.hw
    assert tuple(shape) == (hw.array.rows, hw.array.cols, hw.array.group, hw.weights.decode_lanes)
    assert await bench.read(Register.STATUS) == 0
    assert dut.interrupt_o.value == 0


@cocotb.test()
async def registers_that_there_are_not_read_as_zero(dut: Any) -> None:
    bench = await Bench.start(dut)
    await bench.runs_right(scenario("short"))
    there = {*Register, *range(COUNTERS_AT, END_OF_COUNTERS, 4)} - {Register.CONTROL}
    for address in range(0, END_OF_REGISTERS, 4):
        if address not in there:
            assert await bench.read(address) == 0, hex(address)


@cocotb.test()
async def writes_change_only_what_they_may(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    await bench.runs_right(scenario("short"))
    addresses = range(0, END_OF_REGISTERS, 4)
    before = {address: await bench.read(address) for address in addresses}
    held = [register for register in Register if register.access == Access.READ_WRITE]
    for address in addresses:
        # Bit 0 stays clear: CONTROL does not start, and INTERRUPT is not cleared. An abort does nothing to an idle run.
        await bench.write(address, random.getrandbits(32) & ~1)
        if address in held:
            await bench.write(address, before[address])
    assert {address: await bench.read(address) for address in addresses} == before
    for register in held:
        for value in (0xFFFFFFFF, random.getrandbits(32)):
            await bench.write(register, value)
            assert await bench.read(register) == value & kept(register, MACHINE), register.name


@cocotb.test()
async def parts_of_a_register_are_not_written(dut: Any) -> None:
    bench = await Bench.start(dut)
    await bench.write(Register.PROGRAM, 0x11223344)
    for offset, length in ((0, 1), (1, 2), (0, 3), (3, 1)):
        await bench.lite.write(Register.PROGRAM + offset, b"\xff" * length)
        await bench.lite.write(Register.CONTROL + offset, b"\x01" * length)
    assert await bench.read(Register.PROGRAM) == 0x11223344
    assert await bench.read(Register.STATUS) == 0


@cocotb.test()
@cocotb.parametrize(late=["aw", "w", "b"])
async def address_and_data_come_in_any_order(dut: Any, late: str) -> None:
    bench = await Bench.start(dut)
    channel = getattr(bench.lite.write_if, f"{late}_channel")
    for value in (0x1230, 0x4560, 0x7890):
        channel.pause = True
        write = cocotb.start_soon(bench.write(Register.PROGRAM, value))
        await ClockCycles(dut.clk, random.randrange(3, 20))
        assert not write.done()
        channel.pause = False
        await write
        assert await bench.read(Register.PROGRAM) == value


@cocotb.test()
async def the_interrupt_stays_until_the_next_start(dut: Any) -> None:
    bench = await Bench.start(dut)
    program = scenario("short")
    await bench.runs_right(program)
    for _ in range(3):
        await bench.read(Register.STATUS)
        await bench.write(Register.CONTROL, 0)
        assert dut.interrupt_o.value == 1
    bench.fill(program.before)
    await bench.write(Register.CONTROL, START)
    assert dut.interrupt_o.value == 0
    assert await bench.read(Register.STATUS) == 1
    await bench.finish()
    assert bench.holds(program.after)


@cocotb.test()
async def the_interrupt_is_enabled_and_cleared(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("short")
    await bench.runs_right(program)
    await bench.write(Register.INTERRUPT_ENABLE, 0)
    assert (dut.interrupt_o.value, await bench.read(Register.INTERRUPT)) == (0, 1)
    await bench.write(Register.INTERRUPT_ENABLE, 1)
    assert dut.interrupt_o.value == 1
    await bench.write(Register.INTERRUPT, 0)
    assert (dut.interrupt_o.value, await bench.read(Register.INTERRUPT)) == (1, 1)
    await bench.write(Register.INTERRUPT, 1)
    assert (dut.interrupt_o.value, await bench.read(Register.INTERRUPT)) == (0, 0)
    bench.fill(program.before)
    await bench.write(Register.CONTROL, START)
    # Of a run that is under way there is nothing to clear.
    await bench.write(Register.INTERRUPT, 1)
    assert await bench.finish() == DONE
    assert await bench.read(Register.INTERRUPT) == 1


@cocotb.test()
async def an_abort_ends_the_run_and_no_other(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("short")
    for _ in range(3):
        bench.fill(program.before)
        await bench.begin(program.address, program.count)
        await ClockCycles(dut.clk, random.randrange(1, 250))
        await bench.write(Register.CONTROL, ABORT)
        assert await bench.finish() == MachineError.ABORTED << 8
        assert bench.rules.quiet
        await bench.write(Register.CONTROL, ABORT)
        assert await bench.read(Register.STATUS) == MachineError.ABORTED << 8
    await bench.runs_right(program)
