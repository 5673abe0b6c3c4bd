"""Quantised weights as plain ones: which tensors of a checkpoint belong together, and their mathematics.

| form | tensors of a layer X | weight [K, C] |
|---|---|---|
| GPTQ | `qweight` [C b/32, K], `qzeros` [G, K b/32], `scales` [G, K], `g_idx` [C] | scale (q - z - 1) |
| GPTQ, `gptq_v2` | the same | scale (q - z) |
| AWQ, gemm | `qweight` [C, K/8], `qzeros` [G, K/8], `scales` [G, K]; columns 0 2 4 6 1 3 5 7 | scale (q - z) |
| MLX | `weight` uint32 [K, C b/32], `scales` and `biases` [K, G] | scale q + bias |
| bitsandbytes, 4 bits | `weight` uint8, `weight.absmax`, perhaps `.quant_map`, `.nested_*` | map[q] absmax |
| bitsandbytes, 8 bits | `weight` int8, `SCB` [K] | q SCB / 127 |
| FP8 blocks | `weight` float8, `weight_scale_inv` [K / rows, C / columns] | q scale |
| FP8, int8 | `weight`, `weight_scale` scalar, [K] or [K, G], perhaps `weight_zero_point` | (q - z) scale |
| NVFP4 | `weight_packed` uint8 [K, C/2], `weight_scale` float8 [K, C/16], `weight_global_scale` | q scale / global |
| NVFP4 of ModelOpt | `weight` uint8 [K, C/2], `weight_scale` float8 [K, C/16], `weight_scale_2` | q scale scale_2 |
| MXFP4 | `X_blocks` uint8 [..., K, G, 16], `X_scales` uint8 [..., K, G]; X is [..., C, K] | q 2^(scale - 127) |

Sources: GPTQModel and AutoAWQ (their packing), mlx.core.dequantize, bitsandbytes (`functional.py`) with NF4 from
Dettmers et al., "QLoRA", arXiv:2305.14314; DeepSeek-V3 (`inference/kernel.py`), compressed-tensors (`compressors/`),
NVIDIA ModelOpt, and "OCP Microscaling Formats (MX) Specification" 1.0 for the 4-bit floats. Low bits come first
everywhere but in bitsandbytes, whose first value is a byte's high half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch

from skipbeat_arch.errors import InputError

from . import dequantised as forms
from .stored import Stored, StoredTensor

#: What a configuration may name, if the tensors have a form above.
_READ = frozenset(
    {"gptq", "awq", "bitsandbytes", "fp8", "fbgemm_fp8", "compressed-tensors", "modelopt", "mxfp4", "mlx", ""}
)
#: Tensors that only forms which are not read have.
_UNREAD = frozenset({"qweight", "qzeros", "W_q", "codebooks", "Qidxs", "q_weight", "q_scale_max", "weight_packed"})
_WAY = "give the model as module:function with plain weights, or save it dequantised"

Parts = tuple[str, StoredTensor, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a configuration says on how its weights are quantised.

    Attributes:
        method, form: `quant_method`, and what tells its forms apart.
        block: rows and columns of a scale.
        groups: of MLX, by layers' names: bits and columns of a group; that of all others is under an empty name.
    """

    method: str = ""
    form: str = ""
    block: tuple[int, int] | None = None
    groups: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, config: Mapping[str, object], what: str) -> Settings:
        """The settings of a `config.json`.

        Raises:
            InputError: a method that is not read.
        """
        section = config.get("quantization_config", config.get("compression_config"))
        if isinstance(own := config.get("quantization"), Mapping):
            return cls(method="mlx", groups=dict(_groups(own)))
        if not isinstance(section, Mapping):
            return cls()
        method = str(section.get("quant_method", "")).lower()
        names = ("checkpoint_format", "format", "version")
        form = next((str(section[name]).lower() for name in names if isinstance(section.get(name), str)), "")
        refused = form in ("gemv", "gemv_fast", "marlin", "marlin-24") or section.get("is_marlin_format") is True
        if method not in _READ or refused:
            raise InputError(f"{what}: weights quantised by {method} {form} are not read; {_WAY}")
        block = section.get("weight_block_size")
        sizes = [size for size in block if isinstance(size, int) and size > 0] if isinstance(block, list) else []
        return cls(method=method, form=form, block=(sizes[0], sizes[1]) if len(sizes) == 2 else None)


