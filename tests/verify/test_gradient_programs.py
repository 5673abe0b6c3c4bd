"""Programs that round dX as they store it: in the interpreter and on the cycle model they leave what is defined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int8Array
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.layer_graph import MASK, Nearest, layer_graph
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.integer_training.gradient_store import GradientStore, stored
from skipbeat_models.integer_training.stationary_products import forward_product
from skipbeat_models.integer_training.stored_bytes import StoredBytes
from skipbeat_models.integer_training.training_products import ExactProducts, Geometry
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_verify.gradient_programs import GradientProgram, GradientPrograms
from skipbeat_verify.interpreter import Interpreter

KEYS = ["outputs.gradients=true", "activations.buffer_kib=1"]
TINY = load_hardware("tiny-4x4", KEYS)
STRIDED = Geometry(stride=(2, 2), padding=(1, 1))
SHAPE, WEIGHT, GRADIENT = (6, 10, 8, 8), (6, 10, 3, 3), (6, 6, 4, 4)


def bytes_of(seed: int, *shape: int) -> Int8Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def programs_of(hardware: Hardware, store: GradientStore) -> list[GradientProgram]:
    compiler = GradientPrograms(hardware=hardware)
    return list(compiler.programs("layer", bytes_of(1, *GRADIENT), bytes_of(2, *WEIGHT), STRIDED, SHAPE, store))


def left_by_model(each: GradientProgram, store: GradientStore) -> tuple[Bytes, int, int]:
    """Memory, PEAK and CLIPS."""
    memory = filled(each, store)
    run = run_machine(Machine.of(TINY), memory, each.program.address, each.program.count, max_clocks=100_000)
    assert (run.done, run.error) == (True, 0)
    return run.memory, run.bits, run.clips


def filled(each: GradientProgram, store: GradientStore) -> Bytes:
    memory = each.program.memory()
    for number, image in enumerate(each.part.x):
        each.program.write_input(memory, np.ascontiguousarray(image), number)
    if store.passed is not None:
        for number, mask in enumerate(each.part.taken(store.passed)):
            each.program.write_tensor(memory, MASK, (mask != 0).astype(np.int8) * np.int8(-128), number)
    return memory


def joined(programs: list[GradientProgram], memories: list[Bytes]) -> Int8Array:
    whole = np.zeros(SHAPE, np.int8)
    for each, memory in zip(programs, memories, strict=True):
        each.part.put(whole, np.stack([each.program.read_output(memory, i) for i in range(len(each.part.x))]))
    return whole


def defined(store: GradientStore) -> StoredBytes:
    gradient, weight = bytes_of(1, *GRADIENT), bytes_of(2, *WEIGHT)
    return ExactProducts(GradientPrograms(hardware=TINY)).backward("layer", gradient, weight, STRIDED, SHAPE, store)


@pytest.mark.parametrize("masked", [False, True])
def test_all_levels_leave_what_is_defined(masked: bool) -> None:
    """Four phases of a stride, several groups of images; the interpreter in several orders."""
    store = GradientStore(seed=987_654_321, passed=np.maximum(bytes_of(3, *SHAPE) - 20, 0) if masked else None, shift=9)
    programs, wanted = programs_of(TINY, store), defined(store)
    assert len(programs) == 4
    assert any(len(each.program.tensors) > 3 for each in programs), "more than one group of images"
    ran = [left_by_model(each, store) for each in programs]
    np.testing.assert_array_equal(joined(programs, [memory for memory, *_ in ran]), wanted.mantissas)
    assert (max(bits for _, bits, _ in ran), sum(clips for *_, clips in ran)) == (wanted.bits, wanted.clips)
    assert wanted.clips > 0
    for seed, (favour, delay) in enumerate([("", ""), ("store", ""), ("", "store"), ("load", "")]):
        memories = [filled(each, store) for each in programs]
        for each, memory in zip(programs, memories, strict=True):
            Interpreter(each.program, TINY, memory, seed, favour, delay).run()
        np.testing.assert_array_equal(joined(programs, memories), wanted.mantissas, err_msg=f"{favour} {delay}")


@pytest.mark.parametrize("low", [0, -127])
def test_all_levels_leave_the_same_maxima_and_places(low: int) -> None:
    """Several groups of images; the interpreter in several orders."""
    x, weight, apart = bytes_of(1, 6, 4, 8, 8), bytes_of(2, 10, 4, 3, 3), np.arange(10) % 4
    pool = Pool(kernel=(3, 2), stride=(3, 2))
    x[0] = 0
    part = forward_product(x, weight, Geometry(padding=(1, 1)))
    nearest = Nearest(multiplier=np.int64(2) << apart, shift=9, low=low, pool=pool)
    graph = layer_graph(part.workload, part.weight, "layer", bias=np.arange(10, dtype=np.int32), nearest=nearest)
    program, wanted = compile_network(graph, TINY, len(x)), run_graph(graph, x)[graph.output]
    assert wanted.shape == (6, 2, 10, 2, 4)
    assert (wanted[0, 1] == 0).all(), "all sums of a window are the bias"
    assert set(np.unique(wanted[:, 1])) == set(range(6))
    memory = program.memory()
    for number, image in enumerate(x):
        program.write_input(memory, image, number)
    run = run_machine(Machine.of(TINY), memory, program.address, program.count, max_clocks=100_000)
    assert (run.done, run.error) == (True, 0)
    np.testing.assert_array_equal(program.read_outputs(run.memory), wanted)
    for seed, (favour, delay) in enumerate([("", ""), ("store", ""), ("", "store"), ("load", "")]):
        left = memory.copy()
        Interpreter(program, TINY, left, seed, favour, delay).run()
        np.testing.assert_array_equal(program.read_outputs(left), wanted, err_msg=f"{favour} {delay}")


def test_every_store_has_draws_of_its_own() -> None:
    store = GradientStore(seed=5 << 7, shift=3)
    programs = programs_of(TINY, store)
    stores = [each for made in programs for each in made.program.instructions if isinstance(each, isa.Store)]
    assert len(stores) > 8
    assert all(each.stochastic for each in stores)
    assert len({each.seed for each in stores}) == len(stores)
    drawn = np.concatenate([each.draws.ravel() for each in programs])
    assert len(np.unique(drawn)) > 0.999 * drawn.size
    half = drawn >= 1 << 31
    assert abs(half.mean() - 0.5) < 0.02


def test_a_first_store_has_the_shift_that_its_sums_need() -> None:
    store = GradientStore(seed=7)
    found = defined(store)
    assert 0 < found.shift == found.bits - 7
    assert found.clips <= found.mantissas.size // 100
    again = defined(replace(store, shift=found.shift))
    np.testing.assert_array_equal(found.mantissas, again.mantissas)


def test_what_was_compiled_last_is_kept_and_mappings_stay() -> None:
    compiler, store = GradientPrograms(hardware=TINY), GradientStore(seed=7, shift=4)
    gradient, weight = bytes_of(1, *GRADIENT), bytes_of(2, *WEIGHT)
    thin = np.where(bytes_of(4, *WEIGHT) > 60, weight, np.int8(0))

    def made(weight: Int8Array) -> list[MachineProgram]:
        return [each.program for each in compiler.programs("layer", gradient, weight, STRIDED, SHAPE, store)]

    first, again, other = made(weight), made(weight), made(thin)
    assert all(one is same for one, same in zip(first, again, strict=True))
    assert all(one is not new for one, new in zip(first, other, strict=True))
    for one, new in zip(first, other, strict=True):
        counts = [[each.count for each in kept.instructions if isinstance(each, isa.Store)] for kept in (one, new)]
        assert counts[0] == counts[1]


def test_rounding_is_that_of_the_definition() -> None:
    """Without programs: sums that are masked count neither for the size nor as clipped."""
    sums = np.array([[[[5000, -300, 7]]]])
    passed = np.array([[[[0, 1, -3]]]], np.int8)
    store = GradientStore(seed=0, passed=passed, shift=1)
    found = stored(sums, store, lambda _: np.full(sums.shape, 1 << 31, np.uint32))
    assert found.mantissas.ravel().tolist() == [0, -127, 4]
    assert (found.bits, found.clips) == (9, 1)
