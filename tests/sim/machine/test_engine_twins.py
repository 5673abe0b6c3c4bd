"""Tokens, fetch and the three engines, through their ports."""

from __future__ import annotations

import random

import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import Command
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Engine, Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import (
    REQUEST,
    TILE_READ,
    WRITE_REQUEST,
    MachineError,
    bank_write_fields,
    beat_fields,
    memory_write_fields,
    vector_fields,
)  # fmt: skip
from skipbeat_sim.machine.execute import Execute, Job
from skipbeat_sim.machine.fetch import Fetch
from skipbeat_sim.machine.load import Load
from skipbeat_sim.machine.store import Store
from skipbeat_sim.machine.tokens import Tokens

MACHINE = Machine.of(load_hardware("edge-8x8"))
HEADER = Instruction(Opcode.HEADER, {"version": VERSION, "fingerprint": MACHINE.fingerprint})
END = Instruction(Opcode.END)
SETUP = {f"n{k}": k + 1 for k in range(4)} | {f"step{k}": 10 * k for k in range(4)}
L, X, S = Engine


def beat(data: int, final: bool = False) -> int:
    return ports.pack(beat_fields(MACHINE), {"valid": 1, "data": data, "final": int(final)})


def test_tokens() -> None:
    rng, twin, counts = random.Random(1), Tokens(), [0] * 6
    overflows = 0
    for clock in range(4000):
        some = sum((n > 0) << i for i, n in enumerate(counts))
        share = 0.8 if clock % 1000 < 500 else 0.2
        take = sum((rng.random() > share) << i for i in range(6)) & some
        give = sum((rng.random() < share) << i for i in range(6))
        inputs = {"take_i": take, "give_i": give}
        over = any(give >> i & ~take >> i & 1 and n == 63 for i, n in enumerate(counts))
        overflows += over
        assert twin.outputs(inputs) == {"some_o": some, "error_o": MachineError.TOKEN_OVERFLOW if over else 0}
        twin.tick({**inputs, "rst": int(over)})
        counts = [0] * 6 if over else [n + (give >> i & 1) - (take >> i & 1) for i, n in enumerate(counts)]
    assert overflows


def fetch(words: list[int], clocks: int = 400, halt_at: int = 10**9) -> tuple[dict[str, list[int]], list[int]]:
    """What reaches each queue, and the errors, for a program of these words behind a memory of 3 clocks."""
    twin, rng = Fetch(MACHINE), random.Random(len(words))
    vectors = [word >> (64 * half) & ((1 << 64) - 1) for word in words for half in range(2)]
    coming: list[int] = []
    got: dict[str, list[int]] = {"load_o": [], "execute_o": [], "store_o": []}
    errors = []
    base = 0x400
    for clock in range(clocks):
        data = coming.pop(0) if coming and clock % 2 else None
        inputs = {
            "start_i": int(clock == 1), "address_i": base, "count_i": len(words), "halt_i": int(clock >= halt_at),
            "beat_i": 0 if data is None else beat(data), "requests__ready": int(rng.random() < 0.5),
            **{f"{queue}__ready": int(rng.random() < 0.7) for queue in got},
        }  # fmt: skip
        outputs = twin.outputs(inputs)
        for queue, words_got in got.items():
            if outputs[f"{queue}__valid"] and inputs[f"{queue}__ready"]:
                words_got.append(outputs[f"{queue}__payload"])
        errors += [outputs["error_o"]] if outputs["error_o"] else []
        if outputs["requests__valid"] and inputs["requests__ready"]:
            request = ports.unpack(REQUEST, outputs["requests__payload"])
            first = (request["address"] - base) // MACHINE.vector
            assert request["count"] <= 32
            coming += vectors[first : first + request["count"]]
        twin.tick(inputs)
    return got, errors


def test_fetch_sorts_a_long_program() -> None:
    rng = random.Random(0)
    store = {"address": 8, "block": 1, "low": 0, "high": 1, "raw": 0, "residual": 0, "residual_at": 0, "count": 2}
    kinds = [
        Instruction(Opcode.ZERO, {"to": 1, "count": 2}),
        Instruction(Opcode.SETUP, SETUP),
        Instruction(Opcode.STORE, {**store, "pool": 1}),
    ]
    program = [*(rng.choice(kinds) for _ in range(75)), END]
    got, errors = fetch([HEADER.to_word(), *(i.to_word() for i in program)], clocks=1000)
    for name, kind in zip(got, kinds, strict=True):
        end = [END] if kind.opcode == Opcode.STORE else []
        expected = [i for i in program if i.opcode == kind.opcode] + end
        assert got[name] == [i.to_word() for i in expected]
    assert errors == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([END.to_word()], MachineError.BAD_PROGRAM),
        ([Instruction(Opcode.HEADER, {**HEADER.fields, "version": 0}).to_word()], MachineError.BAD_PROGRAM),
        (
            [Instruction(Opcode.HEADER, {**HEADER.fields, "fingerprint": 5}).to_word(), END.to_word()],
            MachineError.WRONG_HARDWARE,
        ),
        ([HEADER.to_word(), HEADER.to_word()], MachineError.BAD_OPCODE),
        ([HEADER.to_word(), 9], MachineError.BAD_OPCODE),
    ],
)
def test_fetch_errors(words: list[int], error: MachineError) -> None:
    assert fetch(words)[1] == [error]
    assert fetch(words, halt_at=3)[1] == []


