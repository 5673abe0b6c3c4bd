"""Compiled programs on random images: every tensor in memory is the reference's."""

from __future__ import annotations

from functools import partial

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.machine.run_machine import MachineModelRun, run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from skipbeat_sim.timing.stored_tiles import stored_tiles
from skipbeat_verify.interpreter import Interpreter
from tests.mapper.reference import run_graph


def check(graph: Graph, hw: Hardware, seed: int, favour: str = "", delay: str = "", images: int = 1) -> MachineProgram:
    """Runs a compiled graph on random images and compares every tensor that is in memory; returns the program."""
    program, xs, memory = prepared(graph, hw, seed, images)
    Interpreter(program, hw, memory, seed, favour, delay).run()
    compare(program, graph, xs, memory)
    return program


def check_clocks(
    graph: Graph,
    hw: Hardware,
    seed: int,
    images: int = 1,
    *,
    most_clocks: int | None = None,
    rtl: VerilatedMachine | None = None,
) -> MachineProgram:
    """Runs a compiled graph on the cycle model, which takes as long as predicted, and compares as `check` does.

    Args:
        most_clocks: a longer program runs in the interpreter instead.
        rtl: where it runs instead of on the cycle model, if it is of this hardware.
    """
    program, xs, memory = prepared(graph, hw, seed, images)
    machine, instructions = Machine.of(hw), program.instructions
    tiles = stored_tiles(machine, program.image, instructions)
    clocks = machine_timing(machine, instructions, tiles, address=program.address).cycles
    run: MachineRun | MachineModelRun
    if most_clocks is not None and clocks > most_clocks:
        Interpreter(program, hw, memory, seed, "", "").run()
    else:
        run_on = rtl.run if rtl else partial(run_machine, machine)
        run = run_on(memory, program.address, program.count, max_clocks=clocks + 100)
        assert (run.done, run.error, run.cycles) == (True, 0, clocks)
        memory = run.memory
    compare(program, graph, xs, memory)
    return program


def prepared(graph: Graph, hw: Hardware, seed: int, images: int) -> tuple[MachineProgram, Int8Array, Bytes]:
    """A program, random images int8 [N, C, H, W], and a memory with them in it and noise where tensors will be."""
    rng = np.random.default_rng(seed)
    program = compile_network(graph, hw, images)
    assert program.images == images
    xs: Int8Array = rng.integers(-128, 128, (images, *graph.tensor(graph.input).shape), np.int8)
    memory = program.memory()
    memory[program.image.size :] = rng.integers(0, 256, memory.size - program.image.size, np.uint8)
    for image, x in enumerate(xs):
        program.write_input(memory, x, image)
    return program, xs, memory


def compare(program: MachineProgram, graph: Graph, xs: Int8Array, memory: Bytes) -> None:
    """Every tensor of every image that is in memory is the reference's."""
    for image, x in enumerate(xs):
        expected = run_graph(graph, x)
        for place in program.tensors:
            if place.name != graph.input and place.first <= image < place.first + place.images:
                found = program.read_tensor(memory, place, image)
                np.testing.assert_array_equal(found, expected[place.name], err_msg=f"{place.name} of image {image}")
