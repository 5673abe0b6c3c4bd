"""Training steps by programs: sums, weights and masks are the oracle's, and clocks the timing model's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import nn

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Pool
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.registers import Counter
from skipbeat_arch.training_model import Role
from skipbeat_models.integer_training import integer_trainer
from skipbeat_models.integer_training.activation_store import ActivationStore
from skipbeat_models.integer_training.gradient_store import GradientStore
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.stored_bytes import StoredBytes
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_models.integer_training.training_products import ExactProducts, Geometry, TensorDraws
from skipbeat_models.integer_training.vectors import Vectors
from skipbeat_models.scheme import Scheme
from skipbeat_verify.gradient_programs import GradientProgram, GradientPrograms
from skipbeat_verify.host_tasks import HostTask
from skipbeat_verify.machine_products import MachineProducts
from skipbeat_verify.machine_simulation import Noted, machine_rtl
from skipbeat_verify.training_simulation import TrainingSimulation

TINY, TRAINING = load_hardware("tiny-4x4"), load_hardware("edge-16x16-m8")
STORING, TRAINING_STORES = (load_hardware(each.name, ["outputs.gradients=true"]) for each in (TINY, TRAINING))
HALF = Pattern.parse("1:2")


def bytes_of(seed: int, *shape: int) -> Int8Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def products_of(hardware: Hardware, kind: type[MachineProducts] = MachineProducts) -> MachineProducts:
    """On the cycle model."""
    programs = GradientPrograms(hardware=hardware) if hardware.outputs.gradients else None
    oracle = ExactProducts(programs or TensorDraws(Vectors.of(hardware)))
    return kind(hardware=hardware, pattern=HALF, oracle=oracle, programs=programs, rtl=None, cycle_model=True)


def on_rtl(hardware: Hardware) -> MachineProducts:
    return replace(products_of(hardware), rtl=machine_rtl(hardware), cycle_model=False)


def simulation(source: str, products: MachineProducts, *, steps: int, batch: int) -> TrainingSimulation:
    kept = f"2:{products.hardware.array.group}"
    patterns = TrainingPatterns(forward=Scheme.parse(kept), backward=Scheme.parse(kept), update=HALF)
    plan = TrainingPlan(steps=steps, batch=batch, seed=0)
    oracle = IntegerTrainer(source, patterns, plan, products.hardware, products.oracle.draws)
    return TrainingSimulation(oracle=oracle, machine=oracle.beside(products), products=products)


def made(monkeypatch: pytest.MonkeyPatch, *layers: nn.Module) -> str:
    """A source whose network has these layers."""
    monkeypatch.setattr(integer_trainer, "digits_network", lambda source, seed: nn.Sequential(*layers))
    return "made:network"


@pytest.mark.parametrize("hardware", [TINY, STORING], ids=["raw sums", "stored gradients"])
@pytest.mark.parametrize("geometry", [Geometry(stride=(2, 2), padding=(1, 1)), Geometry(groups=2)])
def test_the_products_of_a_layer_on_the_cycle_model(hardware: Hardware, geometry: Geometry) -> None:
    products, x, weight = products_of(hardware), bytes_of(1, 2, 4, 4, 4), bytes_of(2, 4, 4 // geometry.groups, 3, 3)
    y = products.forward("layer", x, weight, np.arange(4) - 2, geometry)
    store = GradientStore(shift=7, seed=12345 << 7, passed=np.maximum(x, 0))
    dx = products.backward("layer", bytes_of(3, *y.shape), weight, geometry, x.shape, store)
    assert dx.clips > 0
    assert (dx.mantissas[x <= 0] == 0).all()
    products.update("layer", x, bytes_of(3, *y.shape), geometry, weight.shape)
    assert products.exact
    assert all(each.run.agrees for each in products.runs)
    assert {each.role for each in products.runs} == {Role.FORWARD, Role.BACKWARD, Role.UPDATE}


@pytest.mark.parametrize("hardware", [TINY, STORING], ids=["raw sums", "stored activations"])
@pytest.mark.parametrize("low", [0, -127])
def test_the_output_of_a_layer_as_it_is_stored(hardware: Hardware, low: int) -> None:
    """Channels have units of their own; a first store has the shift that its sums need."""
    products, x, weight = products_of(hardware), bytes_of(1, 3, 4, 4, 4), bytes_of(2, 6, 4, 3, 3)
    apart, bias, geometry = np.array([0, 3, 10, 1, 0, 2]), 1000 * np.arange(6) - 2500, Geometry(padding=(1, 1))
    first = products.activations("layer", x, weight, bias, geometry, ActivationStore(apart=apart, low=low))
    assert first.shift == first.bits - 7 > 10
    assert first.clips <= first.mantissas.size // 100
    store = ActivationStore(apart=apart, low=low, shift=first.shift - 2)
    found = products.activations("layer", x, weight, bias, geometry, store)
    assert (found.bits, found.shift) == (first.bits, first.shift - 2)
    assert found.clips > first.clips
    sums = products.oracle.forward("layer", x, weight, bias, geometry) << apart[:, None, None]
    small = (sums > 0) & (sums < 1 << store.stored_shift - 2)
    assert small.any()
    assert (found.mantissas[small] == (low == 0)).all()
    if low == 0:
        np.testing.assert_array_equal(found.mantissas > 0, sums > 0)
    assert products.exact
    assert all(each.run.agrees for each in products.runs)
    stores = hardware.outputs.gradients
    assert len(products.runs) == 2 + stores
    assert products.host[HostTask.ROUND] == (0 if stores else 2 * 5 * sums.size)


@pytest.mark.parametrize("hardware", [TINY, STORING], ids=["raw sums", "stored activations"])
@pytest.mark.parametrize("low", [0, -127])
def test_the_output_of_a_layer_as_it_is_pooled(hardware: Hardware, low: int) -> None:
    """The largest sums are stored, with their places; of equal ones the first."""
    products, x, weight = products_of(hardware), bytes_of(1, 3, 4, 6, 5), bytes_of(2, 6, 4, 3, 3)
    x[0], bias = 0, np.arange(6) - 2
    store = ActivationStore(apart=np.array([0, 3, 10, 1, 0, 2]), low=low, pool=Pool(kernel=(3, 2), stride=(3, 2)))
    found = products.activations("layer", x, weight, bias, Geometry(padding=(1, 1)), store)
    assert found.places is not None
    assert found.places.shape == found.mantissas.shape == (3, 6, 2, 2)
    assert (found.places[0] == 0).all(), "all sums are the bias"
    assert set(np.unique(found.places[1:])) == set(range(6))
    assert products.exact
    assert all(each.run.agrees for each in products.runs)
    moved = 2 * found.mantissas.size if hardware.outputs.gradients else 4 * 3 * 6 * 6 * 5 + found.mantissas.size
    assert products.host[HostTask.SPLIT if hardware.outputs.gradients else HostTask.ROUND] == moved


def test_a_step_of_a_training_on_the_cycle_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strided layer behind another one, and a kernel over the map."""
    layers = nn.Conv2d(1, 4, 3, stride=3), nn.ReLU(), nn.Conv2d(4, 4, 2, stride=2, padding=1), nn.ReLU()
    source = made(monkeypatch, *layers, nn.Flatten(), nn.Linear(16, 10))
    run = simulation(source, products_of(TINY), steps=1, batch=4)
    assert [each.steps for each in run.oracle.run(run.step)] == [1]
    assert run.agrees
    assert len(run.products.runs) == 3 + 1 + 4 + 3, "a strided layer has four phases backward, the first layer none"
    assert set(run.products.host) == set(HostTask) - {HostTask.MASK, HostTask.SPLIT}
    assert all(moved > 0 for moved in run.products.host.values())
    late = run.products.runs[0]
    assert late.run.model is not None
    late = replace(late, run=replace(late.run, model=replace(late.run.model, cycles=late.run.model.cycles + 1)))
    assert not replace(run, products=replace(run.products, runs=[late])).agrees, "a clock more in one program"


