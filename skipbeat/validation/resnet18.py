"""ResNet-18 at 224×224: SCALE-Sim v3 and ZigZag beside the core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.workload import Workload
from skipbeat_mapper.references.resnet18 import resnet18
from skipbeat_mapper.references.scale_sim import Dataflow, scale_sim_cycles, scale_sim_fill
from skipbeat_mapper.references.work import Ratio, Work

from .core import model_cycles
from .machine import machine_cycles
from .row import Row

#: Cycles that SCALE-Sim 3.0 prints without stalls: of the array's size, the dataflow and the pattern.
SCALE_SIM: dict[tuple[int, Dataflow, bool], int] = {
    (32, "ws", False): 2_855_031,
    (32, "os", False): 2_133_315,
    (32, "ws", True): 1_490_695,
    (16, "ws", False): 9_226_427,
    (16, "os", False): 8_005_533,
    (16, "ws", True): 4_865_003,
}
PRESETS = {32: "large-32x32", 16: "edge-16x16"}
DENSE: Ratio = (1, 1)
PRUNED: Ratio = (2, 4)
_FLOWS = {"ws": "weight-stationary", "os": "output-stationary"}

#: ZigZag 3.9 with its own TPU-like accelerator of 32×32 multipliers and 64 bits of DRAM per cycle.
ZIGZAG_CYCLES, ZIGZAG_MILLIJOULE = 3_865_041, 1.87
ZIGZAG_DRAM_BYTES = 8


def scale_sim_rows() -> Iterator[Row]:
    """SCALE-Sim's six published runs beside the core of the same size."""
    layers = resnet18()
    macs = sum(layer.macs for layer in layers)
    for size, preset in PRESETS.items():
        hw = load_hardware(preset)
        machine = {s: machine_cycles(layers, PRUNED if s else DENSE, hw, first=DENSE) for s in (False, True)}
        core = {sparse: model_cycles(layers, PRUNED if sparse else DENSE, hw) for sparse in (False, True)}
        for (of_size, flow, sparse), published in SCALE_SIM.items():
            if of_size != size:
                continue
            ratios = [None, *[PRUNED if sparse else None] * (len(layers) - 1)]
            pairs = list(zip(layers, ratios, strict=True))
            fill = sum(scale_sim_fill(layer, size, size, ratio, dataflow=flow) for layer, ratio in pairs)
            yield Row(
                tool="SCALE-Sim 3.0",
                hardware=preset,
                published=published,
                core=core[sparse],
                case=f"ResNet-18, {size}×{size}, {_FLOWS[flow]}, {'2:4 but the first layer' if sparse else 'dense'}",
                formula=sum(scale_sim_cycles(layer, size, size, ratio, dataflow=flow) for layer, ratio in pairs),
                dense_published=SCALE_SIM[size, flow, False] if sparse else None,
                dense_core=core[False] if sparse else None,
                machine=machine[sparse],
                explanation=_pruned(fill, layers) if sparse else _dense(fill, -(-macs // hw.pes), core[False]),
            )


def _pruned(fill: int, layers: Sequence[Workload]) -> str:
    macs, first = sum(layer.macs for layer in layers), layers[0].macs
    limit = macs / (first + (macs - first) / 2)
    return (
        f"{fill:,} of its cycles still load, fill and drain folds. Skipping half the products of all layers but the "
        f"first is worth {limit:.2f}× at most (Amdahl); it gets more over its own dense run because half of its folds, "
        "with their loads and drains, fall away too. Here those cost nothing in the dense run either"
    )


def _dense(fill: int, limit: int, dense: int) -> str:
    return (
        f"{fill:,} of its cycles load, fill and drain folds. Here tiles are loaded while the array computes: "
        f"{dense - limit:,} cycles over the multipliers' limit of {limit:,}, most of them ragged edges of layers"
    )


def zigzag_row() -> Row:
    """ZigZag's run beside the machine with as slow a memory; the core alone has none to compare with."""
    change = f"memory.bytes_per_clock={ZIGZAG_DRAM_BYTES}"
    return Row(
        tool="ZigZag 3.9",
        case="ResNet-18, its TPU-like 32×32, DRAM 64 bit per cycle, dense",
        published=ZIGZAG_CYCLES,
        formula=None,
        core=None,
        hardware=f"large-32x32, {change}",
        machine=machine_cycles(resnet18(), DENSE, load_hardware("large-32x32", [change])),
        explanation=(
            f"both wait for a memory of {ZIGZAG_DRAM_BYTES} bytes per cycle, where the weights alone take "
            f"{_weights() // ZIGZAG_DRAM_BYTES:,} cycles, and both run layer after layer; here weights and activations "
            "of what follows are loaded while the array computes, so that most layers take what the larger of the two "
            "takes. Its accelerator has other buffers: this is no like for like"
        ),
    )


def _weights() -> int:
    gemms = (Work(workload=layer).products[0] for layer in resnet18())
    return sum(gemm.c * gemm.k for gemm in gemms)
