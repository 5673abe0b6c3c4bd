"""The accelerator between an independent AXI memory and an AXI4-Lite master, both of cocotbext-axi."""

from __future__ import annotations

import logging
import mmap
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiReadBus, AxiResp, AxiWriteBus
from cocotbext.axi.axi_ram import AxiRamRead, AxiRamWrite

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause, Counter, Register
from skipbeat_hw.simulation.machine_driver import WriteOrder

from .axi_rules import SIGNALS, AxiRules
from .axi_scenarios import FOLDER_VARIABLE, PORT_VARIABLE, Scenario, hardware

MACHINE = Machine.of(hardware(os.environ[PORT_VARIABLE]))
CLOCK_NS = 10
#: Far more clocks than any of the programs takes under any pauses.
MOST_CLOCKS = 60_000
DONE, BUSY = 2, 1
START, ABORT = 1, 2
#: How often the tests repeat what they draw at random.
ROUNDS = int(os.environ.get("SKIPBEAT_AXI_ROUNDS", "1"))


class FailingRead(AxiRamRead):
    """A memory that refuses to read some addresses, with `response`."""

    failing: range = range(0)
    response = AxiResp.SLVERR

    async def _read(self, address: int, length: int) -> bytes:
        """The model reads all of a port, whatever part of it the beat takes."""
        if address < self.failing.stop and self.failing.start < address + length:
            raise OSError(f"no memory at {address:#x}")
        return bytes(await super()._read(address, length))


class FailingWrite(AxiRamWrite):
    """A memory that refuses to write some addresses, with `response`."""

    failing: range = range(0)
    response = AxiResp.SLVERR

    async def _write(self, address: int, data: bytes) -> None:
        if address in self.failing:
            raise OSError(f"no memory at {address:#x}")
        await super()._write(address, data)


def _answer_with(port: FailingRead | FailingWrite, channel: Any, name: str) -> None:
    """Replace the model's own SLVERR by the port's response."""
    send: Callable[[Any], Awaitable[None]] = channel.send

    async def replaced(item: Any) -> None:
        if getattr(item, name) == AxiResp.SLVERR:
            setattr(item, name, port.response)
        await send(item)

    channel.send = replaced


class Live(dict[str, int]):
    """Signals of this clock, each read when it is asked for; `clear` it in the next clock."""

    def __init__(self, handles: dict[str, Any]) -> None:
        super().__init__()
        self._handles = handles

    def __missing__(self, name: str) -> int:
        value = self[name] = int(self._handles[name].value)
        return value


def _pauses(rng: random.Random) -> Iterator[bool]:
    """Whether a channel pauses in each clock: stretches of different density."""
    while True:
        density = rng.choice([0.0, 0.2, 0.5, 0.9])
        for _ in range(rng.randrange(1, 60)):
            yield rng.random() < density