@pytest.mark.parametrize("keys", [["outputs.turn=true"], ["outputs.turn=true", "outputs.gradients=true"]])
def test_a_step_of_a_training_that_turns(monkeypatch: pytest.MonkeyPatch, keys: list[str]) -> None:
    """X of every layer; a kernel over the whole map has its pixels as channels. The host turns dY."""
    layers = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU()
    source = made(monkeypatch, *layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 10))
    usual, turning = (
        simulation(source, products_of(load_hardware("tiny-4x4", each)), steps=1, batch=8) for each in (keys[1:], keys)
    )
    for run in (usual, turning):
        assert [each.steps for each in run.oracle.run(run.step)] == [1]
        assert run.agrees
    gradients, inputs = 8 * (4 * 16 + 8 * 16 + 10), 8 * (64 + 4 * 16 + 8 * 4)
    assert usual.products.host[HostTask.TURN] == 2 * (gradients + inputs)
    assert turning.products.host[HostTask.TURN] == 2 * gradients
    turned = [each for each in turning.products.runs if not each.run.timing.counters[Counter.COMPUTE]]
    assert {each.layer for each in turned} == {each.layer for each in turning.products.runs}
    assert {each.role for each in turned} == {Role.UPDATE}
    assert len(turning.products.runs) == len(usual.products.runs) + len(turned)
    left = turned[0].run.model
    assert left is not None
    late = replace(turned[0], run=replace(turned[0].run, model=replace(left, cycles=left.cycles + 1)))
    assert not replace(turning, products=replace(turning.products, runs=[late])).agrees, "a clock more in one program"


