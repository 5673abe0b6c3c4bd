"""The references of a whole model: layer by layer, each with its repeats."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import ModelDescription
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.references.model_references import model_references
from skipbeat_mapper.references.scale_sim import scale_sim_cycles, scale_sim_fill
from skipbeat_mapper.references.work import Work
from tests.mapper.references.models_by_hand import layer

HW = load_hardware("large-32x32")


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
