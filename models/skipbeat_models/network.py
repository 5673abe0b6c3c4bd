"""A quantised network: layers that the accelerator computes, and the host stages between them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Gemm


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """Max pooling of int8 [N, C, H, W] on the host, PyTorch's meaning; padding never wins."""

    name: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Flatten:
    """[N, C, H, W] to [N, C*H*W], channel slowest."""

    name: str


Stage = IntegerLayer | MaxPool | Flatten


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerNetwork:
    """Stages in the order in which they run.

    Attributes:
        stages: the workload of each layer is that of one image; only the last layer has no multiplier.
        input_shape: channels, height, width of an image.
        input_scale: value of one unit of the int8 input.
        logit_scale: value of one unit of the int32 logits.
    """

    stages: tuple[Stage, ...]
    input_shape: tuple[int, int, int]
    input_scale: float
    logit_scale: float

    @property
    def layers(self) -> tuple[IntegerLayer, ...]:
        """The stages that the accelerator computes."""
        return tuple(stage for stage in self.stages if isinstance(stage, IntegerLayer))

    def quantise_images(self, images: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Real images [N, C, H, W] as the int8 input of the first layer.

        Raises:
            InputError: images of another shape.
        """
        return quantise_images(images, self.input_shape, self.input_scale)


def quantise_images(images: npt.ArrayLike, shape: tuple[int, int, int], scale: float) -> npt.NDArray[np.int8]:
    """Real images [N, C, H, W] of `shape` (C, H, W) in units of `scale`, rounded and clamped to int8.

    Raises:
        InputError: images of another shape.
    """
    real = np.asarray(images, np.float64)
    if real.ndim != 4 or real.shape[1:] != shape:
        raise InputError(f"images of shape {real.shape}: expected [N, {', '.join(map(str, shape))}]")
    return round_half_up(real / scale, -128, 127).astype(np.int8)


def round_half_up(values: npt.ArrayLike, low: int, high: int) -> npt.NDArray[np.float64]:
    """Nearest integers, halves towards +infinity (the rule of `skipbeat_arch.numbers`), clamped to low..high."""
    return np.clip(np.floor(np.asarray(values, np.float64) + 0.5), low, high)


def batched(layer: IntegerLayer, images: int) -> IntegerLayer:
    """A layer of a network (one image) as a layer of `images` images."""
    if isinstance(layer.workload, Gemm):
        return dataclasses.replace(layer, workload=dataclasses.replace(layer.workload, p=layer.workload.p * images))
    batch = layer.workload.batch * images
    return dataclasses.replace(layer, workload=dataclasses.replace(layer.workload, batch=batch))
