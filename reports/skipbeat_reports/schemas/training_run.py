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


class _Clocks(Part):
    """Programs, and their clocks at each level; null of a level that was not run."""

    programs: int
    rtl_cycles: int | None
    model_cycles: int | None
    timing_cycles: int


class TrainedProduct(_Clocks):
    """The programs of a layer's forward, backward or update product, of all steps."""

    layer: str
    product: str


class TrainingOnMachine(_Clocks):
    """The programs of all steps. `sums_exact`: every sum is the oracle's; `training_exact`: so is what was trained.

    `host_bytes`: what the host reads and writes in each step, by the modules that the machine does not have yet.
    """

    agrees: bool
    sums_exact: bool
    training_exact: bool
    products: list[TrainedProduct]
    host_bytes: dict[str, int]


class TrainResult(Result):
    """A training from scratch by the integer oracle. `padded_images` fill a step's last pass of the array.

    `machine`: of the training beside it, whose products are programs; null if there was none.
    """

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
    machine: TrainingOnMachine | None
