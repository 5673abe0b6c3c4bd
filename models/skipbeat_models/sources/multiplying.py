"""Whether an operator that is no layer may multiply: what is not known is told, and never taken for other work."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from .folding import is_shuffle, overload_of
from .graph import Operator, Value
from .operators import HARMLESS

#: Operators of PyTorch that multiply no matrices, whatever their overload; families by their names.
_FAMILIES = re.compile(
    r"_?(adaptive_)?(avg|max|lp|fractional_max)_(un)?pool[123]d\w*|_?upsample_\w+|(reflection|replication)_pad[123]d"
    r"|_?fft_\w+|stft|istft|_?grid_sampler\w*|affine_grid_generator|_?\w*_loss\w*|\w*(batch|group|layer|rms)_norm\w*"
    r"|\w*native_norm|_?embedding\w*|index\w*|scatter\w*|\w*segment_reduce|im2col|col2im|fold|_?log_softmax|_?softmax"
    r"|log_sigmoid\w*|\w*prelu\w*|glu|rrelu\w*|cum\w+|logcumsumexp|sort|argsort|topk|unique\w*|nonzero\w*|bucketize"
    r"|searchsorted|histc|bincount|multinomial|bernoulli|normal|uniform|random|rand\w*|\w*_like|is\w+|allclose|equal"
    r"|_?c?dist\w*|_euclidean_dist|pairwise_distance|_?pdist\w*|cross|linalg_(cross|vecdot|det|slogdet|eig\w*|svd\w*)"
    r"|_?linalg_(\w*det|svd|eigh|cholesky\w*|inv\w*|solve\w*|qr|lu\w*|pinv|lstsq)|trace|mode|median|nanmedian|kthvalue"
    r"|_?unsafe_\w+|_assert\w*|_functional_assert\w*|sym_\w+|copy|fill|zero|set|lift|as_strided\w*|polar|complex"
    r"|masked_\w+|\w*pad_packed\w*|_?pack_padded\w*|put|take\w*|\w*_copy|\w*stack|\w*split\w*|channel_shuffle|quantize_\w+"
    r"|int_repr|q_\w+|new_\w+|pop|get|append|_unique\w*|trapezoid|renorm|count_nonzero|_masked_softmax|_nested_\w+"
)
#: What the names of operators that multiply have in common, in whatever library.
_WORDS = re.compile(
    r"(^|[_.:])(\w*mm|\w*matmul\w*|\w*gemm\w*|\w*linear\w*|\w*conv\w*|\w*attention\w*|attn|\w*flash\w*|mha|\w*lstm\w*|\w*gru\w*"
    r"|rnn\w*|\w*einsum\w*|\w*bilinear|moe\w*|\w*experts?\w*|\w*gemv|ssm\w*|selective_scan\w*)($|[_.:])",
    re.IGNORECASE,
)
#: Arithmetic on sizes, and what changes a number format.
_NOT_TENSORS = ("_operator.", "math.", "builtins.")
_FORMATS = re.compile(r"quantize|qparams|fake_quant|observe")

UNKNOWN = "an operator that is not known"


def may_multiply(operator: Operator, is_stored: Callable[[Value], bool]) -> str:
    """Why an operator that is no layer may be a product; empty if it is none.

    Args:
        is_stored: whether a value follows from stored tensors.
    """
    if _is_harmless(operator):
        return ""
    name = operator.target.rpartition(".")[0]
    values = [value for value in operator.values() if len(value.shape) >= 2 and value.elements > 1]
    stored = [value for value in values if is_stored(value)] or _packed(operator, is_stored)
    if stored:
        size = "x".join(map(str, stored[0].shape))
        return f"{UNKNOWN}, with a stored tensor of {size}"
    if len(values) >= 2:
        return f"{UNKNOWN}, with two activations that it may multiply"
    if _WORDS.search(name):
        return f"{UNKNOWN}, whose name says that it multiplies"
    return ""


def sums_a_product(total: Operator, multiplied: Operator, is_stored: Callable[[Value], bool]) -> bool:
    """Whether the sum of a multiplication of elements is a product of matrices: both operands are stretched over
    each other, or one over a stored matrix, and an axis that both have is summed up."""
    operands, wide = multiplied.values(), multiplied.results[0].shape
    if len(operands) != 2 or not wide:
        return False
    shapes = [(1,) * (len(wide) - len(value.shape)) + value.shape for value in operands]
    given = total.args.get("dim")
    dims = [each % len(wide) for each in (given if isinstance(given, list) else [given]) if isinstance(each, int)]
    if not any(min(shape[axis] for shape in shapes) > 1 for axis in dims or range(len(wide))):
        return False
    stretched = [shape != wide for shape in shapes]
    matrices = [is_stored(value) and sum(size > 1 for size in value.shape) > 1 for value in operands]
    return all(stretched) or any(stretched[i] and matrices[1 - i] for i in (0, 1))


def _packed(operator: Operator, is_stored: Callable[[Value], bool]) -> list[Value]:
    """Stored vectors that are longer than any axis of the other tensors: packed weights, no scales or biases."""
    tensors = [*operator.values(), *operator.results]
    vectors = [value for value in operator.values() if len(value.shape) == 1 and is_stored(value)]
    longest = max((size for value in tensors if value not in vectors for size in value.shape), default=0)
    return [value for value in vectors if value.elements > longest]


def _is_harmless(operator: Operator) -> bool:
    target, base = operator.target, operator.base
    checks = not operator.results and target.startswith("aten.")  # of other libraries, what writes into an operand
    if checks or target.startswith(_NOT_TENSORS) or _FORMATS.search(target):
        return True
    if target.startswith("onnx."):
        return True  # the reader of ONNX knows which of its own operators multiply
    if not target.startswith("aten."):
        return False
    overload = overload_of(operator)
    tags = set() if overload is None else set(overload.tags)
    plain = base in HARMLESS or is_shuffle(base) or _FAMILIES.fullmatch(base) is not None
    return plain or bool({torch.Tag.pointwise, torch.Tag.reduction} & tags)
