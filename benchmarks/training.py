"""Accuracy after training from scratch on the digits: float32 beside the integer oracle, several seeds each.

    python benchmarks/training.py [--seeds 5] [--steps 630] [MODEL]

Both follow one plan: the same order of images, rates, momentum and decay. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.real_training import train_real
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_models.scheme import Scheme

#: Of forward, backward and update.
_KEPT = (("dense", "dense", "dense"), ("2:8", "2:8", "dense"), ("2:8", "2:8", "1:2"))


def main() -> None:
    """Train and print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="zoo:digits-cnn")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=630)
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    plans = [TrainingPlan(steps=given.steps, batch=given.batch, seed=seed) for seed in range(given.seeds)]
    print("| numbers | forward | backward | update | mean | deviation | of each seed |\n|---|---|---|---|---|---|---|")
    _print_row("float32", ("dense", "dense", "dense"), [train_real(given.model, plan) for plan in plans])
    for kept in reversed(_KEPT):
        forward, backward = (Scheme.parse(text) for text in kept[:2])
        patterns = TrainingPatterns(forward=forward, backward=backward, update=Pattern.parse(kept[2]))
        _print_row("int8", kept, [_train(given.model, patterns, plan) for plan in plans])


def _train(model: str, patterns: TrainingPatterns, plan: TrainingPlan) -> float:
    trainer = IntegerTrainer(model, patterns, plan, load_hardware("edge-16x16-m8"))
    *_, last = trainer.run()
    print(f"{patterns.forward} {patterns.update} seed {plan.seed}: {last}", file=sys.stderr, flush=True)
    return last.accuracy


def _print_row(numbers: str, kept: tuple[str, ...], accuracies: list[float]) -> None:
    found = [100 * accuracy for accuracy in accuracies]
    deviation = statistics.stdev(found) if len(found) > 1 else 0.0
    each = " ".join(f"{value:.2f}" for value in found)
    cells = [numbers, *kept, f"{statistics.mean(found):.2f} %", f"{deviation:.2f}", each]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
