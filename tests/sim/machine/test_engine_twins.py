"""Tokens, fetch and the three engines, through their ports."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import (
    JOB,
    REQUEST,
    TILE_READ,
    MachineError,
    bank_write_fields,
    beat_fields,
    memory_write_fields,
)
from skipbeat_hw.machine.execute import ExecuteEngine
from skipbeat_hw.machine.fetch import Fetch
from skipbeat_hw.machine.load import LoadEngine
from skipbeat_hw.machine.tokens import Tokens
from tests.hw.ported import Ported

MACHINE = Machine.of(load_hardware("edge-8x8"))
HEADER = isa.Header(version=VERSION, fingerprint=MACHINE.fingerprint)
END = isa.End()
SETUP = isa.Setup.of((1, 2, 3, 4), (0, 10, 20, 30))
L, X, S = Engine


COMMAND = Command(pixels=9, beat=2, rows=3, cols=4, load=True)


def beat(data: int, final: bool = False, machine: Machine = MACHINE) -> int:
    return ports.pack(beat_fields(machine), {"valid": 1, "data": data, "final": int(final)})


def test_tokens() -> None:
    rng, twin, counts = random.Random(1), Ported(Tokens, {}), [0] * 6
    overflows, before = 0, False
    for clock in range(4000):
        some = sum((n > 0) << i for i, n in enumerate(counts))
        share = 0.8 if clock % 1000 < 500 else 0.2
        take = sum((rng.random() > share) << i for i in range(6)) & some
        give = sum((rng.random() < share) << i for i in range(6))
        inputs = {"take_i": take, "give_i": give}
        over = any(give >> i & ~take >> i & 1 and n == 63 for i, n in enumerate(counts))
        overflows += over
        assert twin.outputs(inputs) == {"some_o": some, "error_o": MachineError.TOKEN_OVERFLOW if before else 0}
        twin.tick({**inputs, "rst": int(before)})
        counts = [0] * 6 if before else [(n + (give >> i & 1) - (take >> i & 1)) % 64 for i, n in enumerate(counts)]
        before = over and not before
    assert overflows


def fetch(
    words: list[int], clocks: int = 400, halt_at: int = 10**9, machine: Machine = MACHINE
) -> tuple[dict[str, list[int]], list[int]]:
    """What reaches each queue, and the errors, for a program of these words; behind them memory has ones."""
    twin, rng, size = Ported(Fetch, {"machine": machine}), random.Random(len(words)), machine.vector
    code = b"".join(word.to_bytes(16, "little") for word in words) + b"\xff" * size
    vectors = [int.from_bytes(code[i : i + size], "little") for i in range(0, len(code), size)]
    coming: list[int] = []
    got: dict[str, list[int]] = {"load_o": [], "execute_o": [], "store_o": []}
    errors = []
    base = 0x400
    for clock in range(clocks):
        data = coming.pop(0) if coming and clock % 2 else None
        inputs = {
            "start_i": int(clock == 1),
            "address_i": base,
            "count_i": len(words),
            "halt_i": int(clock >= halt_at),
            "beat_i": 0 if data is None else beat(data, machine=machine),
            "requests__ready": int(rng.random() < 0.5),
            **{f"{queue}__ready": int(rng.random() < 0.7) for queue in got},
        }
        outputs = twin.outputs(inputs)
        for queue, words_got in got.items():
            if outputs[f"{queue}__valid"] and inputs[f"{queue}__ready"]:
                words_got.append(outputs[f"{queue}__payload"])
        errors += [outputs["error_o"]] if outputs["error_o"] else []
        if outputs["requests__valid"] and inputs["requests__ready"]:
            request = ports.unpack(REQUEST, outputs["requests__payload"])
            first, rest = divmod(request["address"] - base, size)
            assert rest == 0
            assert request["count"] <= 256 // size
            coming += vectors[first : first + request["count"]]
        twin.tick(inputs)
    assert errors or halt_at < clocks or not twin.twin.busy_o
    return got, errors


@pytest.mark.parametrize("cols", [4, 8, 16, 32, 64])
@pytest.mark.parametrize("count", [1, 15, 75, 76, 77, 78])
def test_fetch_sorts_a_program(cols: int, count: int) -> None:
    """Longer than its queue, and with every number of instructions in the last vector."""
    keys = [f"array.cols={cols}", f"memory.bytes_per_clock={cols}", "weights.decode_lanes=4", "outputs.lanes=4"]
    machine = Machine.of(load_hardware("edge-16x16", keys))
    header = isa.Header(version=VERSION, fingerprint=machine.fingerprint)
    rng = random.Random(0)
    kinds = [
        isa.Zero(to=1, count=2),
        SETUP,
        isa.Store(address=8, block=1, high=1, count=2, pool=1, local=True),
        isa.Place(to=3, width=4, pitch=5, period=1, bank=2),
    ]
    program = [*(rng.choice(kinds) for _ in range(count)), END]
    words = [header.to_word(), *(i.to_word() for i in program)]
    got, errors = fetch(words, clocks=1400, machine=machine)
    for name, engine in zip(got, Engine, strict=True):
        assert got[name] == [i.to_word() for i in program if i.engine == engine]
    assert errors == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([END.to_word()], MachineError.BAD_PROGRAM),
        ([replace(HEADER, version=0).to_word()], MachineError.BAD_PROGRAM),
        ([replace(HEADER, fingerprint=5).to_word(), END.to_word()], MachineError.WRONG_HARDWARE),
        ([HEADER.to_word(), HEADER.to_word()], MachineError.BAD_OPCODE),
        ([HEADER.to_word(), 9], MachineError.BAD_OPCODE),
    ],
)
def test_fetch_errors(words: list[int], error: MachineError) -> None:
    assert fetch(words)[1] == [error]
    assert fetch(words, halt_at=3)[1] == []


def run_load(instruction: Instruction, data: list[int]) -> tuple[list[dict[str, int]], list[dict[str, int]], int]:
    """Bank writes and memory writes of one instruction, and the signals that it gives."""
    twin = Ported(LoadEngine, {"machine": MACHINE})
    banks, memories, given, taken, waiting = [], [], 0, False, list(data)
    for clock in range(200):
        valid = int(not taken)
        word = beat(waiting[0], len(waiting) == 1) if waiting and clock > 5 and clock % 2 else 0
        inputs = {
            "instructions__valid": valid,
            "instructions__payload": instruction.to_word(),
            "beat_i": word,
            "some_i": 3 if clock >= 2 else 1,
            "halt_i": 0,
            "requests__ready": int(clock > 3),
        }
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
    assert twin.twin.idle
    return [b for b in banks if b["enable"]], [m for m in memories if m["enable"]], given


@pytest.mark.parametrize(("period", "bank", "enable"), [(1, 0, 0xFF), (2, 2, 0xCC), (3, 4, 0x30)])
def test_load_of_activations(period: int, bank: int, enable: int) -> None:
    place: dict[str, Any] = {"to": 100, "width": 3, "pitch": 5, "period": period, "bank": bank}
    load = isa.Load(kind=Kind.ACTIVATIONS, count=8, source=0x1000, wait=(S,), signal=(X,), **place)
    banks, memories, given = run_load(load, list(range(1, 9)))
    assert [b["address"] for b in banks] == [100, 101, 102, 105, 106, 107, 110, 111]
    assert [b["data"] for b in banks] == list(range(1, 9))
    assert {b["enable"] for b in banks} == {enable}
    assert (memories, given) == ([], 1)


@pytest.mark.parametrize(
    ("kind", "enable"), [(Kind.WEIGHTS, 1), (Kind.PARAMETERS, 2), (Kind.RESIDUAL, 4), (Kind.TABLE, 8)]
)
def test_load_of_the_other_kinds(kind: Kind, enable: int) -> None:
    load = isa.Load(to=40, width=1, pitch=9, kind=kind, count=5, source=0x1000, wait=(S,), signal=(S,))
    banks, memories, given = run_load(load, [9, 8, 7, 6, 5])
    assert memories == [{"enable": enable, "address": 40 + i, "data": 9 - i} for i in range(5)]
    assert (banks, given) == ([], 2)


def test_zero() -> None:
    banks, memories, given = run_load(isa.Zero(to=7, count=4, wait=(S,), signal=(X, S)), [])
    assert banks == [{"enable": 0xFF, "address": 7 + i, "data": 0} for i in range(4)]
    assert (memories, given) == ([], 3)


def pass_word(command: Command = COMMAND) -> int:
    return isa.Pass(command=command, words=6, weights=50, base=70, table=3, wait=(L,), signal=(L, S)).to_word()


def test_execute_begins_a_pass_when_everything_can_be_written() -> None:
    twin = Ported(ExecuteEngine, {"machine": MACHINE})
    ready = {"commands__ready": 1, "tiles__ready": 1, "jobs__ready": 1, "some_i": 1, "halt_i": 0}
    setup = {**ready, "instructions__valid": 1, "instructions__payload": SETUP.to_word()}
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
    job = ports.unpack(JOB, outputs["jobs__payload"])
    assert list(job.values()) == [0, 1, 2, 3, 4, 0, 10, 20, 30, 70, 3, 3]


def test_execute_null_jobs_and_passes_without_a_tile() -> None:
    twin = Ported(ExecuteEngine, {"machine": MACHINE})
    ready = {"commands__ready": 1, "tiles__ready": 0, "jobs__ready": 1, "some_i": 3, "halt_i": 0}
    signals = replace(SETUP, signal=(S,)).to_word()
    outputs = twin.outputs({**ready, "instructions__valid": 1, "instructions__payload": signals})
    assert outputs["jobs__valid"] == 1
    job = ports.unpack(JOB, outputs["jobs__payload"])
    assert (job["null"], job["signal"]) == (1, 2)
    null = Command(pixels=9, beat=0, rows=0, cols=0, load=False)
    inputs = {**ready, "instructions__valid": 1, "instructions__payload": pass_word(null)}
    assert twin.outputs(inputs)["commands__valid"] == 0
    outputs = twin.outputs({**inputs, "tiles__ready": 1})
    assert (outputs["commands__valid"], outputs["tiles__valid"], outputs["jobs__valid"]) == (1, 0, 1)
    assert ports.unpack(JOB, outputs["jobs__payload"])["null"]