def run_load(instruction: Instruction, data: list[int]) -> tuple[list[dict[str, int]], list[dict[str, int]], int]:
    """Bank writes and memory writes of one instruction, and the signals that it gives."""
    twin = Load(MACHINE)
    banks, memories, given, taken, waiting = [], [], 0, False, list(data)
    for clock in range(200):
        valid = int(not taken)
        word = beat(waiting[0], len(waiting) == 1) if waiting and clock > 5 and clock % 2 else 0
        inputs = {
            "instructions__valid": valid, "instructions__payload": instruction.to_word(), "beat_i": word,
            "some_i": 3 if clock >= 2 else 1, "halt_i": 0, "requests__ready": int(clock > 3),
        }  # fmt: skip
        outputs = twin.outputs(inputs)
        if word:
            waiting.pop(0)
        assert outputs["take_o"] in (0, 2)
        if outputs["take_o"]:
            assert clock >= 2
        banks.append(ports.unpack(bank_write_fields(MACHINE), outputs["bank_write_o"]))
        memories.append(ports.unpack(memory_write_fields(MACHINE), outputs["memory_write_o"]))
        given |= outputs["give_o"]
        taken = taken or bool(valid and outputs["instructions__ready"])
        twin.tick(inputs)
    assert taken
    assert twin.idle
    return [b for b in banks if b["enable"]], [m for m in memories if m["enable"]], given


@pytest.mark.parametrize(("period", "bank", "enable"), [(1, 0, 0xFF), (2, 2, 0xCC), (3, 4, 0x30)])
def test_load_of_activations(period: int, bank: int, enable: int) -> None:
    place = {"to": 100, "width": 3, "pitch": 5, "period": period, "bank": bank}
    fields = {**place, "kind": Kind.ACTIVATIONS, "count": 8, "source": 0x1000}
    banks, memories, given = run_load(Instruction(Opcode.LOAD, fields, (S,), (X,)), list(range(1, 9)))
    assert [b["address"] for b in banks] == [100, 101, 102, 105, 106, 107, 110, 111]
    assert [b["data"] for b in banks] == list(range(1, 9))
    assert {b["enable"] for b in banks} == {enable}
    assert (memories, given) == ([], 1)


@pytest.mark.parametrize(
    ("kind", "enable"), [(Kind.WEIGHTS, 1), (Kind.PARAMETERS, 2), (Kind.RESIDUAL, 4), (Kind.TABLE, 8)]
)
def test_load_of_the_other_kinds(kind: Kind, enable: int) -> None:
    fields = {"to": 40, "width": 1, "pitch": 9, "period": 0, "bank": 0, "kind": kind, "count": 5, "source": 0x1000}
    banks, memories, given = run_load(Instruction(Opcode.LOAD, fields, (S,), (S,)), [9, 8, 7, 6, 5])
    assert memories == [{"enable": enable, "address": 40 + i, "data": 9 - i} for i in range(5)]
    assert (banks, given) == ([], 2)


def test_zero() -> None:
    banks, memories, given = run_load(Instruction(Opcode.ZERO, {"to": 7, "count": 4}, (S,), (X, S)), [])
    assert banks == [{"enable": 0xFF, "address": 7 + i, "data": 0} for i in range(4)]
    assert (memories, given) == ([], 3)


def pass_word(**changes: int) -> int:
    command = Command(pixels=9, beat=2, rows=3, cols=4, load=True)
    fields = {"command": command.to_word(), "words": 6, "weights": 50, "base": 70, "table": 3} | changes
    return Instruction(Opcode.PASS, fields, (L,), (L, S)).to_word()


