"""The tokens are needed: without any one of them some order of events computes something else, or never ends."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.hazards import order
from skipbeat_mapper.order.places import NEVER, column
from skipbeat_mapper.program.sequencing import unordered
from skipbeat_mapper.units.units import Space
from skipbeat_verify.interpreter import DeadlockError, Interpreter
from tests.mapper.listed import units_of
from tests.mapper.networks import Builder
from tests.mapper.random_nodes import few
from tests.mapper.reference import run_graph

ROOMY = load_hardware("edge-8x8")
#: Blocks of two rows: the later ones need nothing from memory but their residuals.
BLOCKS = load_hardware("edge-8x8", ["accumulators.depth=16"])
#: Room for one output row at a time.
TIGHT = load_hardware("edge-8x8", ["activations.buffer_kib=2", "weights.buffer_kib=6", "outputs.buffer_kib=1"])


@pytest.fixture(scope="module")
def builder() -> Builder:
    builder = Builder((16, 8, 8), np.random.default_rng(1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1), residual="node0")
    return builder


def drop(program: MachineProgram, source: Engine, sink: Engine) -> MachineProgram:
    """The program without any token from one engine to another."""
    words = []
    for old in program.instructions:
        wait = tuple(e for e in old.wait if (e, old.engine) != (source, sink))
        signal = tuple(e for e in old.signal if (old.engine, e) != (source, sink))
        words.append(dataclasses.replace(old, wait=wait, signal=signal).to_word())
    image = program.image.copy()
    code = b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words)
    image[program.address : program.address + len(code)] = np.frombuffer(code, np.uint8)
    return dataclasses.replace(program, image=image)


def survives(program: MachineProgram, hw: Hardware, builder: Builder, favour: str, delay: str) -> bool:
    """Whether a program computes the right output."""
    x = np.random.default_rng(2).integers(-128, 128, (16, 8, 8), np.int8)
    memory = program.memory()
    program.write_input(memory, x)
    try:
        Interpreter(program, hw, memory, 1, favour, delay).run()
    except (DeadlockError, AssertionError, ValueError):  # InputError is a ValueError: a tile of noise
        return False
    return bool(np.array_equal(program.read_output(memory), run_graph(builder.graph(), x)["node1"]))


@pytest.mark.parametrize(
    ("hw", "source", "sink", "favour", "delay"),
    [
        (ROOMY, Engine.LOAD, Engine.EXECUTE, "", "load"),
        (BLOCKS, Engine.LOAD, Engine.STORE, "", "load"),
        (TIGHT, Engine.EXECUTE, Engine.LOAD, "load", ""),
        (ROOMY, Engine.STORE, Engine.LOAD, "load", "store_write"),
        (ROOMY, Engine.STORE, Engine.EXECUTE, "fetch", "store_output"),
    ],
)
def test_without_these_tokens_the_result_is_wrong(
    builder: Builder, hw: Hardware, source: Engine, sink: Engine, favour: str, delay: str
) -> None:
    program = compile_network(builder.graph(), hw)
    assert survives(program, hw, builder, favour, delay)
    assert not survives(drop(program, source, sink), hw, builder, favour, delay)


@few
@given(st.data())
def test_every_dependency_is_met_and_no_token_is_left(data: st.DataObject) -> None:
    engines = data.draw(st.lists(st.sampled_from(list(Engine)), min_size=2, max_size=40))
    s, m = unordered(units_of([]).columns, dict.fromkeys(Space, 1), len(engines))
    column(s, m, at.ENGINE)[:], asked = engines, []
    for consumer in range(1, len(engines)):
        for producer in data.draw(st.lists(st.integers(NEVER, consumer - 1), max_size=4)):
            order(s, m, producer, consumer, NEVER, NEVER)
            asked.append((producer, consumer))
    wait, signal = column(s, m, at.WAIT), column(s, m, at.SIGNAL)
    given_, taken = {}, {}
    for source, sink in ((a, b) for a in Engine for b in Engine if a != b):
        given_[source, sink] = [n for n, e in enumerate(engines) if e == source and signal[n] >> sink & 1]
        taken[source, sink] = [n for n, e in enumerate(engines) if e == sink and wait[n] >> source & 1]
        assert len(given_[source, sink]) == len(taken[source, sink]), "a token that nobody takes lets a later one pass"
        assert all(g < t for g, t in zip(given_[source, sink], taken[source, sink], strict=True)), (
            "it would wait for ever"
        )
    for producer, consumer in asked:
        pair = engines[producer], engines[consumer]
        if producer != NEVER and pair[0] != pair[1]:
            met = zip(given_[pair], taken[pair], strict=True)
            assert any(g >= producer and t <= consumer for g, t in met)
