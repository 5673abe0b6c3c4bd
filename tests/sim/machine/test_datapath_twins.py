"""Weight reader, fetcher, output stage and the on-chip memories."""

from __future__ import annotations

import itertools
import random
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import JOB, TILE_READ, vector_fields
from skipbeat_hw.machine.fetcher import Fetcher
from skipbeat_hw.machine.output import OutputStage
from skipbeat_hw.machine.weight_reader import WeightReader
from skipbeat_sim.machine.execute import Job
from skipbeat_sim.machine.requantise import Parameters, signed
from tests.hw.ported import Ported

MACHINE = Machine.of(load_hardware("edge-8x8"))
ROWS, V = 8, 8


def read_tiles(tiles: list[tuple[int, int]], share: float, clocks: int) -> list[tuple[int, int, int]]:
    """(clock, data, last) of each word; the memory holds address + 7000."""
    rng, twin, data = random.Random(1), Ported(WeightReader, {"machine": MACHINE}), 0
    todo, words = deque(tiles), []
    for clock in range(clocks):
        payload = ports.pack(TILE_READ, dict(zip(("address", "words"), todo[0], strict=True))) if todo else 0
        inputs = {
            "tiles__valid": int(bool(todo)),
            "tiles__payload": payload,
            "data_i": data,
            "weights__ready": int(rng.random() < share),
        }
        outputs = twin.outputs(inputs)
        if todo and outputs["tiles__ready"]:
            todo.popleft()
        if outputs["weights__valid"] and inputs["weights__ready"]:
            word = outputs["weights__payload"]
            words.append((clock, word & ((1 << 64) - 1), word >> 64))
        if outputs["enable_o"]:
            data = outputs["address_o"] + 7000
        twin.tick(inputs)
    return words


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_weight_reader(share: float) -> None:
    tiles = [(100, 5), (3, 1), (40, 12), (0, 1), (9, 2)]
    words = read_tiles(tiles, share, 200)
    expected = [(7000 + address + i, int(i == count - 1)) for address, count in tiles for i in range(count)]
    assert [word[1:] for word in words] == expected
    if share == 1:
        assert [word[0] for word in words] == list(range(3, 3 + len(words)))  # no gap between tiles


def walk(job: Job) -> list[int]:
    """Addresses of a job in bank 0 with offset 0."""
    order = itertools.product(*(range(n) for n in reversed(job.counts)))
    return [(job.base + sum(i * s for i, s in zip(reversed(o), job.steps, strict=True))) % 65536 for o in order]


def run_fetcher(
    jobs: list[Job], share: float, clocks: int
) -> tuple[list[tuple[int, list[int]]], list[tuple[int, int]]]:
    """(clock, first element of each bank) of each item, and (clock, tokens).

    Banks hold their address mod 128; in entry n of the table, bank q has the offset q·n.
    """
    rng, twin = random.Random(2), Ported(Fetcher, {"machine": MACHINE})
    table = banks = 0
    todo, items, given = deque(jobs), [], []
    for clock in range(clocks):
        inputs = {
            "jobs__valid": int(bool(todo)),
            "jobs__payload": ports.pack(JOB, todo[0]._asdict()) if todo else 0,
            "offsets_i": table,
            "bundles_i": banks,
            "activations__ready": int(rng.random() < share),
        }
        outputs = twin.outputs(inputs)
        if todo and outputs["jobs__ready"]:
            todo.popleft()
        if outputs["activations__valid"] and inputs["activations__ready"]:
            bundles = ports.unpack_array(outputs["activations__payload"], ROWS, 32)
            items.append((clock, [bundle & 0xFF for bundle in bundles]))
        if outputs["give_o"]:
            given.append((clock, outputs["give_o"]))
        if outputs["table_enable_o"]:
            table = ports.pack_array([q * outputs["table_address_o"] for q in range(ROWS)], 16)
        if outputs["bank_enable_o"]:
            addresses = ports.unpack_array(outputs["bank_address_o"], ROWS, 16)
            banks = ports.pack_array([address % 128 for address in addresses], 32)
        twin.tick(inputs)
    assert twin.twin.idle
    return items, given


