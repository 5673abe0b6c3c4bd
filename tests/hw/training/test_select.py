# amaranth: UnusedElaboratable=no
"""The selection against its twin, against the definition of a whole job, and its sustained rate."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from skipbeat_arch.ports import pack
from skipbeat_arch.training.jobs import SELECT_LATENCY, select_fields
from skipbeat_arch.training.selecting import select_ranked, select_unbiased
from skipbeat_hw.training.select import Select
from tests.hw.in_process import refuses, simulate
from tests.hw.stimulus import Fresh, Offer, Source, Wire, often, sometimes
from tests.hw.training.vectors import Width, alike, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set


def job(width: Width, blocks: int, along_time: int, unbiased: int, n: int, log_q: int, seed: int) -> int:
    """The word of a job."""
    values = {"blocks": blocks, "along_time": along_time, "unbiased": unbiased, "n": n, "log_q": log_q, "seed": seed}
    return pack(select_fields(width.hw), values)


def _jobs(width: Width, rng: random.Random) -> Iterator[int]:
    while True:
        n, log_q = rng.randint(0, width.group + 1), rng.getrandbits(2)
        yield job(
            width, rng.choice((0, 1, 2, 7)), rng.getrandbits(1), rng.getrandbits(1), n, log_q, rng.getrandbits(31)
        )


def _sources(width: Width, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        return [
            Offer("jobs", often(rng, 0.5), _jobs(width, rng)),
            Offer("i", sometimes(rng), endless(alike(rng, width.lanes))),
            Wire("o__ready", sometimes(rng)),
        ]

    return [Fresh(begin)]


SELECT = Pair("select", Select, _sources, meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(
    ("width", "where"), cases(Width(8, 4), Width(4, 4), Width(16, 8), Width(16, 16), compiled=True)
)
def test_select(width: Width, where: Where) -> None:
    hold(SELECT, width, where)


@pytest.mark.parametrize(("along_time", "unbiased"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_job_is_as_defined_and_takes_a_clock_per_vector(along_time: int, unbiased: int) -> None:
    width, blocks = Width(8, 4), 6
    vectors = np.random.default_rng(7).integers(-127, 128, (blocks * 4, 8)).astype(np.int8)
    first = SELECT_LATENCY + (4 + 4 if along_time else 0) + 1
    clocks = first + len(vectors) + 1
    # after the clock of the job, vectors without a pause
    payloads = [0, *(int.from_bytes(vector.tobytes(), "little") for vector in vectors)]
    inputs = {
        "jobs__valid": [1] + [0] * (clocks - 1),
        "jobs__payload": [job(width, blocks, along_time, unbiased, 2, 1, 99)] * clocks,
        "i__valid": [0] + [1] * (clocks - 1),
        "i__payload": (payloads + [0] * clocks)[:clocks],
        "o__ready": [1] * clocks,
    }
    seen = simulate(Select(width.hw), inputs, ["i__ready", "o__valid", "o__payload", "jobs__ready"])
    assert seen["i__ready"][1:] == [1] * len(vectors) + [0] * (clocks - 1 - len(vectors))
    assert seen["o__valid"] == [0] * first + [1] * len(vectors) + [0]
    assert seen["jobs__ready"] == [1] + [0] * (clocks - 2) + [1]
    if unbiased:
        values, kept = select_unbiased(vectors, 4, 2, 99, bool(along_time))
    else:
        values, kept = select_ranked(vectors, 4, 2, bool(along_time))
    elements = values.astype(np.int64) & 0xFF | kept.astype(np.int64) << 8
    given = seen["o__payload"][first : first + len(vectors)]
    assert [[(word or 0) >> 9 * lane & 511 for lane in range(8)] for word in given] == elements.tolist()


def test_wants_whole_groups() -> None:
    refuses(Select)
    with pytest.raises(ValueError, match="not 6 lanes and groups of 4"):
        Select(Width(6, 4).hw)