def _groups(own: Mapping[str, object]) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, section in [("", own), *own.items()]:
        bits, size = (section.get("bits"), section.get("group_size")) if isinstance(section, Mapping) else (None, None)
        if isinstance(bits, int) and isinstance(size, int):
            yield name, (bits, size)


def assembled(entries: Stored, name: str, settings: Settings) -> Parts | None:
    """The plain weight that a tensor is the main part of, with its name and the names of all parts.

    Raises:
        InputError: a part is missing, or sizes do not go together.
    """
    module, _, leaf = name.rpartition(".")
    inside = f"{module}." if module else ""
    for form in (_integers, _packed, _halves, _scaled, _blocks):
        if (found := form(entries, inside, leaf, settings)) is not None:
            return found
    return None


def check_read(entries: Stored, what: str) -> None:
    """Nothing of a form that is not known may be left: it would count as layers of wrong sizes.

    Raises:
        InputError: a tensor is left.
    """
    left = next((name for name, tensor in entries.items() if _is_unread(name, tensor)), None)
    if left is not None:
        raise InputError(f"{what}: {left} is of a quantised form that is not read; {_WAY}")


def _is_unread(name: str, tensor: StoredTensor) -> bool:
    leaf = name.rpartition(".")[2]
    return leaf in _UNREAD or (leaf == "weight" and tensor.dtype in (torch.uint8, torch.uint32))


