"""Accuracy after training from scratch on the digits: float32 beside the integer oracle, several seeds each.

    python benchmarks/training.py [--seeds 5] [--steps 630] [MODEL]

All follow one plan: the same order of images, rates, momentum and decay. `stored` has Y as STOREs of hardware with
`outputs.gradients` leave it, otherwise the host rounds it; draws are those along the tensor. What a row loses is the
mean of its differences from float32, seed by seed, with its standard error. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.real_training import train_real
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_models.scheme import Scheme

_HARDWARE = "edge-16x16-m8"
_DENSE, _SPARSE = ("dense", "dense", "dense"), ("2:8", "2:8", "1:2")
#: Whether Y is stored, and what forward, backward and update keep.
_ROWS = ((False, _SPARSE), (True, _SPARSE), (False, ("2:8", "2:8", "dense")), (False, _DENSE))


def main() -> None:
    """Train and print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="zoo:digits-cnn")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=630)
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    plans = [TrainingPlan(steps=given.steps, batch=given.batch, seed=seed) for seed in range(given.seeds)]
    print("| numbers | forward | backward | update | mean | deviation | lost | of each seed |")
    print("|---" * 8 + "|")
    floats = [100 * train_real(given.model, plan) for plan in plans]
    _print_row("float32", _DENSE, floats, floats)
    for stored, kept in _ROWS:
        forward, backward = (Scheme.parse(text) for text in kept[:2])
        patterns = TrainingPatterns(forward=forward, backward=backward, update=Pattern.parse(kept[2]))
        hardware = load_hardware(_HARDWARE, ["outputs.gradients=true"] if stored else [])
        found = [100 * _train(given.model, patterns, plan, hardware) for plan in plans]
        _print_row("int8, stored" if stored else "int8", kept, found, floats)


def _train(model: str, patterns: TrainingPatterns, plan: TrainingPlan, hardware: Hardware) -> float:
    *_, last = IntegerTrainer(model, patterns, plan, hardware).run()
    print(f"{patterns.forward} {patterns.update} seed {plan.seed}: {last}", file=sys.stderr, flush=True)
    return last.accuracy


def _print_row(numbers: str, kept: Sequence[str], found: Sequence[float], floats: Sequence[float]) -> None:
    lost = [real - own for real, own in zip(floats, found, strict=True)]
    error = _deviation(lost) / math.sqrt(len(lost))
    each = " ".join(f"{value:.2f}" for value in found)
    spread = f"{statistics.mean(lost):.2f} ± {error:.2f}"
    cells = [numbers, *kept, f"{statistics.mean(found):.2f} %", f"{_deviation(found):.2f}", spread, each]
    print(f"| {' | '.join(cells)} |", flush=True)


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