JOBS = [
    Job(False, 2, 3, 1, 2, 1, 65530, 0, 30, 100, 3, 1),
    Job(True, 9, 9, 9, 9, 1, 1, 1, 1, 0, 0, 2),
    Job(False, 1, 1, 1, 1, 5, 5, 5, 5, 20, 1, 0),
    Job(False, 1, 2, 7, 1, 5, 50, 2, 5, 65500, 255, 3),
]


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_fetcher_walks(share: float) -> None:
    items, given = run_fetcher(JOBS, share, 200)
    expected = [
        [(at + q * job.table) % 65536 % 128 for q in range(ROWS)] for job in JOBS if not job.null for at in walk(job)
    ]
    assert [item for _, item in items] == expected
    assert [tokens for _, tokens in given] == [1, 2, 3]
    if share == 1:
        first = [clock for clock, _ in items[:12]]
        assert first == list(range(first[0], first[0] + 12))
        assert given[0][0] == first[-1] - 1  # two clocks after the last read was issued; the item is there after three


def test_fetcher_goes_from_job_to_job_without_a_gap() -> None:
    job = Job(False, 4, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0)
    clocks = [clock for clock, _ in run_fetcher([job] * 5, 1.0, 60)[0]]
    assert clocks == list(range(clocks[0], clocks[0] + 20))