def _integers(entries: Stored, inside: str, leaf: str, settings: Settings) -> Parts | None:
    """GPTQ, AWQ and MLX."""
    q, scales = entries.get(inside + leaf), entries.get(f"{inside}scales")
    if q is None or scales is None or leaf not in ("qweight", "weight") or len(q.shape) != 2 or len(scales.shape) != 2:
        return None
    if leaf == "weight":
        return _mlx(entries, inside, q, scales, settings) if f"{inside}biases" in entries else None
    zeros = _needed(entries, inside, leaf, "qzeros")
    groups, outputs = scales.shape
    if q.shape[1] == outputs:
        bits = 32 * zeros.shape[1] // outputs if outputs else 0
        if not bits or (q.shape[0] * 32) % bits:
            raise InputError(f"weight {inside}qweight: {q.shape} words do not belong to scales of {scales.shape}")
        shape = (outputs, q.shape[0] * 32 // bits)
        parts = ("qweight", "qzeros", "scales", *(("g_idx",) if f"{inside}g_idx" in entries else ()))
        plus = 0 if settings.form == "gptq_v2" else 1
        return _made(entries, inside, shape, partial(forms.from_gptq, bits=bits, plus=plus), parts)
    if q.shape[1] * 8 == outputs and groups and q.shape[0] % groups == 0:
        parts = ("qweight", "qzeros", "scales")
        return _made(entries, inside, (outputs, q.shape[0]), forms.from_awq, parts)
    raise InputError(f"weight {inside}qweight: {q.shape} words do not belong to scales of {scales.shape}")


def _mlx(entries: Stored, inside: str, q: StoredTensor, scales: StoredTensor, settings: Settings) -> Parts:
    known = settings.groups
    bits, size = known.get(inside.rstrip("."), known.get("", (4, 64)))
    columns = scales.shape[1] * size
    if columns * bits != q.shape[1] * 32:
        raise InputError(
            f"weight {inside}weight: {q.shape} words and scales of {scales.shape} do not belong to {bits} bits in "
            f"groups of {size}"
        )
    read = partial(forms.from_mlx, bits=bits)
    return _made(entries, inside, (q.shape[0], columns), read, ("weight", "scales", "biases"))


def _packed(entries: Stored, inside: str, leaf: str, settings: Settings) -> Parts | None:
    """4-bit floats: NVFP4 and the MXFP4 of compressed-tensors."""
    q, scale = entries.get(inside + leaf), entries.get(f"{inside}weight_scale")
    if q is None or scale is None or leaf not in ("weight", "weight_packed") or q.dtype != torch.uint8:
        return None
    whole = next((part for part in ("weight_global_scale", "weight_scale_2") if inside + part in entries), None)
    if whole is None and scale.dtype != torch.uint8:
        return None
    shape = (*q.shape[:-1], q.shape[-1] * 2)
    parts = (leaf, "weight_scale", *((whole,) if whole else ()))
    read = partial(forms.from_fp4, divided=whole == "weight_global_scale")
    return _made(entries, inside, shape, read, parts)


def _halves(entries: Stored, inside: str, leaf: str, settings: Settings) -> Parts | None:
    """bitsandbytes with 4 bits: a flat list of values, whose shape a file may not say."""
    q = entries.get(inside + leaf)
    if leaf != "weight" or q is None or f"{inside}weight.absmax" not in entries:
        return None
    beside = f"{inside}weight."
    parts = [f"weight.{name.removeprefix(beside)}" for name in entries if name.startswith(beside)]
    elements = 2 * q.shape[0] * (q.shape[1] if len(q.shape) > 1 else 1)
    state = next((part for part in parts if ".quant_state." in part), None)
    stated = forms.quant_state(entries[inside + state].read(), inside + state) if state else {}
    shape = stated.get("shape")
    sizes = tuple(shape) if isinstance(shape, list) and all(isinstance(size, int) for size in shape) else (elements,)
    names = [part.removeprefix("weight.") for part in parts]

    def read(weight: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return forms.from_bitsandbytes(weight, dict(zip(names, others, strict=True)), stated).reshape(sizes)

    return _made(entries, inside, sizes, read, ("weight", *parts))


def _scaled(entries: Stored, inside: str, leaf: str, settings: Settings) -> Parts | None:
    """Numbers of 8 bits with a scale for all, for each output, for groups or for blocks."""
    q = entries.get(inside + leaf)
    if leaf != "weight" or q is None:
        return None
    if f"{inside}SCB" in entries:
        return _made(entries, inside, q.shape, forms.from_int8_rows, ("weight", "SCB"))
    if f"{inside}weight_scale_inv" in entries:
        read = partial(forms.from_blocks, block=settings.block)
        return _made(entries, inside, q.shape, read, ("weight", "weight_scale_inv"))
    if f"{inside}weight_scale" not in entries:
        return None
    zero = ("weight_zero_point",) if f"{inside}weight_zero_point" in entries else ()
    read = partial(forms.from_scales, block=settings.block)
    return _made(entries, inside, q.shape, read, ("weight", "weight_scale", *zero))


def _blocks(entries: Stored, inside: str, leaf: str, settings: Settings) -> Parts | None:
    """MXFP4 as gpt-oss stores it: [E, K, G, 16] for weights [E, C, K]."""
    if not leaf.endswith("_blocks") or f"{inside}{leaf.removesuffix('_blocks')}_scales" not in entries:
        return None
    q, target = entries[inside + leaf], leaf.removesuffix("_blocks")
    if len(q.shape) < 3:
        raise InputError(f"weight {inside}{leaf}: expected blocks of 32 values, not {q.shape}")
    columns = q.shape[-2] * q.shape[-1] * 2
    shape = (*q.shape[:-3], columns, q.shape[-3])
    parts = (leaf, f"{target}_scales")
    return _made(entries, inside, shape, forms.from_mxfp4, parts, target)


def _made(
    entries: Stored,
    inside: str,
    shape: tuple[int, ...],
    compute: Callable[..., torch.Tensor],
    parts: tuple[str, ...],
    target: str = "weight",
) -> Parts:
    names = tuple(inside + part for part in parts)

    def read() -> torch.Tensor:
        try:
            return compute(*(entries[name].read() for name in names)).reshape(shape)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            shapes = ", ".join(f"{part} {entries[name].shape}" for part, name in zip(parts, names, strict=True))
            raise InputError(f"weight {inside}{target}: its parts do not go together ({shapes}): {error}") from None

    return inside + target, StoredTensor(shape=shape, read=read), names


def _needed(entries: Stored, inside: str, whole: str, part: str) -> StoredTensor:
    if inside + part not in entries:
        raise InputError(f"checkpoint: {inside}{whole} is there, but {inside}{part}, which belongs to it, is missing")
    return entries[inside + part]
