"""Gradients of one dense step by the integer oracle beside PyTorch's: cosine, layer by layer.

    python benchmarks/gradients.py [--seeds 3] [--batch 64] [MODEL]

`int8` is beside the float network's own gradients. `stored` is the same on hardware with `outputs.gradients`, where
bytes tell a clamp's derivative. `rounded` is the float network whose weights and layers' inputs are rounded to bytes,
in units by the largest magnitude, with everything else in float32. What it loses is lost by the forward pass alone;
`weights` and `inputs` have only these rounded. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from skipbeat_arch.arrays import FloatArray
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_models.digits_data import DigitsData, load_data
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer, digits_network
from skipbeat_models.integer_training.scaled import fitting_exponent
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_models.pruners.layers import prunable_layers
from skipbeat_models.scheme import Scheme
from skipbeat_models.training import one_thread

Gradients = dict[str, FloatArray]


def main() -> None:
    """Print a row for each seed and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="zoo:digits-cnn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    given, data = parser.parse_args(), load_data()
    print("| seed | way | cosine of each layer |\n|---|---|---|")
    for seed in range(given.seeds):
        wanted = _of_float(given.model, seed, given.batch, data, ())
        ways = {
            way: _of_integers(given.model, seed, given.batch, keys)
            for way, keys in (("int8", ()), ("stored", ("outputs.gradients=true",)))
        }
        for way, rounded in (("rounded", ("weights", "inputs")), ("weights", ("weights",)), ("inputs", ("inputs",))):
            ways[way] = _of_float(given.model, seed, given.batch, data, rounded)
        for way, found in ways.items():
            each = " ".join(f"{_cosine(found[name], gradient):.3f}" for name, gradient in wanted.items())
            print(f"| {seed} | {way} | {each} |", flush=True)


def _of_integers(model: str, seed: int, batch: int, keys: Sequence[str]) -> Gradients:
    dense = TrainingPatterns(forward=Scheme.of("dense"), backward=Scheme.of("dense"), update=Pattern("dense"))
    plan = TrainingPlan(steps=1, batch=batch, seed=seed)
    trainer = IntegerTrainer(model, dense, plan, load_hardware("edge-16x16-m8", keys))
    images, labels = trainer.data.train_images[:batch].double().numpy(), trainer.data.train_labels[:batch].numpy()
    trainer.step(images, labels, 0)
    return {
        layer.name: layer.matrix.gradient(layer.x, layer.gradient).astype(np.float64) for layer in trainer.graph.layers
    }


def _of_float(source: str, seed: int, batch: int, data: DigitsData, rounded: Sequence[str]) -> Gradients:
    model = digits_network(source, seed).train()
    layers = prunable_layers(model)
    for layer in layers.values():
        if "weights" in rounded:
            layer.weight.data = torch.stack([_in_bytes(column) for column in layer.weight.detach()])
        if "inputs" in rounded:
            layer.register_forward_pre_hook(_round_input)
    with one_thread():
        loss = nn.functional.cross_entropy(model(data.train_images[:batch]), data.train_labels[:batch])
        found = torch.autograd.grad(loss, [layer.weight for layer in layers.values()])
    return {name: each.double().numpy() for name, each in zip(layers, found, strict=True)}


def _round_input(_layer: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The rounded input, whose gradient goes on as if it were not rounded."""
    x = given[0]
    return (x + (_in_bytes(x.detach()) - x.detach()),)


def _in_bytes(values: torch.Tensor) -> torch.Tensor:
    """Rounded half up to whole numbers of the unit that the largest magnitude needs."""
    unit = math.ldexp(1, fitting_exponent(float(values.abs().max())))
    return torch.floor(values / unit + 0.5) * unit


def _cosine(first: FloatArray, second: FloatArray) -> float:
    product = float(np.vdot(first, second))
    return product / float(np.linalg.norm(first) * np.linalg.norm(second))


if __name__ == "__main__":
    main()
