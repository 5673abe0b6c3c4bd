"""The references of a whole model."""

from __future__ import annotations

from skipbeat_arch.estimate import Reference
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelDescription

from .dense_array import dense_array_reference
from .scale_sim import scale_sim_reference
from .work import model_work


def model_references(model: ModelDescription, hw: Hardware) -> tuple[Reference, ...]:
    """What a model's cycles are compared with, besides the same machine run dense."""
    work = model_work(model)
    return dense_array_reference(work, hw), scale_sim_reference(work, hw)