class Bench:
    """Ports, rules and memory; create it with `Bench.start`."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.memory = mmap.mmap(-1, Scenario.SIZE)
        memory = {"size": Scenario.SIZE, "mem": self.memory}
        self.writes = FailingWrite(AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, **memory)
        self.reads = FailingRead(AxiReadBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, **memory)
        _answer_with(self.writes, self.writes.b_channel, "bresp")
        _answer_with(self.reads, self.reads.r_channel, "rresp")
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        self.rules = AxiRules(
            MACHINE.beat_bytes, MACHINE.port_places, MACHINE.burst_beats, MACHINE.hw.memory.outstanding
        )

    @classmethod
    async def start(cls, dut: Any, *, pauses: bool = False) -> Bench:
        """A bench after reset, its clock running; with `pauses`, every channel of both ports pauses at random."""
        dut.rst.value = 1
        logging.getLogger("cocotb.accelerator").setLevel(logging.ERROR)
        bench = cls(dut)
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        cocotb.start_soon(bench._watch())
        if pauses:
            slow_ports = (bench.writes, bench.reads, bench.lite.write_if, bench.lite.read_if)
            for port in slow_ports:
                for name in ("aw", "w", "b", "ar", "r"):
                    if channel := getattr(port, f"{name}_channel", None):
                        channel.set_pause_generator(_pauses(random.Random(random.getrandbits(64))))
        await bench.reset()
        return bench

    async def _watch(self) -> None:
        """The rules, in every clock; a broken one fails the test."""
        now = Live({name: getattr(self.dut, name) for name in SIGNALS})
        edge = RisingEdge(self.dut.clk)
        while True:
            await edge
            now.clear()
            self.rules.clock(now)

    def take_writes(self, order: WriteOrder) -> None:
        """From now on the memory takes addresses and data of writes in this order, and answers seldom."""
        # the data of a burst has room before its address is taken
        self.writes.w_channel.queue_occupancy_limit = MACHINE.burst_beats * 2
        self.writes.b_channel.set_pause_generator(_pauses(random.Random(random.getrandbits(64))))
        cocotb.start_soon(self._take_writes(order))

    async def _take_writes(self, order: WriteOrder) -> None:
        """A ready follows its cause by a clock; one that comes too long takes the next one early, which is harmless."""
        aw, w = self.writes.aw_channel, self.writes.w_channel
        now = Live({name: getattr(self.dut, name) for name in SIGNALS})
        owed = whole = 0  # beats of taken addresses less taken beats; bursts with all data less those with an address
        edge = RisingEdge(self.dut.clk)
        while True:
            await edge
            now.clear()
            if now["m_axi_awvalid"] and now["m_axi_awready"]:
                owed, whole = owed + now["m_axi_awlen"] + 1, whole - 1
            if now["m_axi_wvalid"] and now["m_axi_wready"]:
                owed, whole = owed - 1, whole + now["m_axi_wlast"]
            has_data = bool(now["m_axi_wvalid"]) or owed < 0
            w.pause = order in (WriteOrder.ADDRESS_THEN_DATA, WriteOrder.ADDRESS_WITH_DATA) and owed <= 0
            aw.pause = {WriteOrder.ADDRESS_WITH_DATA: not has_data, WriteOrder.ADDRESS_AFTER_DATA: whole <= 0}.get(
                order, False
            )

    async def reset(self, clocks: int = 4) -> None:
        """A reset, for the accelerator and the models."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, clocks)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def read(self, register: int) -> int:
        """A register of 32 bits."""
        return int.from_bytes((await self.lite.read(register, 4)).data, "little")

    async def write(self, register: int, value: int) -> None:
        """A register of 32 bits."""
        await self.lite.write(register, value.to_bytes(4, "little"))

    async def counters(self) -> dict[Counter, int]:
        """All performance counters."""
        halves = [[await self.read(counter.offset + offset) for offset in (0, 4)] for counter in Counter]
        return {counter: low | high << 32 for counter, (low, high) in zip(Counter, halves, strict=True)}

    async def begin(self, address: int, count: int) -> None:
        """Start a program."""
        await self.write(Register.PROGRAM, address)
        await self.write(Register.COUNT, count)
        await self.write(Register.INTERRUPT_ENABLE, 1)
        await self.write(Register.CONTROL, START)

    async def finish(self, poll: bool = False) -> int:
        """Wait for the end, by the interrupt or by polling; returns STATUS."""
        if poll:
            return await with_timeout(self._poll(), MOST_CLOCKS * CLOCK_NS, "ns")
        if not self.dut.interrupt_o.value:
            await with_timeout(RisingEdge(self.dut.interrupt_o), MOST_CLOCKS * CLOCK_NS, "ns")
        status = await self.read(Register.STATUS)
        assert not status & BUSY
        return status

    async def _poll(self) -> int:
        while (status := await self.read(Register.STATUS)) & BUSY:
            await Timer(CLOCK_NS * 20, "ns")
        return status

    async def run(self, program: Scenario, poll: bool = False) -> int:
        """A whole run, on the memory as it is."""
        await self.begin(program.address, program.count)
        return await self.finish(poll)

    def fill(self, memory: Bytes) -> None:
        """Set the memory from its beginning on."""
        self.memory[: memory.size] = memory.tobytes()

    def holds(self, memory: Bytes) -> bool:
        """The memory begins with these bytes."""
        return bytes(self.memory[: memory.size]) == memory.tobytes()

    async def runs_right(self, program: Scenario, poll: bool = False) -> None:
        """A run of a sound program leaves what it must, and counts what does not depend on time."""
        self.fill(program.before)
        reads, writes = self.rules.reads, self.rules.writes
        assert await self.run(program, poll) == DONE
        assert self.holds(program.after)
        counters = await self.counters()
        assert {counter: counters[counter] for counter in program.counters} == program.counters
        assert counters[Counter.READ_BEATS] == self.rules.reads - reads
        assert counters[Counter.WRITE_BEATS] == self.rules.writes - writes
        assert counters[Counter.CYCLES] == sum(counters[Counter[cause.name]] for cause in Cause)
        assert self.rules.quiet


def scenario(name: str) -> Scenario:
    """A program that the test outside the simulator has prepared."""
    return Scenario.load(os.environ[FOLDER_VARIABLE], name)