def test_execute_begins_a_pass_when_everything_can_be_written() -> None:
    twin = Execute()
    ready = {"commands__ready": 1, "tiles__ready": 1, "jobs__ready": 1, "some_i": 1, "halt_i": 0}
    setup = {**ready, "instructions__valid": 1, "instructions__payload": Instruction(Opcode.SETUP, SETUP).to_word()}
    assert twin.outputs(setup)["instructions__ready"] == 1
    assert twin.outputs(setup)["jobs__valid"] == 0
    twin.tick(setup)
    inputs = {**setup, "instructions__payload": pass_word()}
    for port, value in (("commands__ready", 0), ("tiles__ready", 0), ("jobs__ready", 0), ("some_i", 2), ("halt_i", 1)):
        outputs = twin.outputs({**inputs, port: value})
        assert not any(outputs.values()), port
    outputs = twin.outputs(inputs)
    assert (outputs["instructions__ready"], outputs["take_o"]) == (1, 1)
    assert (outputs["commands__valid"], outputs["tiles__valid"], outputs["jobs__valid"]) == (1, 1, 1)
    assert ports.unpack(TILE_READ, outputs["tiles__payload"]) == {"address": 50, "words": 6}
    job = Job.from_word(outputs["jobs__payload"])
    assert job == Job(False, (1, 2, 3, 4), (0, 10, 20, 30), 70, 3, 3)
    assert job.to_word() == outputs["jobs__payload"]


def test_execute_null_jobs_and_passes_without_a_tile() -> None:
    twin = Execute()
    ready = {"commands__ready": 1, "tiles__ready": 0, "jobs__ready": 1, "some_i": 3, "halt_i": 0}
    signals = Instruction(Opcode.SETUP, SETUP, (), (S,)).to_word()
    outputs = twin.outputs({**ready, "instructions__valid": 1, "instructions__payload": signals})
    assert outputs["jobs__valid"] == 1
    assert Job.from_word(outputs["jobs__payload"])[0::5] == (True, 2)
    null = Command(pixels=9, beat=0, rows=0, cols=0, load=False).to_word()
    word = pass_word(command=null)
    outputs = twin.outputs({**ready, "instructions__valid": 1, "instructions__payload": word})
    assert (outputs["commands__valid"], outputs["tiles__valid"], outputs["jobs__valid"]) == (1, 0, 1)
    assert Job.from_word(outputs["jobs__payload"]).null


def test_store_uses_both_halves_in_turn() -> None:
    """Two jobs may be under way; the third begins when the first is written, and END when all are."""
    twin = Store(MACHINE)
    fields = {"block": 1, "low": 0, "high": 1, "raw": 0, "residual": 0, "residual_at": 0, "count": 2, "pool": 1}
    stores = [Instruction(Opcode.STORE, {**fields, "address": 64 * n}, (L,), (X,)).to_word() for n in range(3)]
    program = [*stores, END.to_word()]
    seen: list[tuple[str, int, int]] = []
    busy, index, done_at = False, 0, {30, 60, 70}
    for clock in range(90):
        showing = busy and clock % 5 == 0
        vector = {"valid": int(showing), "data": clock, "final": int(index == 1), "index": index}
        inputs = {
            "instructions__valid": int(bool(program)), "instructions__payload": program[0] if program else 0,
            "some_i": 1, "halt_i": 0, "jobs__ready": int(not busy), "done_i": int(clock in done_at),
            "vector_i": ports.pack(vector_fields(MACHINE), vector), "requests__ready": 1,
        }  # fmt: skip
        outputs = twin.outputs(inputs)
        if outputs["write_enable_o"]:
            seen.append(("write", clock, outputs["write_address_o"]))
        if outputs["requests__valid"]:
            request = ports.unpack(WRITE_REQUEST, outputs["requests__payload"])
            seen.append(("ask", request["address"], request["start"]))
        if outputs["give_o"]:
            seen.append(("give", clock, outputs["give_o"]))
        if outputs["jobs__valid"] and inputs["jobs__ready"]:
            seen.append(("begin", clock, outputs["take_o"]))
        if outputs["end_o"]:
            seen.append(("end", clock, outputs["take_o"]))
        if showing:
            busy, index = index == 0, 1 - index
        busy = busy or bool(outputs["jobs__valid"] and inputs["jobs__ready"])
        if outputs["instructions__ready"]:
            program.pop(0)
        twin.tick(inputs)
    half = MACHINE.output_depth
    assert seen == [
        ("begin", 0, 1), ("write", 5, 0), ("write", 10, 1), ("ask", 0, 0), ("begin", 11, 1),
        ("write", 15, half), ("write", 20, half + 1), ("ask", 64, half), ("give", 31, 2), ("begin", 31, 1),
        ("write", 35, 0), ("write", 40, 1), ("ask", 128, 0), ("give", 61, 2), ("give", 71, 2), ("end", 71, 0),
    ]  # fmt: skip
