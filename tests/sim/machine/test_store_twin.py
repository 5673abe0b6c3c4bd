"""The store engine through its ports: halves of the output memory, places in the banks, and when it signals."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import WRITE_REQUEST, bank_write_fields, vector_fields
from skipbeat_hw.machine.store import StoreEngine
from tests.hw.ported import Ported

MACHINE = Machine.of(load_hardware("edge-8x8"))
L, X, S = Engine
END = isa.End()
HALF = MACHINE.output_depth
FIELDS = {"block": 1, "high": 1, "pool": 1}
BOTH = (L, X)


def store(address: int, memory: int, local: int, count: int = 2, **changes: int) -> Instruction:
    fields = FIELDS | {"address": address, "memory": memory, "local": local, "count": count} | changes
    return isa.Store.of_values(fields, wait=(L,), signal=BOTH)


def place(to: int, width: int = 2, pitch: int = 3, period: int = 1, bank: int = 0) -> Instruction:
    return isa.Place(to=to, width=width, pitch=pitch, period=period, bank=bank)


@dataclass
class Bench:
    """An output stage that shows a vector every few clocks, and a writer that is done at some clocks."""

    program: list[Instruction]
    done_at: set[int] = field(default_factory=set)
    every: int = 5
    seen: list[tuple[str, int, int]] = field(default_factory=list)
    local: list[tuple[int, int, int, int]] = field(default_factory=list)

    def run(self, clocks: int, halt_at: int = 10**9) -> list[tuple[str, int, int]]:
        """What the engine does, as (what, clock or address, value)."""
        twin, index, left = Ported(StoreEngine, {"machine": MACHINE}), 0, 0
        words = [instruction.to_word() for instruction in self.program]
        for clock in range(clocks):
            showing = left > 0 and clock % self.every == 0
            vector = {"valid": int(showing), "data": clock, "final": int(left == 1), "index": index}
            inputs = {
                "instructions__valid": int(bool(words)),
                "instructions__payload": words[0] if words else 0,
                "some_i": 1,
                "halt_i": int(clock >= halt_at),
                "jobs__ready": int(left == 0),
                "done_i": int(clock in self.done_at),
                "vector_i": ports.pack(vector_fields(MACHINE), vector),
                "requests__ready": 1,
            }
            outputs = twin.outputs(inputs)
            self._see(clock, outputs, inputs)
            if showing:
                index, left = index + 1, left - 1
            if outputs["jobs__valid"] and inputs["jobs__ready"]:
                job = isa.Store.from_bits(outputs["jobs__payload"])
                index, left = 0, job.count << 2 * job.raw
            if outputs["instructions__ready"]:
                words.pop(0)
            twin.tick(inputs)
        return self.seen

    def _see(self, clock: int, outputs: dict[str, int], inputs: dict[str, int]) -> None:
        if outputs["write_enable_o"]:
            self.seen.append(("write", clock, outputs["write_address_o"]))
        write = ports.unpack(bank_write_fields(MACHINE), outputs["local_write_o"])
        if write["enable"]:
            self.local.append((clock, write["enable"], write["address"], write["data"]))
        if outputs["requests__valid"]:
            request = ports.unpack(WRITE_REQUEST, outputs["requests__payload"])
            self.seen.append(("ask", request["address"], request["start"]))
        if outputs["give_o"]:
            self.seen.append(("give", clock, outputs["give_o"]))
        if outputs["jobs__valid"] and inputs["jobs__ready"]:
            self.seen.append(("begin", clock, outputs["take_o"]))
        elif outputs["instructions__ready"] and not outputs["end_o"]:
            self.seen.append(("place", clock, outputs["take_o"]))
        if outputs["end_o"]:
            self.seen.append(("end", clock, outputs["take_o"]))


def test_it_uses_both_halves_in_turn() -> None:
    """Two jobs may be under way; the third begins when the first is written, and END when all are."""
    bench = Bench([*(store(64 * n, 1, 0) for n in range(3)), END], {30, 60, 70})
    assert bench.run(90) == [
        ("begin", 0, 1),
        ("write", 5, 0),
        ("write", 10, 1),
        ("ask", 0, 0),
        ("give", 11, 2),
        ("begin", 11, 1),
        ("write", 15, HALF),
        ("write", 20, HALF + 1),
        ("give", 21, 2),
        ("ask", 64, HALF),
        ("give", 31, 1),
        ("begin", 31, 1),
        ("write", 35, 0),
        ("write", 40, 1),
        ("give", 41, 2),
        ("ask", 128, 0),
        ("give", 61, 1),
        ("give", 71, 1),
        ("end", 71, 0),
    ]
    assert bench.local == []


def test_a_local_store_needs_no_half_and_no_writer() -> None:
    """Execute's token a clock after the last vector, load's a clock later, END when nothing is open."""
    bench = Bench([place(40), store(0, 0, 1, count=5), END])
    assert bench.run(40) == [("place", 0, 0), ("begin", 1, 1), ("give", 26, 2), ("give", 27, 1), ("end", 27, 0)]
    writes = [(clock, address, data) for clock, _, address, data in bench.local]
    assert writes == [(5, 40, 5), (10, 41, 10), (15, 43, 15), (20, 44, 20), (25, 46, 25)]


@pytest.mark.parametrize(("period", "bank", "enable"), [(1, 0, 0xFF), (2, 2, 0xCC), (3, 4, 0x30)])
def test_the_banks_of_a_place(period: int, bank: int, enable: int) -> None:
    bench = Bench([place(7, period=period, bank=bank), store(0, 0, 1)])
    bench.run(20)
    assert [(e, at) for _, e, at, _ in bench.local] == [(enable, 7), (enable, 8)]


def test_a_place_holds_for_the_stores_after_it() -> None:
    """One that comes while a STORE is in the stage does not move it; the last one counts; rows begin anew."""
    program = [place(9), place(100), store(0, 0, 1, 3), place(200), store(0, 1, 0, 1), store(0, 0, 1, 1), END]
    program.insert(6, store(64, 1, 1, 3))
    bench = Bench(program, {45, 70})
    seen = bench.run(90)
    assert [what for what, _, _ in seen[:4]] == ["place", "place", "begin", "place"]
    assert [address for _, _, address, _ in bench.local] == [100, 101, 103, 200, 200, 201, 203]
    assert [address for what, _, address in seen if what == "write"] == [0, HALF, HALF + 1, HALF + 2]


def test_local_stores_pass_two_that_wait_for_memory_until_four_are_open() -> None:
    """A STORE to memory waits for a half; a local one only for room among four, and ends in its turn."""
    program = [place(0), store(0, 1, 0, 1), store(64, 1, 0, 1), *[store(0, 0, 1, 1)] * 3, END]
    seen = Bench(program, {60, 80}, every=2).run(100)
    begins = [clock for what, clock, _ in seen if what == "begin"]
    assert begins[3] < 20
    assert begins[4] == 61
    gives = [(clock, value) for what, clock, value in seen if what == "give"]
    assert [clock for clock, value in gives if value & 1] == [61, 81, 82, 83, 84]
    assert [value for clock, value in gives if clock < 60] == [2] * 4
    assert seen[-1] == ("end", 84, 0)
    third = Bench([*[store(0, 1, 0, 1)] * 3], set(), every=2).run(100)
    assert sum(what == "begin" for what, _, _ in third) == 2


def test_raw_sums_are_four_vectors_each_and_halt_stops_everything() -> None:
    bench = Bench([store(8, 1, 0, 2, raw=1), END], {60})
    seen = bench.run(80)
    assert [address for what, _, address in seen if what == "write"] == list(range(8))
    assert Bench([store(8, 1, 0), END]).run(30, halt_at=0) == []
    assert Bench([place(8), END]).run(30, halt_at=0) == []
    halted = Bench([store(8, 1, 0, 1), END]).run(30, halt_at=2)
    assert halted == [("begin", 0, 1), ("write", 5, 0), ("give", 6, 2)]
