"""Kinds of products beside matrix products: each is priced as its mathematics says, or named; none is lost silently.

All stand in one model, which is read once: what is not priced carries the name of the module that computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from skipbeat_models.sources import load_source
from skipbeat_models.sources.graphs.graph import Operator, Value
from skipbeat_models.sources.layers.multiplying import may_multiply

from .described import Function, describe

Tensor = torch.Tensor
Call = Callable[[Tensor, Tensor], Tensor]


def _in_place(x: Tensor, w: Tensor) -> Tensor:
    y = x.clone()
    y.mul_(w)
    return y.sum(-1)


def _through_a_view(x: Tensor, w: Tensor) -> Tensor:
    y = x[:, None].expand(8, 8, 16).clone()
    z = y.view(-1)
    y.mul_(w)
    return z.view(8, 8, 16).sum(-1)


def _places(x: Tensor) -> Tensor:
    return x.argsort(-1) % 8


def _map(x: Tensor) -> Tensor:
    return x.view(1, 8, 4, 4)


def _gate(x: Tensor) -> Tensor:
    return x.view(1, 8, 16).mean(-1).sigmoid()[..., None, None]


#: Functions of an activation [8, 16] and a stored tensor [8, 16].
NAMED: dict[str, Call] = {
    "linear of one output": lambda x, w: (x * w[0]).sum(-1),
    "permuted": lambda x, w: (x[:, None] * w).permute(0, 2, 1).sum(1),
    "viewed": lambda x, w: (x[:, None] * w).view(8, 8, 4, 4).sum((-1, -2)),
    "flattened": lambda x, w: (x[:, None] * w).flatten(0, 1).sum(-1),
    "contiguous": lambda x, w: (x[:, None] * w).transpose(0, 1).contiguous().mean(-1),
    "in place": _in_place,
    "in place through a view": _through_a_view,
    "vecdot": torch.linalg.vecdot,
    "cosine": functional.cosine_similarity,
    "cosine of pairs": lambda x, w: functional.cosine_similarity(x[:, None], w[None], dim=-1),
    "cosine of normalised": lambda x, w: (functional.normalize(x)[:, None] * functional.normalize(w)).sum(-1),
    "cosine by norms": lambda x, w: (x * w / (x.norm(dim=-1, keepdim=True) * w.norm(dim=-1, keepdim=True))).sum(-1),
    "distances": lambda x, w: ((x[:, None] - w) ** 2).sum(-1),
    "distances by squares": lambda x, w: torch.square(x[:, None] - w).mean(-1),
    "distances by products": lambda x, w: ((x[:, None] - w) * (x[:, None] - w)).sum(-1),
    "distances by norms": lambda x, w: (x[:, None] - w).norm(dim=-1),
    "scaled": lambda x, w: ((x * w) * 0.5).sum(-1),
    "biased": lambda x, w: (x * w + 1).sum(-1),
    "by rows too": lambda x, w: (x * w * x[:, :1]).sum(-1),
    "addcmul": lambda x, w: torch.addcmul(x, x, w).sum(-1),
    "einsum of elements": lambda x, w: torch.einsum("bi,oi->bio", x, w).sum(1),
    "trace": lambda x, w: torch.trace(x[:, :8] * w[:, :8]),
    "trapezoid": lambda x, w: torch.trapezoid(x * w),
    "cumsum": lambda x, w: (x * w).cumsum(-1),
    "index_add": lambda x, w: torch.zeros(4, 16).index_add(0, torch.arange(8) % 4, x * w),
    "scatter_add": lambda x, w: torch.zeros(8, 16).scatter_add(0, _places(x), x * w),
    "scatter_reduce": lambda x, w: torch.zeros(8, 16).scatter_reduce(0, _places(x), x * w, "sum"),
    "index_put": lambda x, w: torch.zeros(4, 16).index_put((torch.arange(8) % 4,), x * w, accumulate=True),
    "segment_reduce": lambda x, w: torch.segment_reduce(x * w, "sum", lengths=torch.tensor([3, 5])),
    "average": lambda x, w: functional.avg_pool2d((x * w)[None, None], 2),
    "global average": lambda x, w: functional.adaptive_avg_pool2d((x * w)[None, None], 1),
    "pairs of rows": lambda x, w: (x[:, None] * x[None]).sum(-1) + w.sum(),
    "pool by attention": lambda x, w: (x * torch.softmax(w[:, 0] + x[:, 0], 0)[:, None]).sum(0),
    "unfolded": lambda x, w: (functional.unfold(x[None, None], 2).transpose(1, 2) * w[0, :4]).sum(-1),
    "windows": lambda x, w: (x.unfold(1, 4, 1) * w[0, :4]).sum(-1),
    "rfft": lambda x, w: torch.fft.rfft(x).real + w.sum(),
    "fft2": lambda x, w: torch.fft.fft2(x).real + w.sum(),
    "stft": lambda x, w: torch.stft(x, 8, window=torch.ones(8), return_complex=True).real + w.sum(),
    "cdist": torch.cdist,
    "pdist": lambda x, w: functional.pdist(x) + w.sum(),
    "solve": lambda x, w: torch.linalg.solve(x[:, :8], w),
    "solve_triangular": lambda x, w: torch.linalg.solve_triangular(x[:, :8].tril(), w, upper=False),
    "cholesky_solve": lambda x, w: torch.cholesky_solve(w, x[:, :8]),
    "inv": lambda x, w: torch.linalg.inv(x[:, :8]) + w.sum(),
    "pinv": lambda x, w: torch.linalg.pinv(x) + w.sum(),
    "qr": lambda x, w: torch.linalg.qr(x)[0] + w.sum(),
    "lu": lambda x, w: torch.linalg.lu(x)[1] + w.sum(),
    "svd": lambda x, w: torch.linalg.svd(x)[1] + w.sum(),
    "det": lambda x, w: torch.linalg.det(x[:, :8]) + w.sum(),
    "slogdet": lambda x, w: torch.linalg.slogdet(x[:, :8])[1] + w.sum(),
    "cholesky": lambda x, w: torch.linalg.cholesky(x[:, :8]) + w.sum(),
    "eigh": lambda x, w: torch.linalg.eigh(x[:, :8])[0] + w.sum(),
    "matrix_exp": lambda x, w: torch.matrix_exp(x[:, :8]) + w.sum(),
    "householder": lambda x, w: torch.linalg.householder_product(x.t(), x[:, 0]) + w.sum(),
    "cross": lambda x, w: torch.linalg.cross(x[:, :3], w[:, :3]),
    "addr": lambda x, w: torch.addr(w[:, :8], x[:, 0], x[:, 1]),
    "addbmm": lambda x, w: torch.addbmm(x.new_zeros(4, 8), x.view(2, 4, 16), w.t().expand(2, 16, 8)),
    "grid_sample": lambda x, w: functional.grid_sample(x[None, None], w[None, :4, :2, None].expand(1, 4, 2, 2)),
    "affine_grid": lambda x, w: functional.affine_grid(x[None, :2, :3], [1, 1, 4, 4]) + w.sum(),
    "embedding_bag": lambda x, w: functional.embedding_bag(
        _places(x)[:, :4], w, per_sample_weights=x[:, :4].contiguous(), mode="sum"
    ),
}
#: Those that PyTorch itself makes matrix products of, with their multiply-accumulates.
PRICED: dict[str, tuple[Call, int]] = {
    "tensordot": (lambda x, w: torch.tensordot(x, w, dims=([1], [1])), 8 * 16 * 8),
    "multi_dot": (lambda x, w: torch.linalg.multi_dot([x, w.t(), x]), 2 * 8 * 16 * 8),
    "inner": (torch.inner, 8 * 16 * 8),
    "baddbmm": (lambda x, w: torch.baddbmm(x.new_zeros(2, 4, 8), x.view(2, 4, 16), w.t().expand(2, 16, 8)), 1024),
    "matrix_power": (lambda x, w: torch.linalg.matrix_power(x[:, :8], 3) + w.sum(), 2 * 8 * 8 * 8),
    "vdot": (lambda x, w: torch.vdot(x.flatten(), w.flatten()), 128),
    "unfold": (lambda x, w: torch.einsum("bkl,ok->bol", functional.unfold(x[None, None], 4), w), 8 * 16 * 65),
}
#: Work that multiplies no two tensors along what it sums up; outer products sum up nothing.
OTHER: dict[str, Call] = {
    "activation function": lambda x, w: (x * x.sigmoid()).mean(-1) + w.sum(),
    "gelu": lambda x, w: (0.5 * x * (1 + torch.tanh(0.79 * (x + 0.04 * x * x * x)))).mean(-1),
    "norm": lambda x, w: (x * x).sum(-1) + w.sum(),
    "variance": lambda x, w: (x - x.mean(-1, keepdim=True)).square().mean(-1) + w.sum(),
    "distance of each": lambda x, w: (x - w).norm(dim=-1) + (x - w).pow(2).sum(-1),
    "absolute distances": lambda x, w: (x[:, None] - w).abs().sum(-1),
    "mask": lambda x, w: (x * (x > 0)).sum(-1) + (x * (x > 0).float()).sum(-1),
    "squeeze and excite": lambda x, w: functional.adaptive_avg_pool2d(_map(x) * _gate(x), 1),
    "the same, stretched": lambda x, w: (_map(x) * _gate(x).expand(1, 8, 4, 4)).flatten(2).mean(-1),
    "factor of a row": lambda x, w: (x * w[0, :8, None]).sum(-1),
    "outer": lambda x, w: torch.outer(x[0], w[0]),
    "kron": torch.kron,
    "shifted spectrum": lambda x, w: torch.fft.fftshift(x) + w.sum(),
}


class _All(nn.Module):
    def __init__(self, calls: Mapping[str, Call]) -> None:
        super().__init__()
        weight = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
        self.parts = nn.ModuleDict({name: Function(call, w=weight.clone()) for name, call in calls.items()})

    def forward(self, x: Tensor) -> list[Tensor]:
        return [part(x) for part in self.parts.values()]


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_every_kind_is_priced_or_named(step: int) -> None:
    """All kinds, or at every change one of five."""
    named, other = dict(list(NAMED.items())[::step]), dict(list(OTHER.items())[::step])
    priced = dict(list(PRICED.items())[::step])
    calls = named | other | {name: call for name, (call, _) in priced.items()}
    found = describe(_All(calls), torch.randn(8, 16, generator=torch.Generator().manual_seed(1)))
    assert {each.name for each in found.unpriced} == {f"parts.{name}" for name in named}
    macs: dict[str, int] = {}
    for layer in found.layers:
        name = layer.name.split(".")[1].partition("#")[0]
        macs[name] = macs.get(name, 0) + layer.macs_dense
    assert macs == {name: expected for name, (_, expected) in priced.items()}


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("quantized.linear.default", True),
        ("quantized.conv2d_relu.new", True),
        ("quantized_decomposed.quantize_per_tensor.default", False),
        ("torchao.choose_qparams_affine.default", False),
        ("aten.quantized_gru_cell.default", True),
        ("onnx.Sigmoid", False),
        ("onnx.DFT", True),
        ("onnx.SomethingNew", True),
        ("ai_onnx_ml.LinearClassifier", True),
    ],
)
def test_a_number_format_in_a_name_hides_no_product(target: str, named: bool) -> None:
    values = [Value(name, (8, 16)) for name in "xyz"]
    operator = Operator(target, {"self": values[0], "other": values[1]}, (values[2],), "")
    assert bool(may_multiply(operator, lambda value: False)) is named


def _onnx(tmp_path: Path, nodes: list[Any], weights: Mapping[str, Any], **inputs: Any) -> Any:
    onnx: Any = pytest.importorskip("onnx")
    kinds = {"x": onnx.TensorProto.FLOAT, "m": onnx.TensorProto.INT64}
    given = [onnx.helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in inputs.items()]
    out = onnx.helper.make_tensor_value_info("y", 1, None)
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "graph", given, [out], stored)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)]), tmp_path / "model.onnx")
    return load_source(str(tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("form", "named"),
    [
        *(("dot", True), ("transposed", True), ("own gate", False), ("mask", False), ("grid", True), ("fourier", True)),
        *(("distances", True), ("distances by squares", True), ("distances by norms", True)),
    ],
)
def test_products_of_onnx_in_other_words(form: str, named: bool, tmp_path: Path) -> None:
    node = pytest.importorskip("onnx").helper.make_node
    weights = {"w": np.ones((3, 8, 16), np.float32), "a": np.array([-1]), "b": np.array([1])}
    size, pairs = {"x": (8, 16)}, [node("Unsqueeze", ["x", "b"], ["u"]), node("Sub", ["u", "v"], ["p"])]
    nodes = {
        "dot": [node("Mul", ["x", "w"], ["p"]), node("ReduceSum", ["p", "a"], ["y"])],
        "transposed": [
            node("Mul", ["x", "w"], ["p"]),
            node("Transpose", ["p"], ["q"], perm=[0, 2, 1]),
            node("ReduceMean", ["q", "b"], ["y"]),
        ],
        "own gate": [
            node("Sigmoid", ["x"], ["s"]),
            node("Mul", ["x", "s"], ["p"]),
            node("ReduceMean", ["p", "a"], ["y"]),
        ],
        "mask": [
            node("Cast", ["m"], ["f"], to=1),
            node("Mul", ["x", "f"], ["p"]),
            node("ReduceSum", ["p", "a"], ["y"]),
        ],
        "grid": [
            node("Reshape", ["x", "i"], ["p"]),
            node("Reshape", ["x", "j"], ["q"]),
            node("GridSample", ["p", "q"], ["y"]),
        ],
        "fourier": [node("Reshape", ["x", "k"], ["p"]), node("DFT", ["p"], ["y"])],
        "distances": [*pairs, node("Pow", ["p", "t"], ["q"]), node("ReduceSum", ["q", "a"], ["y"])],
        "distances by squares": [*pairs, node("ReduceSumSquare", ["p", "a"], ["y"])],
        "distances by norms": [*pairs, node("ReduceL2", ["p", "a"], ["y"])],
    }[form]
    weights |= {
        "t": np.full((), 2, np.float32),
        "v": np.ones((1, 5, 16), np.float32),
        "i": np.array([1, 2, 8, 8]),
        "j": np.array([1, 8, 8, 2]),
        "k": np.array([1, 8, 16, 1]),
    }
    used = {name for each in nodes for name in each.input}
    given = size | ({"m": (8, 16)} if form == "mask" else {})
    found = _onnx(tmp_path, nodes, {name: value for name, value in weights.items() if name in used}, **given)
    assert bool(found.unpriced) is named
