"""What `skipbeat train` runs: a training by the integer oracle, and beside it one by programs of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from skipbeat_arch.arrays import Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.provenance import Source
from skipbeat_models.alone import output_on_standard_error
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_verify.gradient_programs import GradientPrograms
from skipbeat_verify.machine_products import MachineProducts
from skipbeat_verify.machine_simulation import machine_rtl
from skipbeat_verify.training_simulation import TrainingSimulation

from .progress import step, track
from .training_report import training_report


class Trained(NamedTuple):
    """What was found, arrays for a file, and the network."""

    report: dict[str, Any]
    arrays: Mapping[str, Array]
    source: Source


def train(
    source: str, patterns: TrainingPatterns, plan: TrainingPlan, hardware: Hardware, *, rtl: bool, cycle_model: bool
) -> Trained:
    """Train a network of the digits; on the RTL or the cycle model each of its products is made by programs too.

    Raises:
        InputError: there is no such network, it cannot be trained, or a product does not fit the machine.
    """
    with output_on_standard_error():
        stores = GradientPrograms(hardware=Machine.of(hardware).hw) if hardware.outputs.gradients else None
        trainer = IntegerTrainer(source, patterns, plan, hardware, stores)
    step(f"seed {plan.seed}")
    if trainer.padded_images:
        step(f"a pass takes {hardware.array.rows * hardware.array.group} images: {trainer.padded_images} are padding")
    simulation = None
    if rtl or cycle_model:
        if rtl:
            step(f"building the RTL of {hardware.name}")
        products = MachineProducts(
            hardware=Machine.of(hardware).hw,
            pattern=patterns.update,
            oracle=trainer.products,
            programs=stores,
            rtl=machine_rtl(hardware) if rtl else None,
            cycle_model=cycle_model,
        )
        simulation = TrainingSimulation(oracle=trainer, machine=trainer.beside(products), products=products)
    found = track(trainer.run(None if simulation is None else simulation.step), trainer.stretches, "training", str)
    report = training_report(trainer, list(found), simulation)
    return Trained(report, trainer.arrays(), trainer.origin)
