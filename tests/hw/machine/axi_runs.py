"""Runs over the AXI ports: whole programs, resets and starts at any time. Runs inside the simulator."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from skipbeat_arch.registers import Counter, Register
from skipbeat_hw.simulation.machine_driver import WriteOrder

from .axi_bench import DONE, ROUNDS, Bench, scenario


@cocotb.test()
@cocotb.parametrize(name=["network", "random0"])
async def runs_without_pauses(dut: Any, name: str) -> None:
    bench = await Bench.start(dut)
    await bench.runs_right(scenario(name))


@cocotb.test()
@cocotb.parametrize((("name", "poll"), [("network", False), ("random0", False), ("random1", True)]))
async def runs_with_pauses_on_every_channel(dut: Any, name: str, poll: bool) -> None:
    bench = await Bench.start(dut, pauses=True)
    for _ in range(ROUNDS):
        await bench.runs_right(scenario(name), poll)


#: What the model of the memory can wait for.
ORDERS = [order for order in WriteOrder if order != WriteOrder.BOTH_AT_ONCE]


@cocotb.test()
@cocotb.parametrize(order=ORDERS)
async def runs_whatever_a_write_waits_for(dut: Any, order: WriteOrder) -> None:
    bench = await Bench.start(dut)
    bench.take_writes(order)
    for name in ("network", "random0"):
        await bench.runs_right(scenario(name))


@cocotb.test()
async def runs_one_after_the_other(dut: Any) -> None:
    bench = await Bench.start(dut)
    for name in ("random1", "network", "network"):
        await bench.runs_right(scenario(name))
        assert dut.interrupt_o.value == 1


@cocotb.test()
async def starts_while_busy_are_ignored(dut: Any) -> None:
    bench = await Bench.start(dut)
    program = scenario("network")
    bench.fill(program.before)
    await bench.begin(program.address, program.count)
    before = 0
    for _ in range(10):
        await bench.begin(0x3000, 5)
        assert dut.interrupt_o.value == 0
        counted = await bench.read(Counter.CYCLES.offset)
        assert counted > before
        before = counted
        await ClockCycles(dut.clk, random.randrange(1, 40))
    assert await bench.finish() == DONE
    assert bench.holds(program.after)
    counters = await bench.counters()
    assert {counter: counters[counter] for counter in program.counters} == program.counters
    assert [await bench.read(register) for register in (Register.PROGRAM, Register.COUNT)] == [0x3000, 5]
    await bench.runs_right(program)


@cocotb.test()
async def a_reset_at_any_time_makes_room_for_a_new_run(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("network")
    for _ in range(1 + 2 * ROUNDS):
        bench.fill(program.before)
        await bench.begin(program.address, program.count)
        await ClockCycles(dut.clk, random.randrange(1, 3000))
        await bench.reset(random.choice([1, 2, 50, 1000]))
        assert dut.interrupt_o.value == 0
        assert [await bench.read(r) for r in (Register.STATUS, Register.PROGRAM, Register.COUNT)] == [0, 0, 0]
        assert set((await bench.counters()).values()) == {0}
    await bench.runs_right(program)
