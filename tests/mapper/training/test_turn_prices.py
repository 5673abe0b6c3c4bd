"""What it costs to turn X: the clocks of the programs that do it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.training_model import TrainedLayer, Training
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.training import turn_prices
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_mapper.training.training_parts import PartPricer
from skipbeat_mapper.training.turn_prices import TurnPricer
from skipbeat_mapper.training.turn_programs import Operand, Window, turn_program
from skipbeat_mapper.training.update_chunks import Chunk, best_chunk
from skipbeat_sim.machine.run_machine import run_machine
from tests.mapper.training.made_products import model, product, update

TURNING = load_hardware("tiny-4x4", ["outputs.turn=true"])
PRODUCTS = ProductPricer(TURNING)
MACHINE = PRODUCTS.machine
(LAYER,) = model(batch=8).layers


def chunk_of(layer: TrainedLayer) -> Chunk:
    assert layer.update is not None
    return best_chunk(layer.update.workload, layer.update.images, layer.update.pattern, MACHINE)


def test_it_is_the_program_that_runs() -> None:
    chunk = chunk_of(LAYER)
    assert LAYER.update is not None
    cost = TurnPricer(PRODUCTS).turn(LAYER, LAYER.update, chunk)
    assert cost is not None
    sides, _ = PRODUCTS.groups("conv", chunk.program, chunk.channels, raw=True)
    windows = [
        Window(row=row, column=column, height=chunk.program.height, width=chunk.program.width, sides=sides)
        for row, column in chunk.places(LAYER.update.workload)
    ]
    groups, as_it_is = PRODUCTS.product_groups("conv", LAYER.forward[0])
    assert as_it_is
    program = turn_program(MACHINE, "conv", Operand(shape=(4, 4, 4), groups=groups), windows)
    run = run_machine(MACHINE, program.memory(), 0, program.count, max_clocks=cost.cycles + 10)
    assert (run.done, run.cycles) == (True, cost.cycles)
    assert (run.bytes_read, run.bytes_written) == (cost.machine.read_bytes, cost.machine.written_bytes)
    assert cost.machine.residual_vectors == 8 * 4 * 4
    assert cost.machine.residual_reads >= cost.machine.residual_vectors
    assert cost.machine.output_vectors * 4 == cost.machine.written_bytes


def test_it_is_a_part_of_the_update() -> None:
    (parts,) = PartPricer(TURNING, PRODUCTS, Training.BACKPROPAGATION).parts(model(batch=8))
    assert [part.turned for part in parts] == [None, None, True]
    update, turned = parts[2].costs
    (usual,) = PartPricer(
        load_hardware("tiny-4x4"), ProductPricer(load_hardware("tiny-4x4")), Training.BACKPROPAGATION
    ).parts(model(batch=8))
    assert usual[2].costs[0].cycles == update.cycles
    assert (len(usual[2].costs), usual[2].turned) == (1, None)
    assert turned.macs == 0 < turned.cycles


def test_what_the_host_turns() -> None:
    """A batch of no whole vectors, more than one convolution, and other hardware."""
    turns, (odd,) = TurnPricer(PRODUCTS), model(batch=6).layers
    assert odd.update is not None
    assert turns.turn(odd, odd.update, chunk_of(odd)) is None
    several = replace(LAYER, forward=LAYER.forward * 2)
    assert LAYER.update is not None
    assert turns.turn(several, LAYER.update, chunk_of(LAYER)) is None
    usual = TurnPricer(ProductPricer(load_hardware("tiny-4x4")))
    assert usual.turn(LAYER, LAYER.update, chunk_of(LAYER)) is None


def test_many_images_cost_what_some_more_of_them_do(monkeypatch: pytest.MonkeyPatch) -> None:
    conv = Convolution(batch=1, c_in=4, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    layer = replace(LAYER, forward=(product(conv, 64),), update=update(conv, 64))
    assert layer.update is not None
    exact = TurnPricer(PRODUCTS).turn(layer, layer.update, chunk_of(layer))
    monkeypatch.setattr(turn_prices, "MOST_VECTORS", 100)
    steady = TurnPricer(PRODUCTS).turn(layer, layer.update, chunk_of(layer))
    assert exact is not None
    assert steady is not None
    assert steady.cycles == pytest.approx(exact.cycles, rel=0.05)
    assert steady.machine.written_bytes == exact.machine.written_bytes
