"""A layer compiled sparse and dense, as a row of the report."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.pattern import measured_pattern
from skipbeat_arch.workload import Convolution, Workload
from skipbeat_mapper.core_compiler.compile import compile_dense, compile_layer
from skipbeat_mapper.core_compiler.program import CoreProgram
from skipbeat_reports.layer import LayerSummary, WeightBits


@dataclass(frozen=True, kw_only=True, eq=False)
class CompiledLayer:
    """A layer's program and the cycles of the same layer on the same array with dense weights."""

    layer: IntegerLayer
    program: CoreProgram
    cycles_dense: int

    def summary(self) -> LayerSummary:
        """The layer's numbers, all from the timing model."""
        program, timing = self.program, self.program.timing
        bits = program.weight_bits
        return LayerSummary(
            name=self.layer.name,
            kind="convolution" if isinstance(self.layer.workload, Convolution) else "linear",
            shape=shape_text(self.layer.workload),
            pattern=str(measured_pattern(self.layer.weight.reshape(-1, self.layer.weight.shape[-1]))),
            cycles=program.cycles,
            cycles_dense=self.cycles_dense,
            cycles_limit=program.cycles_limit,
            utilization=program.utilisation,
            macs=program.macs,
            macs_dense=self.layer.workload.macs,
            weight_bits=WeightBits(values=bits.values, metadata=bits.metadata, padding=bits.padding),
            clocks=timing.clocks,
            events=timing.events,
        )


def compile_pair(layer: IntegerLayer, hw: Hardware) -> CompiledLayer:
    """Compile a layer with its own weights and, for comparison, as if all of them were nonzero."""
    return CompiledLayer(layer=layer, program=compile_layer(layer, hw), cycles_dense=compile_dense(layer, hw).cycles)


def shape_text(workload: Workload) -> str:
    """Sizes of a workload for people."""
    if not isinstance(workload, Convolution):
        return f"{workload.p} × {workload.c} → {workload.k}"
    height, width = workload.kernel
    out_h, out_w = workload.out_size
    text = f"{workload.batch} × {workload.c_in}×{workload.height}×{workload.width} → {workload.c_out}×{out_h}×{out_w}"
    extras = [f"{height}×{width}"]
    if workload.stride != (1, 1):
        extras.append(f"stride {workload.stride[0]}")
    if workload.groups > 1:
        extras.append(f"{workload.groups} groups")
    return f"{text}, {', '.join(extras)}"
