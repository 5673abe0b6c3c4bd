"""A model as other tools see it: products, repeats, and patterns that are N:M with zeros."""

from __future__ import annotations

import pytest

from skipbeat_arch.model import ModelDescription
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.references.work import Ratio, Work, model_work
from tests.mapper.references.models_by_hand import layer


@pytest.mark.parametrize(
    ("pattern", "sparse"), [("dense", None), ("2:4", (2, 4)), ("4:4", None), ("unstructured:0.5", None)]
)
def test_only_n_of_m_with_zeros_is_kept(pattern: str, sparse: Ratio | None) -> None:
    model = ModelDescription(name="m", layers=(layer(Gemm(p=5, c=8, k=4), pattern, 3),))
    assert model_work(model) == (Work(workload=Gemm(p=5, c=8, k=4), repeats=3, sparse=sparse),)


def test_a_grouped_convolution_is_a_product_for_each_group() -> None:
    conv = Convolution(batch=2, c_in=6, c_out=9, height=5, width=5, kernel=(3, 3), groups=3)
    gemm, count = Work(workload=conv, repeats=2).products
    assert (gemm, count) == (Gemm(p=2 * 3 * 3, c=2 * 9, k=3), 6)
    assert gemm.macs * count == 2 * conv.macs
