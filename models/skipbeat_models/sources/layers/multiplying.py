"""Whether an operator that is no layer may multiply: what is not known is told, and never taken for other work."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from ..graphs.folding import PLAIN, overload_of
from ..graphs.graph import Operator, Value
from ..graphs.operators import HARMLESS
from ..onnx_files.onnx_contrib import SAME_SIZE
from ..onnx_files.onnx_plain import ELEMENTWISE, MOVES

#: Operators of PyTorch that multiply nothing of one tensor by another's, whatever their overload; families by names.
_FAMILIES = re.compile(
    r"_?(adaptive_)?(avg|max|lp|fractional_max)_(un)?pool[123]d\w*|_?upsample_\w+|(reflection|replication)_pad[123]d"
    r"|_?\w*_loss\w*|\w*(batch|group|layer|rms)_norm\w*|\w*native_norm|_?embedding(_renorm)?|index\w*|scatter\w*"
    r"|\w*segment_reduce|im2col|col2im|fold|_?log_softmax|_?(safe_)?softmax|log_sigmoid\w*|\w*prelu\w*|glu|rrelu\w*"
    r"|cum\w+|logcumsumexp|sort|argsort|topk|unique\w*|nonzero\w*|bucketize|searchsorted|histc|bincount|multinomial"
    r"|bernoulli|normal|uniform|random|rand\w*|\w*_like|is\w+|allclose|equal|dist|trace|mode|median|nanmedian|kthvalue"
    r"|_?unsafe_(view|index\w*|masked_index\w*|chunk|split\w*)|_assert\w*|_functional_assert\w*|sym_\w+|copy|fill|zero|set"
    r"|lift|as_strided\w*|polar|complex|masked_\w+|\w*pad_packed\w*|_?pack_padded\w*|put|take\w*|\w*_copy|\w*stack|\w*split"
    r"|channel_shuffle|int_repr|q_\w+|new_\w+|pop|get|append|_unique\w*|trapezoid|renorm|count_nonzero|_masked_softmax"
    r"|_nested_\w+|fft_i?fftshift|linalg_(vector|matrix)?_?norm|linalg__powsum"
)
#: Linear algebra: it multiplies even what it is alone given.
_ALGEBRA = re.compile(
    r"_?linalg_\w+|_?fft_\w+|stft|istft|\w*grid_sampler\w*|\w*affine_grid_generator|_?cdist\w*|_?pdist\w*|_euclidean_dist"
    r"|cosine_similarity|cross|kron|outer|ger|addr|tensordot|chain_matmul|matrix_exp|_?cholesky\w*|inverse|p?inverse|det"
    r"|logdet|slogdet|svd|qr|geqrf|orgqr|ormqr|lu_\w+|_lu_with_info|triangular_solve|cov|corrcoef|vander"
    r"|_compute_linear_combination|quantized_(lstm|gru|rnn\w*)\w*"
)
#: What the names of operators that multiply have in common, in whatever library.
_WORDS = re.compile(
    r"(^|[_.:])(\w*mm|\w*matmul\w*|\w*gemm\w*|\w*linear\w*|\w*conv\w*|\w*attention\w*|attn|\w*flash\w*|mha|\w*lstm\w*|\w*gru\w*"
    r"|rnn\w*|\w*einsum\w*|\w*bilinear|moe\w*|\w*experts?\w*|\w*gemv|ssm\w*|svm\w*|selective_scan\w*)($|[_.:])",
    re.IGNORECASE,
)
#: Arithmetic on sizes, and what changes a number format.
_NOT_TENSORS = ("_operator.", "math.", "builtins.")
_FORMATS = re.compile(
    r"_?(fake_)?(de)?quantize(?!d)\w*|_?choose_qparams\w*|_?fused_moving_avg_obs\w*|\w*observe\w*"
    r"|_make_per_\w+_quantized_tensor"
)
#: Element by element, although PyTorch has no tag that says so, and of files where it has no overload.
_POINTWISE = frozenset(
    {"add", "clamp", "clip", "clone", "contiguous", "copy", "detach", "div", "dropout", "mul", "neg", "pow", "relu"}
    | {"sub", "to", "where"}
)

UNKNOWN = "an operator that is not known"
ALGEBRA = "it multiplies in a form that is not priced"


def may_multiply(operator: Operator, is_stored: Callable[[Value], bool]) -> str:
    """Why an operator that is no layer may be a product; empty if it is none.

    Args:
        is_stored: whether a value follows from stored tensors.
    """
    if _is_harmless(operator):
        return ""
    if operator.target.startswith("onnx.") or (
        operator.target.startswith("aten.") and _ALGEBRA.fullmatch(operator.base)
    ):
        return ALGEBRA
    name = operator.target if operator.target.count(".") == 1 else operator.target.rpartition(".")[0]
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


def _packed(operator: Operator, is_stored: Callable[[Value], bool]) -> list[Value]:
    """Stored vectors that are longer than any axis of the other tensors: packed weights, no scales or biases."""
    tensors = [*operator.values(), *operator.results]
    vectors = [value for value in operator.values() if len(value.shape) == 1 and is_stored(value)]
    longest = max((size for value in tensors if value not in vectors for size in value.shape), default=0)
    return [value for value in vectors if value.elements > longest]


def is_pointwise(operator: Operator) -> bool:
    """Whether each number of a result follows from the numbers at its place alone."""
    overload = overload_of(operator)
    tagged = overload is not None and torch.Tag.pointwise in overload.tags
    return tagged or operator.base in _POINTWISE or operator.target.removeprefix("onnx.") in ELEMENTWISE


def _is_harmless(operator: Operator) -> bool:
    namespace, _, name = operator.target.rpartition(".")[0].rpartition(".")
    base = operator.base
    checks = not operator.results and namespace == "aten"  # of other libraries, what writes into an operand
    formats = _FORMATS.fullmatch(name.rstrip("_")) and not _WORDS.search(name)
    if checks or formats or operator.target.startswith(_NOT_TENSORS):
        return True
    if operator.target.startswith("onnx."):
        return operator.target.removeprefix("onnx.") in ELEMENTWISE | MOVES | SAME_SIZE
    if namespace != "aten":
        return False
    if base.lstrip("_") == "embedding_bag":
        return operator.args.get("per_sample_weights") is None
    overload = overload_of(operator)
    tags = set() if overload is None else set(overload.tags)
    plain = base in HARMLESS | PLAIN or _FAMILIES.fullmatch(base) is not None
    return plain or is_pointwise(operator) or torch.Tag.reduction in tags
