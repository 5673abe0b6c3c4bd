"""ResNet-18 by its shapes: as many products as published, and every layer fits the one before."""

from __future__ import annotations

from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.references.resnet18 import resnet18


def test_products_and_weights_are_those_published() -> None:
    layers = resnet18()
    assert sum(layer.macs for layer in layers) == 1_814_073_344
    weights = [each if isinstance(each, Gemm) else each.gemm for each in layers]
    assert sum(each.c * each.k for each in weights) == 11_678_912  # torchvision's, without biases and batch norms


def test_shapes() -> None:
    *convolutions, last = resnet18()
    assert len(convolutions) == 20
    assert last == Gemm(p=1, c=512, k=1000)
    sizes = {(each.c_out, each.out_size) for each in convolutions if isinstance(each, Convolution)}
    assert sizes == {(64, (112, 112)), (64, (56, 56)), (128, (28, 28)), (256, (14, 14)), (512, (7, 7))}
