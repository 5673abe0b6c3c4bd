"""The walks that are told are those of the program: every LOAD, PASS and STORE of a node is in one line."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from skipbeat_arch.engines import Kind
from skipbeat_arch.graph import Graph, Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.estimate.walks import SHOWN, engine_walks
from skipbeat_mapper.program.schedule import Schedule
from skipbeat_mapper.program.sequencing import schedule_of
from tests.mapper.listed import Load, listed
from tests.mapper.networks import Builder, random_graph
from tests.mapper.placed import placed

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "accumulators.depth=64"]))
LINE = re.compile(r"([\d,]+) (LOADs of \w+|PASSes|STOREs)")


def schedule(graph: Graph) -> Schedule:
    return schedule_of(placed(graph, MACHINE))


@pytest.mark.parametrize("seed", range(6))
def test_every_instruction_is_counted_once(seed: int) -> None:
    made = schedule(random_graph(np.random.default_rng(seed)))
    for number, walks in enumerate(engine_walks(made)):
        told, wanted, lines = Counter[str](), Counter[str](), Counter[str]()
        for line in walks:
            found = LINE.match(line)
            assert found is not None
            told[found[2]] += int(found[1].replace(",", ""))
            lines[found[2]] += 1
        for unit in (each for each in listed(made.units) if each.node == number):
            wanted["PASSes"] += len(unit.passes)
            wanted["STOREs"] += unit.store is not None
            for load in unit.loads:
                if isinstance(load, Load):
                    wanted[f"LOADs of {Kind(load.kind).name.lower()}"] += 1
        assert told == wanted
        assert max(lines.values()) <= SHOWN + 1


def test_loops_and_lines_of_two_chained_nodes() -> None:
    builder = Builder((8, 6, 10), np.random.default_rng(0))
    builder.convolution(8, (3, 3), padding=(1, 1), density=1.0)
    builder.convolution(8, (1, 1), pool=Pool(kernel=(2, 2), stride=(2, 2)), density=1.0)
    lines, second = engine_walks(schedule(builder.graph()))
    assert "1 LOADs of activations in lines of 10, 11 apart: 60 vectors, to entries from 72" in lines
    assert any("over 6 x 10 entries 11 x 1 apart, from entries 60" in line for line in lines)
    assert "1 STOREs into the banks in lines of 10, 10 apart: 60 vectors, at most 60 each" in lines
    lines = second
    assert any("over 3 x 5 x 2 x 2 entries 20 x 2 x 10 x 1 apart" in line for line in lines)
    assert any(line.endswith("vectors, at most 15 each") for line in lines)
