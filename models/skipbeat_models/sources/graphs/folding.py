"""Operators that are computed on stored tensors, and how.

A file names its operators, so nothing may be called but what is listed here: functions without an effect, and without
a random number in them. Views are computed as reshapes, so that how a tensor lies in memory never matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from .dequantising import dequantiser
from .graph import Operator, Value
from .operators import BILINEAR, CONVOLUTIONS, EINSUM, PRODUCTS, TRANSPOSED

#: Copies that change nothing: a stretched axis stays stretched.
_SAME = frozenset({"alias", "clone", "contiguous", "detach", "dropout", "feature_dropout", "lift_fresh_copy"})
_RESHAPES = frozenset({"view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy", "reshape_as"})
_VIEWS = frozenset(
    {"broadcast_to", "chunk", "diagonal", "expand", "expand_as", "flatten", "mT", "mH", "movedim", "narrow", "numpy_T"}
    | {"permute", "select", "slice", "split", "split_with_sizes", "squeeze", "swapaxes", "swapdims", "t", "unflatten"}
    | {"tensor_split", "transpose", "unbind", "unsafe_split", "unsqueeze", "view_as", "real", "imag", "view_as_real"}
    | {"adjoint", "T", "hsplit", "vsplit", "unfold", "_conj", "resolve_conj", "resolve_neg", "view_as_complex"}
)
_MOVES = frozenset(
    {"cat", "concat", "concatenate", "constant_pad_nd", "flip", "gather", "hstack", "index", "index_add", "index_copy"}
    | {
        "index_fill",
        "index_put",
        "index_select",
        "masked_scatter",
        "masked_select",
        "pad",
        "repeat",
        "repeat_interleave",
    }
    | {"roll", "scatter", "scatter_add", "select_scatter", "slice_scatter", "sort", "stack", "take", "take_along_dim"}
    | {"tile", "topk", "tril", "triu", "tril_indices", "triu_indices", "vstack", "diag", "diag_embed", "block_diag"}
    | {"rot90", "argsort", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "one_hot", "embedding"}
    | {"_unsafe_index", "_unsafe_masked_index", "diagonal_scatter", "fliplr", "flipud", "rot90", "meshgrid", "rad2deg"}
    | {"bucketize", "cummax", "cummin", "histc", "isin", "kthvalue", "mode", "msort", "scatter_reduce", "searchsorted"}
)
_MATHS = frozenset(
    {"_weight_norm", "_weight_norm_interface", "cumsum", "cumprod", "linalg_vector_norm", "linalg_norm", "norm"}
    | {"norm_except_dim", "normalize", "softmax", "_softmax", "std", "var", "var_mean", "mean"}
    | {"std_mean", "clamp", "clip", "diff", "square", "renorm"}
    | {"where", "numel", "max", "min", "amax", "amin", "sum", "prod", "all", "any", "aminmax", "quantile", "median"}
    | {"sigmoid", "hardtanh", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid", "__and", "__or", "__xor"}
    | {"_fake_quantize_learnable_per_tensor_affine", "_fake_quantize_learnable_per_channel_affine"}
    | {"fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"}
    | {"fake_quantize_per_tensor_affine_cachemask", "fake_quantize_per_channel_affine_cachemask"}
    | {"_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", "_fused_moving_avg_obs_fq_helper"}
    | {"fused_moving_avg_obs_fake_quant", "_fused_moving_avg_obs_fq_helper_functional"}
    | {"nanmedian", "nanquantile", "logsumexp", "logcumsumexp", "glu"}
    | {"layer_norm", "native_layer_norm", "group_norm", "native_group_norm", "instance_norm", "rms_norm", "batch_norm"}
    | {"_native_batch_norm_legit_no_training", "quantize_per_tensor", "quantize_per_channel"}
    | {f"{kind}_pool{axes}d" for kind in ("avg", "max", "adaptive_avg", "adaptive_max") for axes in (1, 2, 3)}
    | {"max_pool2d_with_indices", "max_pool3d_with_indices", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"}
    | {f"upsample_{kind}" for kind in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d")}
    | {"upsample_bicubic2d", "_upsample_nearest_exact2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"}
    | {"dequantize", "to_dense", "_to_dense", "bitwise_left_shift", "bitwise_right_shift", "__lshift", "__rshift"}
)
#: What multiplies, but is no layer: computed on stored tensors only.
_ALGEBRA = frozenset(
    {"addr", "cosine_similarity", "fft_irfft", "fft_rfft", "ger", "inverse", "kron", "matrix_exp", "outer"}
    | {"_linalg_eigh", "_linalg_solve_ex", "_linalg_svd", "linalg_cholesky_ex", "linalg_cross", "linalg_inv"}
    | {"linalg_householder_product", "linalg_inv_ex", "linalg_ldl_factor_ex", "linalg_lu_factor_ex", "linalg_lu_solve"}
    | {"linalg_matrix_exp", "linalg_matrix_norm", "linalg_qr", "linalg_solve", "linalg_solve_triangular", "linalg_svd"}
    | {"linalg_svdvals", "linalg_pinv", "pinverse", "linalg_det", "_linalg_det", "linalg_slogdet", "_linalg_slogdet"}
    | {"linalg_cholesky", "linalg_eigh", "linalg_eigvalsh", "linalg_lu", "trace", "cdist", "_cdist_forward"}
    | {"_fft_c2c", "_fft_r2c", "_fft_c2r"}
    | {f"fft_{kind}" for kind in ("fft", "ifft", "fft2", "ifft2", "rfft2", "irfft2")}
)
#: Made of numbers alone, or of the sizes and the number format of an operand.
_MADE = frozenset(
    {"arange", "empty", "eye", "full", "linspace", "logspace", "ones", "scalar_tensor", "zeros", "lift_fresh"}
    | {"hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"}
    | {"empty_like", "full_like", "ones_like", "zeros_like", "new_empty", "new_full", "new_ones", "new_zeros"}
)
#: Operators of which some operands only say a size or a number format, so that activations may be there.
_ABOUT = {
    "expand_as": ("other",),
    "reshape_as": ("other",),
    "to": ("other",),
    "type_as": ("other",),
    "view_as": ("other",),
} | dict.fromkeys(_MADE, ("self",))
_CASTS = frozenset({"to", "_to_copy", "type_as"})
#: Products: computed only where their result is a weight, as in a low-rank update.
MULTIPLYING = (
    CONVOLUTIONS | TRANSPOSED | PRODUCTS.keys() | BILINEAR | {EINSUM, "chain_matmul", "linalg_multi_dot", "tensordot"}
)
#: What moves, makes or computes numbers without a product of matrices.
PLAIN = _SAME | _RESHAPES | _VIEWS | _MOVES | _MATHS | _MADE | _CASTS
_NAMED = PLAIN | _ALGEBRA | MULTIPLYING
#: Where and how a tensor lies: on the processor, as PyTorch likes.
_PLACES = frozenset({"device", "layout", "memory_format", "pin_memory", "non_blocking", "copy"})


def is_pure(operator: Operator) -> bool:
    """Whether an operator may be computed, if its operands are stored."""
    if dequantiser(operator.target) is not None:
        return True
    overload = overload_of(operator)
    training = True in (operator.args.get("train"), operator.args.get("training"))
    if overload is None or torch.Tag.nondeterministic_seeded in overload.tags or training:
        return operator.base in _SAME and not training and overload is not None
    if operator.base in _MADE:
        return True
    tagged = bool({torch.Tag.pointwise, torch.Tag.reduction} & set(overload.tags))
    return bool(needed(operator)) and (operator.base in _NAMED or tagged)


def needed(operator: Operator) -> list[Value]:
    """The operands whose values an operator takes."""
    about = {id(operator.args.get(name)) for name in _ABOUT.get(operator.base, ())}
    return [value for value in operator.values() if id(value) not in about]


def compute(operator: Operator, known: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """The results of an operator that is pure; `known` has the operands that it needs, by name."""

    def given(argument: object) -> object:
        if isinstance(argument, Value):
            return known[argument.name] if argument.name in known else _stand_in(argument)
        return [given(item) for item in argument] if isinstance(argument, list) else argument

    if (own := dequantiser(operator.target)) is not None:
        return [own(**{name: given(item) for name, item in operator.args.items()})]
    base, source = operator.base, next((known[value.name] for value in needed(operator)), None)
    if base in _SAME and source is not None:
        return [source]
    if base in _CASTS and source is not None:
        return [source.to(_wanted(operator, source.dtype))]
    if base in _RESHAPES and source is not None and not isinstance(operator.args.get("dtype"), torch.dtype):
        return [source.reshape(operator.results[0].shape)]
    overload = overload_of(operator)
    assert overload is not None
    usual = {argument.name for argument in overload._schema.arguments if argument.has_default_value()}
    kept = {
        name: given(item)
        for name, item in operator.args.items()
        if name not in _PLACES and not (item is None and name in usual)
    }
    function: Callable[..., object] = overload
    found = function(**kept)
    flat = [found] if isinstance(found, torch.Tensor) else list(found) if isinstance(found, list | tuple) else []
    return [item for item in flat if isinstance(item, torch.Tensor)]


def _wanted(operator: Operator, own: torch.dtype) -> torch.dtype:
    """The number format that a cast makes."""
    other, dtype = operator.args.get("other"), operator.args.get("dtype")
    if isinstance(other, Value):
        return other.dtype or own
    if dtype is None and operator.results:
        return operator.results[0].dtype or own
    return dtype if isinstance(dtype, torch.dtype) else own


def _stand_in(value: Value) -> torch.Tensor:
    """A tensor of a value's size and number format that takes no memory."""
    return torch.zeros((), dtype=value.dtype or torch.float32).expand(value.shape)


def overload_of(operator: Operator) -> torch._ops.OpOverload | None:
    """PyTorch's function; of an operator that works in place, the one that does not."""
    parts = operator.target.split(".")
    if len(parts) != 3 or parts[0] != "aten":
        return None
    packet = getattr(torch.ops.aten, parts[1].rstrip("_") if operator.in_place else parts[1], None)
    found = getattr(packet, parts[2], None)
    return found if isinstance(found, torch._ops.OpOverload) else None
