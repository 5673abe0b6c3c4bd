"""Made-up summaries for the tests of the reports; the numbers are plausible, and nothing measured them."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.timing import Clocks, Events
from skipbeat_reports.layer import LayerSummary, WeightBits
from skipbeat_reports.machine_check import MachineCheck, MachineLayer
from skipbeat_reports.summary import Accuracy, HardwareSummary, RtlCheck, Summary

_PES = 256


def make_layer(
    name: str,
    kind: str = "convolution",
    shape: str = "16 → 32, 3×3, 8×8",
    pattern: str = "2:4",
    waits: tuple[int, int, int] = (12, 0, 40),
    weights: int = 2304,
    pixels: int = 512,
) -> LayerSummary:
    """A layer of `weights` kept weights on `pixels` pixels; dense keeps twice as many."""
    macs = weights * pixels
    compute = -(-macs * 105 // (100 * _PES))
    clocks = Clocks(compute=compute, tile_wait=waits[0], hazard=waits[1], fill_drain=waits[2])
    sparse = pattern != "dense"
    return LayerSummary(
        name=name,
        kind=kind,
        shape=shape,
        pattern=pattern,
        cycles=clocks.cycles,
        cycles_dense=2 * compute + 60 if sparse else clocks.cycles,
        cycles_limit=-(-macs // _PES),
        utilization=macs / (_PES * clocks.cycles),
        macs=macs,
        macs_dense=2 * macs if sparse else macs,
        clocks=clocks,
        weight_bits=WeightBits(values=8 * weights, metadata=4 * weights if sparse else 0, padding=64 + weights % 128),
        events=Events(
            macs=macs,
            slots_idle=compute * _PES - macs,
            bundle_reads=pixels * 144,
            weight_slot_reads=compute * _PES,
            weight_slot_writes=weights,
            psum_hops=compute * _PES,
            accumulator_reads=pixels * 96,
            accumulator_writes=pixels * 96,
            results=pixels * 32,
            groups_decoded=weights // 2,
            value_bits=8 * weights,
            metadata_bits=4 * weights,
        ),
    )


def make_rtl() -> RtlCheck:
    """An RTL run that agrees with the models and with the oracle."""
    return RtlCheck(
        images=8,
        bit_exact=True,
        rtl_cycles=10_554,
        model_cycles=10_554,
        timing_cycles=10_554,
        simulator="verilator",
        clocks_per_second=412_345.6,
    )


def make_machine() -> MachineCheck:
    """A run of the whole machine that agrees everywhere."""
    layers = (("features.0", 2_210, 512, "output", 1_024), ("classifier", 9_790, 9_600, "compute", 9_600))
    return MachineCheck(
        images=8,
        bit_exact=True,
        counters_agree=True,
        rtl_cycles=12_040,
        model_cycles=12_040,
        timing_cycles=12_040,
        counters={"cycles": 12_039, "compute": 10_112},
        clocks_per_second=201_234.5,
        layers=tuple(
            MachineLayer(
                name=name,
                rtl_cycles=cycles,
                model_cycles=cycles,
                timing_cycles=cycles,
                steps=steps,
                bound=bound,
                bound_clocks=clocks,
            )
            for name, cycles, steps, bound, clocks in layers
        ),
    )


def make_summary() -> Summary:
    """The digits CNN at 2:4."""
    layers = (
        make_layer("features.0", shape="1 → 16, 3×3 on 8×8", pattern="dense", weights=144, pixels=512),
        make_layer("features.2", shape="16 → 32, 3×3 on 8×8", weights=2304, pixels=512),
        make_layer("features.5", shape="32 → 64, 3×3 on 4×4", weights=9216, pixels=128, waits=(220, 0, 40)),
        make_layer("classifier", "linear", "256 → 10", weights=1280, pixels=8, waits=(96, 31, 40)),
    )
    return Summary(
        model="digits-cnn",
        data="scikit-learn digits, 1,347 training and 450 test images",
        pattern="2:4",
        hardware=HardwareSummary.of(load_hardware("edge-16x16")),
        layers=layers,
        batch=8,
        accuracy=Accuracy(dense=0.98444, pruned=0.98222, int8=0.98, test_images=450),
        rtl=make_rtl(),
        machine=make_machine(),
        seed=1,
        versions={"skipbeat": "0.1.0", "torch": "2.13.0", "verilator": "5.48.0"},
        notes=(
            "Activations wait on the chip: the cycles hold the core, not the transfers from external memory.",
            "Requantisation, pooling and ReLU run on the host between layers and take no cycles here.",
        ),
    )