def parameters(rng: np.random.Generator) -> tuple[list[int], dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """13 vectors, and what they hold."""
    values = {
        "bias": rng.integers(-(1 << 31), 1 << 31, V),
        "multiplier": rng.integers(1, 1 << 31, V),
        "other": rng.integers(1, 1 << 31, V),
        "shift": rng.integers(50, 63, V),
    }
    data = b"".join(values[name].astype("<i4").tobytes() for name in ("bias", "multiplier", "other"))
    data += values["shift"].astype(np.uint8).tobytes()
    return [int.from_bytes(data[V * i : V * (i + 1)], "little") for i in range(13)], values


@pytest.mark.parametrize(
    ("raw", "residual", "pool", "share"),
    [(0, 0, 1, 1.0), (0, 1, 1, 0.5), (0, 1, 3, 0.6), (1, 0, 1, 0.7), (0, 0, 2, 1.0)],
)
def test_output_stage(raw: int, residual: int, pool: int, share: float) -> None:
    rng = np.random.default_rng([raw, residual, pool])
    stored, values = parameters(rng)
    sums = rng.integers(-(1 << 31), 1 << 31, (6 * pool, V))
    rests = rng.integers(-128, 128, (6, V))
    fields = {"block": 5, "low": -96, "high": 100, "raw": raw, "residual": residual, "residual_at": 30, "memory": 1}
    store = isa.Store.of_values(fields | {"count": 6, "pool": pool}).to_word()
    twin, items = Ported(OutputStage, {"machine": MACHINE}), deque(sums)
    parameter = rest = 0
    vectors, taken = [], []
    offered = False
    for clock in range(300):
        offered = bool(items) and (offered or rng.random() < share)
        payload = ports.pack_array(items[0].tolist(), 32) if offered else 0
        inputs = {
            "jobs__valid": int(clock == 0),
            "jobs__payload": store,
            "results__valid": int(offered),
            "results__payload": payload,
            "parameter_i": parameter,
            "residual_i": rest,
        }
        outputs = twin.outputs(inputs)
        vector = ports.unpack(vector_fields(MACHINE), outputs["vector_o"])
        if vector["valid"]:
            vectors.append((clock, vector["data"], vector["final"], vector["index"]))
        if offered and outputs["results__ready"]:
            items.popleft()
            offered = False
            taken.append(clock)
        at = outputs["parameter_address_o"] - 5 * 16
        parameter = stored[at] if 0 <= at < 13 else 0
        if outputs["residual_enable_o"]:
            at = outputs["residual_address_o"] - 30
            rest = ports.pack_array(rests[at].tolist(), 8) if 0 <= at < 6 else 0
        twin.tick(inputs)
    total = sums.astype(object) + values["bias"]
    if raw:
        data = (total % (1 << 32)).astype(np.uint32).reshape(-1, V // 4)
        expected = [ports.pack_array(row.tolist(), 32) for row in data]
    else:
        scaled = total * values["multiplier"]
        if residual:
            scaled = scaled + np.repeat(rests.astype(object) * values["other"], pool, axis=0)
        half = np.array([1 << int(shift) - 1 for shift in values["shift"]], object)
        clamped = np.clip((scaled + half) >> values["shift"], -96, 100).astype(np.int64)
        expected = [ports.pack_array(row.tolist(), 8) for row in clamped.reshape(6, pool, V).max(axis=1)]
    assert [vector[1] for vector in vectors] == expected
    assert [vector[2] for vector in vectors] == [0] * (len(expected) - 1) + [1]
    assert [vector[3] for vector in vectors] == list(range(len(expected)))
    assert taken[0] >= 14
    # When the last item of a window is taken, its columns are sent, and then pass the stages.
    closed, sent = taken[pool - 1 :: pool], MACHINE.hw.array.cols // MACHINE.hw.outputs.lanes
    later = [3, 4, 5, 6] if raw else [sent + 9]
    assert [vector[0] for vector in vectors] == [clock + clocks for clock in closed for clocks in later]
    assert twin.outputs({**inputs, "results__valid": 0})["jobs__ready"] == 1


@given(st.integers(0, 1 << 32), st.booleans(), st.integers(-128, 127), st.integers(-128, 127))
def test_the_largest_result_of_a_window_is_that_of_its_largest_sum(
    seed: int, neighbours: bool, low: int, high: int
) -> None:
    """Whatever the parameters and the residual; sums near each other are those that rounding makes equal."""
    rng = np.random.default_rng(seed)
    low, high = sorted((low, high))
    words = rng.integers(-(1 << 31), 1 << 31, (3, V)) >> rng.integers(0, 32, (3, V))
    data = np.concatenate([words.astype("<i4").view(np.uint8).ravel(), rng.integers(1, 63, V).astype(np.uint8)])
    block = Parameters([int.from_bytes(data[V * i : V * (i + 1)].tobytes(), "little") for i in range(13)], V)
    sums = rng.integers(-(1 << 31), 1 << 31, (9, V)) >> rng.integers(0, 32, V)
    if neighbours:
        sums = np.clip(sums[0] + rng.integers(-3, 4, (9, V)), -(1 << 31), (1 << 31) - 1)
    residual = rng.integers(-128, 128, V)
    results = [block.requantise(each, residual, low, high) for each in sums]
    largest = block.requantise(sums.max(axis=0), residual, low, high)
    np.testing.assert_array_equal(largest, np.max(results, axis=0))


def test_requantisation_is_exact_at_the_extremes() -> None:
    """33 bits times 31, and a residual's product above that."""
    data = np.array([[-(1 << 31)] * V, [(1 << 31) - 1] * V, [(1 << 31) - 1] * V]).astype("<i4").tobytes()
    stored = [int.from_bytes(data[V * i : V * (i + 1)], "little") for i in range(12)]
    block = Parameters([*stored, int.from_bytes(bytes([62] * V), "little")], V)
    sums = signed(np.full(V, 1 << 31, np.int64))  # the most negative sum
    assert block.with_bias(sums).tolist() == [-(1 << 32)] * V
    exact = (-(1 << 32) * ((1 << 31) - 1) - 128 * ((1 << 31) - 1) + (1 << 61)) >> 62
    assert block.requantise(sums, np.full(V, -128), -128, 127).tolist() == [exact] * V
