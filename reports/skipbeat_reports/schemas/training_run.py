"""The JSON of `skipbeat train`."""

from __future__ import annotations

from .part import Part, Result


class TrainedStretch(Part):
    """Steps that are done, their mean loss, and the share of test images that is right after them."""

    steps: int
    loss: float
    accuracy: float


class LayerOfTraining(Part):
    """A layer after the last step.

    Shares in 0..1: of weights that are kept in a pass, and of stored values that did not fit their unit; null where
    nothing is stored in bytes.
    """

    name: str
    forward: str
    backward: str
    update: str
    kept_forward: float
    kept_backward: float
    clipped_activations: float | None
    clipped_gradients: float | None


class TrainResult(Result):
    """A training from scratch by the integer oracle. `padded_images` fill a step's last pass of the array."""

    model: str
    hardware: str
    forward: str
    backward: str
    update: str
    seed: int
    steps: int
    batch: int
    padded_images: int
    loss: float
    accuracy: float
    test_images: int
    stretches: list[TrainedStretch]
    layers: list[LayerOfTraining]
    host_operators: dict[str, int]
