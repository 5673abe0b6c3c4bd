"""Images of a batch that one program computes, as it does where a network is simulated."""

from __future__ import annotations

from dataclasses import replace

from skipbeat_arch.budget import images_together
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelDescription


def in_batches(description: ModelDescription, hw: Hardware) -> ModelDescription:
    """The model with its images in as few programs as may be, if it is one program from input to output.

    Where the host has operators between programs, or behind the last one, each image has programs of its own.
    """
    if len(description.runs) != 1 or any(not each.fused for each in description.host_operators):
        return description
    (run,) = description.runs
    if run.repeats != description.batch or not run.convolutions:
        return description
    together = images_together(run.convolutions, run.repeats, hw)
    return replace(description, runs=(replace(run, images=together, repeats=run.repeats // together),))
