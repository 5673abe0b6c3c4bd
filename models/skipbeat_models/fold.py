"""Folding batch normalisation into the convolution before it.

In evaluation, bn(w * x + b) = scale (w * x + b - mean) / sqrt(variance + eps) + shift is a convolution with other
weights and bias; a weight that is zero stays zero, so a pruned network stays pruned (Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2).
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from skipbeat_arch.errors import InputError

from .trace import trace


def fold_batch_norms(model: nn.Module) -> nn.Module:
    """A copy of a trained network, in evaluation mode, whose batch normalisations have become Identity.

    Raises:
        InputError: a batch normalisation that does not follow a convolution, or one of the two is used elsewhere too,
            or one without running statistics.
    """
    folded = copy.deepcopy(model).eval()
    modules = dict(folded.named_modules())
    nodes = [node for node in trace(folded).graph.nodes if node.op == "call_module"]
    calls = [str(node.target) for node in nodes]
    for node in nodes:
        name = str(node.target)
        norm = modules[name]
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (source,) = node.all_input_nodes
        convolution = modules.get(str(source.target)) if source.op == "call_module" else None
        alone = len(source.users) == 1 and calls.count(name) == calls.count(str(source.target)) == 1
        if not isinstance(convolution, nn.Conv2d) or not alone:
            raise InputError(f"layer {name}: expected it after a Conv2d, whose output only it uses")
        if norm.running_mean is None:
            raise InputError(f"layer {name}: expected a batch normalisation with running statistics")
        _replace(folded, str(source.target), fuse_conv_bn_eval(convolution, norm))
        _replace(folded, name, nn.Identity())
    return folded


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, module)