def test_a_batch_of_no_whole_vectors_is_turned_by_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(
        monkeypatch, nn.Conv2d(1, 4, 3, stride=3), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(16, 10)
    )
    run = simulation(source, products_of(load_hardware("tiny-4x4", ["outputs.turn=true"])), steps=1, batch=6)
    assert len(list(run.oracle.run(run.step))) == 1
    assert run.agrees
    assert run.products.host[HostTask.TURN] == 2 * 6 * (64 + 16 + 16 + 16 + 16 + 10)


def test_a_step_of_a_training_that_stores_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second layer hands on behind a clamp; a first step runs each backward program twice."""
    layers = nn.Conv2d(1, 4, 3, stride=3), nn.ReLU(), nn.Conv2d(4, 4, 2, stride=2, padding=1), nn.ReLU()
    source = made(monkeypatch, *layers, nn.Flatten(), nn.Linear(16, 10))
    run = simulation(source, products_of(STORING), steps=2, batch=4)
    assert len(list(run.oracle.run(run.step))) == 2
    assert run.agrees
    backward = [each.run for each in run.products.runs if each.role is Role.BACKWARD]
    assert len(backward) == 3 * (1 + 4)
    assert max(each.noted.bits for each in backward if each.noted is not None) > 7
    masked = run.machine.graph.layers[1].x.mantissas.size + run.machine.graph.layers[2].x.mantissas.size
    assert run.products.host[HostTask.MASK] == 3 * masked, "phases of a stride do not lie as the map does"
    forward = [each.run for each in run.products.runs if each.role is Role.FORWARD]
    assert len(forward) == 2 * 2 + 2 + 2, "the last layer's sums go to the host"
    assert all(each.noted is not None and each.noted.bits > 7 for each in forward[:4])
    assert run.products.host[HostTask.ROUND] == 0


@pytest.mark.parametrize("hardware", [TINY, STORING], ids=["raw sums", "stored gradients"])
def test_a_step_of_a_training_that_pools(monkeypatch: pytest.MonkeyPatch, hardware: Hardware) -> None:
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.MaxPool2d(2), nn.ReLU()
    source = made(monkeypatch, *layers, nn.Flatten(), nn.Linear(4, 10))
    run = simulation(source, products_of(hardware), steps=2, batch=4)
    assert len(list(run.oracle.run(run.step))) == 2
    assert run.agrees
    stored = hardware.outputs.gradients
    assert run.products.host[HostTask.ROUND] > 0 or stored
    assert run.products.host[HostTask.SPLIT] == (2 * 2 * 4 * (4 * 16 + 4) if stored else 0)


class WrongPlace(MachineProducts):
    """A machine that finds another item of a window."""

    def _store_activations(self, *given: Any) -> StoredBytes:
        found = super()._store_activations(*given)
        return replace(found, places=None if found.places is None else found.places ^ 1)


def test_wrong_places_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    run = simulation(made(monkeypatch, *layers), products_of(STORING, WrongPlace), steps=1, batch=2)
    assert len(list(run.oracle.run(run.step))) == 1
    assert not run.products.exact
    assert not run.exact


class WrongPeak(MachineProducts):
    """A machine that says of its largest sum one bit too much."""

    def _run_gradient(self, layer: str, gradient: GradientProgram, store: GradientStore) -> tuple[Int8Array, Noted]:
        found, noted = super()._run_gradient(layer, gradient, store)
        return found, replace(noted, bits=noted.bits + 1)


class WrongClips(WrongPeak):
    """A machine that counts a clipped byte too much."""

    def _run_gradient(self, layer: str, gradient: GradientProgram, store: GradientStore) -> tuple[Int8Array, Noted]:
        found, noted = MachineProducts._run_gradient(self, layer, gradient, store)
        return found, replace(noted, clips=noted.clips + 1)


@pytest.mark.parametrize("kind", [WrongPeak, WrongClips])
def test_a_wrong_peak_and_wrong_clips_are_found(monkeypatch: pytest.MonkeyPatch, kind: type[MachineProducts]) -> None:
    source = made(monkeypatch, nn.Conv2d(1, 4, 4, stride=4), nn.Flatten(), nn.Linear(16, 10))
    run = simulation(source, products_of(STORING, kind), steps=1, batch=2)
    assert len(list(run.oracle.run(run.step))) == 1
    assert not run.products.exact
    assert not run.agrees


class WrongBit(MachineProducts):
    """A machine whose sums have a wrong bit."""

    def _sums(self, layer: str, role: Role, graph: Graph, program: MachineProgram, images: Int8Array) -> Int64Array:
        found = super()._sums(layer, role, graph, program, images)
        found.flat[0] ^= 1
        return found


def test_a_wrong_bit_is_found_in_the_sums_and_in_what_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(monkeypatch, nn.Flatten(), nn.Linear(64, 10))
    run = simulation(source, products_of(TINY, WrongBit), steps=1, batch=2)
    assert len(list(run.oracle.run(run.step))) == 1
    assert not run.exact
    assert not run.products.exact
    assert not run.agrees


def test_sums_that_do_not_fit_the_machine() -> None:
    bias = np.array([1 << 31, 0])
    with pytest.raises(InputError, match="layer fc: its biases do not fit 32 bits, as the machine takes them"):
        products_of(TINY).forward("fc", bytes_of(1, 1, 4, 1, 1), bytes_of(2, 2, 4, 1, 1), bias, Geometry())
    with pytest.raises(InputError, match="node fc: its sums do not fit int32"):
        products_of(TINY).forward(
            "fc", np.ones((1, 4, 1, 1), np.int8), np.ones((2, 4, 1, 1), np.int8), bias - 1, Geometry()
        )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hardware", [TRAINING, TRAINING_STORES], ids=["raw sums", "stored gradients"])
@pytest.mark.parametrize(("source", "steps"), [("zoo:digits-cnn", 10), ("zoo:tiny-resnet", 1)])
def test_steps_of_64_images_on_the_rtl(source: str, steps: int, hardware: Hardware) -> None:
    run = simulation(source, on_rtl(hardware), steps=steps, batch=64)
    assert len(list(run.oracle.run(run.step))) == steps
    assert run.agrees
