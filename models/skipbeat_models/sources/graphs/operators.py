"""What each operator of a graph is: a product for the array, a view that costs nothing, or work for the host."""

from __future__ import annotations

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d", "convolution", "_convolution"})
TRANSPOSED = frozenset({"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})
#: The names of their two operands.
PRODUCTS = {
    "linear": ("input", "weight"),
    "matmul": ("self", "other"),
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "mv": ("self", "vec"),
    "addmv": ("mat", "vec"),
    "dot": ("self", "tensor"),
    "vdot": ("self", "other"),
    "_addmm_activation": ("mat1", "mat2"),
    "_int_mm": ("self", "mat2"),
    "_scaled_mm": ("self", "mat2"),
    "_sparse_addmm": ("mat1", "mat2"),
    "_sparse_mm": ("sparse", "dense"),
    "_weight_int8pack_mm": ("self", "mat2"),
    "mkldnn_linear": ("self", "weight"),
}
#: Those whose second operand is [K, C].
LINEARS = frozenset({"linear", "mkldnn_linear", "_weight_int8pack_mm"})
BILINEAR = frozenset({"bilinear", "_trilinear"})
EINSUM = "einsum"
ATTENTION = "scaled_dot_product_attention"
#: The same under the names that it has for a device, and after it was decomposed.
ATTENTIONS = frozenset(
    {ATTENTION, "_scaled_dot_product_attention_math", "_scaled_dot_product_cudnn_attention"}
    | {"_scaled_dot_product_efficient_attention", "_scaled_dot_product_flash_attention"}
    | {"_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_fused_attention_overrideable"}
)
RECURRENT = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}

#: Views, reshapes, copies and checks: they compute nothing.
VIEWS = frozenset(
    {
        "_assert_scalar",
        "_assert_tensor_metadata",
        "_conj",
        "_reshape_alias",
        "_reshape_copy",
        "_shape_as_tensor",
        "_to_copy",
        "_unsafe_view",
        "alias",
        "arange",
        "broadcast_to",
        "channel_shuffle",
        "chunk",
        "clone",
        "contiguous",
        "copy",
        "detach",
        "diagonal",
        "dropout",
        "dropout2d",
        "empty",
        "empty_like",
        "expand",
        "expand_as",
        "eye",
        "feature_dropout",
        "flatten",
        "flip",
        "full",
        "full_like",
        "lift_fresh",
        "lift_fresh_copy",
        "movedim",
        "narrow",
        "native_dropout",
        "new_empty",
        "new_full",
        "new_ones",
        "new_zeros",
        "numpy_T",
        "ones",
        "ones_like",
        "permute",
        "pixel_shuffle",
        "pixel_unshuffle",
        "repeat",
        "repeat_interleave",
        "reshape",
        "reshape_as",
        "roll",
        "scalar_tensor",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "stack",
        "swapaxes",
        "sym_constrain_range_for_size",
        "sym_numel",
        "sym_size",
        "t",
        "tensor_split",
        "to",
        "transpose",
        "type_as",
        "unbind",
        "unflatten",
        "unfold",
        "unsafe_split",
        "unsqueeze",
        "view",
        "view_as",
        "zeros",
        "zeros_like",
        "cat",
        "concat",
        "constant_pad_nd",
        "pad",
        "item",
        "size",
    }
)

#: Composite operators that are reported by this name rather than by their parts.
_COMPOSITE_HOST = frozenset(
    {
        "__and",
        "__or",
        "__xor",
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "avg_pool1d",
        "batch_norm",
        "cross_entropy_loss",
        "diff",
        "embedding",
        "group_norm",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "instance_norm",
        "layer_norm",
        "log_softmax",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "mish",
        "relu6",
        "rms_norm",
        "selu",
        "silu",
        "softmax",
        "upsample_bilinear2d",
        "upsample_nearest2d",
        "where",
        "max",
        "min",
        "mean",
        "square",
    }
)

#: Operators that do arithmetic but are not matrix products, which the accelerator's output stage does in passing.
CLAMPS = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min", "clamp_max", "clip"})
BATCH_NORMS = frozenset({"batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"})
ADDITIONS = frozenset({"add"})
CONCATENATIONS = frozenset({"cat", "concat", "concatenate"})
MAX_POOLS = frozenset({"max_pool2d", "max_pool2d_with_indices", "max_pool1d"})

#: Operators that multiply no matrices.
HARMLESS = VIEWS | _COMPOSITE_HOST | CLAMPS | BATCH_NORMS | ADDITIONS | MAX_POOLS

#: Operators that decomposition must leave as they are.
KEPT_WHOLE = ("linear", "scaled_dot_product_attention", "bilinear", "dot", "vdot", "addr", "linalg_cross")


def known(target: str) -> bool:
    """Whether an operator is priced, free, or listed as it is, so that it need not be decomposed."""
    namespace, name, *overload = target.split(".")
    base = name.rstrip("_")
    if namespace != "aten" or (base in RECURRENT and overload != ["input"]):
        return False
    return base in (
        CONVOLUTIONS
        | TRANSPOSED
        | PRODUCTS.keys()
        | {EINSUM, ATTENTION, "bilinear"}
        | RECURRENT.keys()
        | VIEWS
        | _COMPOSITE_HOST
        | CLAMPS
    )
