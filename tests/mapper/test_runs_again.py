"""Runs of a program right after another one: they find on the chip what that left there, and only they may."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_sim.machine.memories import Memories
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import columns_timing
from skipbeat_sim.timing.stored_tiles import program_columns, stored_tiles
from skipbeat_verify.interpreter import Interpreter
from tests.mapper.estimate.priced_layers import conv
from tests.mapper.networks import random_graph
from tests.mapper.program_check import compare

HW = load_hardware("edge-8x8")
MACHINE = Machine.of(HW)


def loaded(program: MachineProgram, *, again: bool) -> set[Kind]:
    return {Kind(each.kind) for each in program.decoded(again=again) if isinstance(each, isa.Load)}


@pytest.mark.parametrize("seed", range(4))
def test_they_give_the_same_results_without_loading_weights(seed: int) -> None:
    """The interpreter's memories begin with noise; the cycle model takes the clocks that are told."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, side=8, channels=16)
    program = compile_network(graph, HW, again=True)
    assert program.again is not None
    assert loaded(program, again=False) >= {Kind.WEIGHTS, Kind.PARAMETERS, Kind.TABLE}
    assert Kind.WEIGHTS not in loaded(program, again=True)
    chip, before = Memories(MACHINE), None
    for again in (False, True, True):
        code, columns = program.code(again=again), program_columns(program, MACHINE, again=again)
        assert program_columns(program, MACHINE, again=again) is columns
        cycles = columns_timing(MACHINE, columns, address=code.address).cycles
        x, memory = rng.integers(-128, 128, program.input_shape, np.int8), program.memory()
        program.write_input(memory, x)
        run = run_machine(MACHINE, memory, code.address, code.count, max_clocks=cycles + 100, memories=chip)
        assert (run.done, run.error, run.cycles) == (True, 0, cycles)
        compare(program, graph, x[None], run.memory)
        before = Interpreter(program, HW, memory, seed, kept=before.memories if before else None)
        before.run()
        compare(program, graph, x[None], memory)


def test_weights_that_do_not_stay_are_loaded_by_every_run() -> None:
    graph = layer_graph(conv(64, 64, 1, 1), np.ones((64, 64), np.int8), "layer")
    small = load_hardware("edge-8x8", ["weights.buffer_kib=1"])
    assert compile_network(graph, small, again=True).again is None
    assert compile_network(graph, HW).again is None


def test_alone_they_are_refused() -> None:
    program = compile_network(random_graph(np.random.default_rng(1), side=8, channels=16), HW, again=True)
    with pytest.raises(InputError, match="takes a tile of which words were never loaded"):
        stored_tiles(MACHINE, program.image, program.decoded(again=True))
