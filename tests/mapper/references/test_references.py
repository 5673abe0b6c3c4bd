"""Formulas of other tools against the numbers that they printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, WeightZeros
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.references.dense_array import dense_array_cycles
from skipbeat_mapper.references.model import model_references
from skipbeat_mapper.references.resnet18 import resnet18
from skipbeat_mapper.references.scale_sim import scale_sim_cycles, scale_sim_fill
from skipbeat_mapper.references.sparseloop import (
    PUBLISHED_CASE,
    activation_bytes_per_clock,
    beat_at_bandwidth,
    tensor_core,
)
from skipbeat_mapper.references.work import Work

HW = load_hardware("large-32x32")
GEMMS = st.builds(Gemm, p=st.integers(1, 300), c=st.integers(1, 300), k=st.integers(1, 300))


@pytest.mark.parametrize(
    ("size", "dense", "sparse", "output_stationary"),
    [(32, 2_855_031, 1_490_695, 2_133_315), (16, 9_226_427, 4_865_003, 8_005_533)],
)
def test_resnet18_as_scale_sim_prints_it(size: int, dense: int, sparse: int, output_stationary: int) -> None:
    layers = resnet18()
    assert sum(layer.macs for layer in layers) == 1_814_073_344
    assert sum(scale_sim_cycles(layer, size, size) for layer in layers) == dense
    first, *others = layers
    pruned = scale_sim_cycles(first, size, size) + sum(scale_sim_cycles(o, size, size, (2, 4)) for o in others)
    assert pruned == sparse
    assert sum(scale_sim_cycles(layer, size, size, dataflow="os") for layer in layers) == output_stationary


def test_a_fold_by_hand() -> None:
    """Four clocks to load 4 rows, 4 + 4 − 2 of skew, 10 pixels; two folds along the reduction, three of outputs."""
    gemm = Gemm(p=10, c=8, k=12)
    assert scale_sim_cycles(gemm, 4, 4) == 2 * 3 * (4 + 6 + 10) - 1
    assert scale_sim_fill(gemm, 4, 4) == 2 * 3 * 10 - 1
    assert scale_sim_cycles(gemm, 4, 4, (2, 4)) == 3 * 20 - 1
    assert scale_sim_cycles(Gemm(p=10, c=9, k=12), 4, 4, (2, 4)) == 2 * 3 * 20 - 1  # 9 makes three groups, so 6 rows
    grouped = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(1, 1), groups=8)
    assert scale_sim_cycles(grouped, 4, 4) == 8 * scale_sim_cycles(Gemm(p=16, c=1, k=1), 4, 4)


@given(GEMMS, st.integers(1, 64), st.integers(1, 64))
def test_no_array_is_quicker_than_its_multipliers(gemm: Gemm, rows: int, cols: int) -> None:
    limit = gemm.macs / (rows * cols)
    ideal = dense_array_cycles(gemm, rows, cols)
    assert limit <= ideal
    assert ideal + scale_sim_fill(gemm, rows, cols) == scale_sim_cycles(gemm, rows, cols)
    assert scale_sim_cycles(gemm, rows, cols, (1, 1)) == scale_sim_cycles(gemm, rows, cols)
    assert dense_array_cycles(gemm, 1, 1) == gemm.macs


def test_what_scale_sim_cannot_price() -> None:
    with pytest.raises(InputError, match="expected a pattern N:M with 1 <= N <= M, not 5:4"):
        scale_sim_cycles(Gemm(p=1, c=1, k=1), 4, 4, (5, 4))
    with pytest.raises(InputError, match="weight-stationary dataflow only"):
        scale_sim_cycles(Gemm(p=1, c=1, k=1), 4, 4, (2, 4), dataflow="os")


def layer(gemm: Gemm, pattern: str, repeats: int = 1) -> ModelLayer:
    zeros = WeightZeros(key=pattern, nonzero=lambda: np.ones((gemm.c, gemm.k), np.bool_))
    return ModelLayer(
        name=pattern,
        kind=LayerKind.LINEAR,
        parts=(LayerPart(workload=gemm, weight=zeros, repeats=repeats),),
        shape="",
        pattern=Pattern.parse(pattern),
        density=1.0,
    )


def test_a_model_is_compared_layer_by_layer() -> None:
    gemm = Gemm(p=100, c=256, k=64)
    layers = (layer(gemm, "dense"), layer(gemm, "2:4", 3), layer(gemm, "unstructured:0.5"))
    dense, scale_sim = model_references(ModelDescription(name="m", layers=layers), HW)
    assert dense.cycles == dense.cycles_dense == 5 * 8 * 2 * 100
    assert scale_sim.cycles == 2 * scale_sim_cycles(gemm, 32, 32) + 3 * scale_sim_cycles(gemm, 32, 32, (2, 4))
    assert scale_sim.cycles_dense == 5 * scale_sim_cycles(gemm, 32, 32)
    assert "0.0% of its cycles are ragged edges" in dense.explanation
    fill = sum(
        w.repeats * scale_sim_fill(w.workload, 32, 32, w.sparse)
        for w in (Work(workload=gemm, repeats=2), Work(workload=gemm, repeats=3, sparse=(2, 4)))
    )
    assert f"{fill:,} of these cycles" in scale_sim.explanation


def test_a_model_without_layers() -> None:
    assert [r.cycles for r in model_references(ModelDescription(name="m", layers=()), HW)] == [0, 0]


@pytest.mark.parametrize(
    ("sparse", "cycles"), [((4, 4), 147_456), ((2, 4), 73_728), ((2, 6), 70_218), ((2, 8), 66_707)]
)
def test_the_tensor_core_as_sparseloop_prints_it(sparse: tuple[int, int], cycles: int) -> None:
    core = tensor_core(PUBLISHED_CASE, sparse)
    if sparse == (4, 4):  # run on the design without sparsity, whose weights have no metadata
        assert core.compute == cycles
    else:
        assert core.cycles == cycles


def test_the_published_words_of_the_shared_memory() -> None:
    core = tensor_core(PUBLISHED_CASE, (2, 8))
    assert (core.activations, core.weights, core.metadata) == (2_359_296, 294_912, 147_456)
    assert core.compute == 36_864


def test_activation_bandwidth_that_a_pattern_needs() -> None:
    wide = load_hardware("large-32x32", ["array.group=8"])
    assert activation_bytes_per_clock(HW, 2) == 2 * 32
    assert activation_bytes_per_clock(wide, 2) == 4 * 32
    assert beat_at_bandwidth(wide, 2, activation_bytes_per_clock(HW, 2)) == 4
    assert beat_at_bandwidth(wide, 8, activation_bytes_per_clock(HW, 2)) == 8
