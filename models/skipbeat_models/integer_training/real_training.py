"""The same training in real numbers, dense or by BDWP: what trainings in integers are compared with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn

from ..digits_data import load_data
from ..pruners.bdwp import bidirectional_training
from ..pruners.mvue import keep_unbiased
from ..training import evaluate, one_thread
from .integer_trainer import digits_network
from .training_patterns import TrainingPatterns
from .training_plan import TrainingPlan


def train_real(source: str, plan: TrainingPlan, patterns: TrainingPatterns | None = None) -> float:
    """Train in float32 as the plan says; the share of test images that is right. None: dense.

    BDWP here has no decay of masked weights, and estimates the gradients of the layers that are pruned.

    Raises:
        InputError: as for an integer training.
    """
    model, data = digits_network(source, plan.seed), load_data()
    generator = torch.Generator().manual_seed(plan.seed)
    sparse: AbstractContextManager[None] = nullcontext()
    if patterns is not None:
        estimate = torch.clone
        if patterns.update.kind != "dense":
            estimate = partial(keep_unbiased, pattern=patterns.update, generator=generator)
        sparse = bidirectional_training(model, patterns.forward, backward=patterns.backward, estimate=estimate)
    decayed = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups: list[dict[str, Any]] = [{"params": decayed, "weight_decay": plan.decay}, {"params": others}]
    optimiser = torch.optim.SGD(groups, lr=plan.rate, momentum=plan.momentum)
    model.train()
    with sparse, one_thread():
        for number, batch in enumerate(plan.batches(len(data.train_labels))):
            for group in optimiser.param_groups:
                group["lr"] = plan.step(number).rate
            loss = nn.functional.cross_entropy(model(data.train_images[batch]), data.train_labels[batch])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    return evaluate(model.eval(), data) / 100
