"""The registers over AXI4-Lite. Runs inside the simulator."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from skipbeat_arch.instruction import VERSION
from skipbeat_arch.registers import COUNTERS_AT, Counter, Register

from .axi_bench import MACHINE, Bench, scenario

END_OF_COUNTERS = COUNTERS_AT + 8 * len(Counter)
END_OF_REGISTERS = 0x200


@cocotb.test()
async def constants_tell_what_was_built(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    assert await bench.read(Register.VERSION) == VERSION
    assert await bench.read(Register.FINGERPRINT) == MACHINE.fingerprint
    shape = (await bench.read(Register.SHAPE)).to_bytes(4, "little")
    hw = MACHINE.hw
    assert tuple(shape) == (hw.array.rows, hw.array.cols, hw.array.group, hw.weights.decode_lanes)
    assert await bench.read(Register.STATUS) == 0
    assert dut.interrupt_o.value == 0


@cocotb.test()
async def registers_that_there_are_not_read_as_zero(dut: Any) -> None:
    bench = await Bench.start(dut)
    await bench.runs_right(scenario("random0"))
    there = {*Register, *range(COUNTERS_AT, END_OF_COUNTERS, 4)} - {Register.CONTROL}
    for address in range(0, END_OF_REGISTERS, 4):
        if address not in there:
            assert await bench.read(address) == 0, hex(address)


@cocotb.test()
async def writes_change_nothing_but_program_and_count(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    await bench.runs_right(scenario("random0"))
    addresses = range(0, END_OF_REGISTERS, 4)
    before = {address: await bench.read(address) for address in addresses}
    for address in addresses:
        # Bit 0 stays clear: CONTROL does not start.
        await bench.write(address, random.getrandbits(32) & ~1)
        if address in (Register.PROGRAM, Register.COUNT):
            await bench.write(address, before[address])
    assert {address: await bench.read(address) for address in addresses} == before
    await bench.write(Register.PROGRAM, 0xFEDCBA98)
    await bench.write(Register.COUNT, 0x123456)
    assert [await bench.read(r) for r in (Register.PROGRAM, Register.COUNT)] == [0xFEDCBA98, 0x123456]


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
    program = scenario("network")
    await bench.runs_right(program)
    for _ in range(3):
        await bench.read(Register.STATUS)
        await bench.write(Register.CONTROL, 0)
        assert dut.interrupt_o.value == 1
    bench.fill(program.before)
    await bench.write(Register.CONTROL, 1)
    assert dut.interrupt_o.value == 0
    assert await bench.read(Register.STATUS) == 1
    await bench.finish()
    assert bench.holds(program.after)
