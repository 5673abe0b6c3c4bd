"""Made-up estimates for the tests of the reports; the numbers hang together, and nothing measured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from skipbeat_arch.estimate import (
    Bound,
    DramSensitivity,
    Estimate,
    HostWork,
    LayerCost,
    LayerEstimate,
    Reference,
    RunEstimate,
    Schedule,
)
from skipbeat_arch.registers import Cause
from skipbeat_arch.timing import Events, MachineEvents

PES = 1024
BYTES_PER_CLOCK = 128
HOSTILE = (
    "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
    "&\"'$x_1$ @@0@@ [red]:boom: \x1b\x00{{7*191}}"
)


def make_layer(
    name: str,
    kind: str = "conv",
    shape: str = "128x128x3x3 on 28x28",
    pattern: str = "2:4",
    *,
    weights: int = 147_456,
    pixels: int = 784,
    density: float = 0.5,
    stored: bool = True,
    slow: float = 1.04,
) -> LayerEstimate:
    """A layer of `weights` weights, of which the share `density` is there, on `pixels` pixels.

    `slow` is what the cycles are of the clocks that the kept products alone would take.
    """
    dense = weights * pixels
    macs = round(dense * density)
    read = weights // 2 + pixels * 128 if stored else weights + pixels * 128
    machine = MachineEvents(read_bytes=read, written_bytes=pixels * 128, instructions=40, outputs=pixels * 128)
    memory = -(-(machine.read_bytes + machine.written_bytes) // BYTES_PER_CLOCK)
    compute = -(-macs // PES)
    cycles = max(round(compute * slow), memory + 40, 60)
    waits = cycles - compute
    clocks = {
        Cause.COMPUTE: compute,
        Cause.TILE_WAIT: waits // 2,
        Cause.HAZARD: waits // 16,
        Cause.ACTIVATION_WAIT: waits // 8,
        Cause.OUTPUT_WAIT: waits // 16,
    }
    clocks[Cause.IDLE] = cycles - sum(clocks.values())
    bounds = {Bound.COMPUTE: compute, Bound.MEMORY: memory, Bound.DECODER: weights // 4096, Bound.OUTPUT: pixels}
    value_bits = 8 * round(weights * density) if stored else 0
    cost = LayerCost(
        cycles=cycles,
        clocks=clocks,
        macs=macs,
        events=Events(macs=macs, value_bits=value_bits),
        machine=machine,
        value_bits=value_bits,
        metadata_bits=value_bits // 2 if 0 < density < 1 else 0,
        bound=max(bounds, key=lambda bound: bounds[bound]),
        schedule=Schedule(
            order=("8 blocks of 98 pixels", "4 tiles of 32 outputs", "9 passes of 128 inputs"),
            encodings={"pattern": 30, "bitmap": 6} if density < 1 else {"dense": 36},
            bounds=bounds,
            places=("input: from memory", "output: to memory"),
            walks=("4 LOADs of weights", "36 PASSes over 98 entries"),
            runner_up=("tiles in the outer loop", cycles + 1234, cycles),
            notes=("Imbalance between groups costs 1.2 %.",),
        ),
    )
    energy = {
        "DRAM": 64.0 * (machine.read_bytes + machine.written_bytes),
        "multipliers": 0.2 * macs,
        "activation banks": 0.09 * macs,
        "accumulators": 0.11 * macs,
        "weight buffer": 0.02 * macs,
        "registers": 0.05 * macs,
        "decoder": 0.003 * weights,
        "output stage": 3.0 * pixels,
    }
    return LayerEstimate(
        name=name,
        kind=kind,
        shape=shape,
        pattern=pattern,
        density=density,
        macs=macs,
        macs_dense=dense,
        cost=cost,
        cycles_dense=max(round(-(-dense // PES) * 1.02) + 50, cycles) if density < 1 else cycles,
        energy_pj=energy,
        energy_dense_pj=sum(energy.values()) / max(density, 0.25),
    )


def make_run(layers: Sequence[LayerEstimate], repeats: int = 1) -> RunEstimate:
    """A program of these layers, each a `repeats`-th of its cycles, in which every engine is at work."""
    ends = accumulate((layer.cost.cycles // repeats for layer in layers), initial=0)
    spans = tuple((layer.name, *span) for layer, span in zip(layers, pairwise(ends), strict=True))
    cycles = spans[-1][2] if spans else 0
    return RunEstimate(
        cycles=cycles,
        repeats=repeats,
        spans=spans,
        phases=(
            ("load", 0, cycles // 3),
            ("load", cycles // 3, cycles // 2),
            ("execute", cycles // 8, max(cycles - 20, cycles // 8)),
            ("store", cycles // 2, cycles),
        ),
    )


def make_estimate(layers: tuple[LayerEstimate, ...] | None = None) -> Estimate:
    """Convolutions, a product of two activations, a layer whose weights are all zero, and what the host does."""
    kept = layers if layers is not None else small_layers()
    cycles, dense = (sum(layer.cost.cycles for layer in kept), sum(layer.cycles_dense for layer in kept))
    energy = sum(sum(layer.energy_pj.values()) for layer in kept) / 1e6
    return Estimate(
        model="made-up-net",
        hardware="large-32x32",
        clock_mhz=333.0,
        clock_source="assumed",
        pes=PES,
        batch=2,
        layers=kept,
        runs=(make_run(kept[:3]), make_run(kept[3:])),
        host=HostWork(elements=662_696, bytes=662_696),
        host_operators=(
            ("relu", "aten.relu", 401_408, 17, True),
            ("maxpool", "aten.max_pool2d", 200_704, 1, False),
            ("attention.softmax", "aten.softmax", 38_416, 12, False),
            ("head.softmax", "aten.softmax", 1000, 1, False),
        ),
        energy_table="horowitz-2014-45nm (Horowitz, ISSCC 2014, 45 nm)",
        dram=DramSensitivity(
            low_pj_per_bit=8,
            high_pj_per_bit=47,
            low_uj=energy,
            high_uj=2.5 * energy,
            source="Sparseloop, MICRO 2022; Horowitz, ISSCC 2014",
        ),
        references=(
            Reference(
                name="the same array run dense",
                cycles=dense,
                cycles_dense=dense,
                explanation="Every weight takes a slot, zero or not.",
            ),
            Reference(
                name="dense array of as many multipliers",
                cycles=round(1.01 * dense),
                cycles_dense=round(1.01 * dense),
                explanation="No multiplexers and no metadata, but the tiles are shallower, so that sums are read back "
                "and written four times as often; the drain of each pass is not hidden.",
            ),
            Reference(
                name="SCALE-Sim v3 formula",
                cycles=round(1.42 * cycles),
                cycles_dense=None,
                explanation="It fills and drains the array for each fold.",
            ),
        ),
        assumptions=(
            "The memory gives 128 bytes per clock after 40 clocks; refresh and bank conflicts are not in the cycles.",
            "Operators of the host take no time.",
        ),
    )


def small_layers() -> tuple[LayerEstimate, ...]:
    """Nine layers of a network that never was."""
    return (
        make_layer("conv1", shape="64x3x7x7 on 224x224", pattern="dense", weights=9408, pixels=12_544, density=1.0),
        make_layer("layer1.0.conv1", shape="64x64x3x3 on 56x56", weights=36_864, pixels=3136),
        make_layer("layer1.0.conv2", shape="64x64x3x3 on 56x56", weights=36_864, pixels=3136, slow=1.4),
        make_layer("layer2.0.conv1", shape="128x64x3x3 on 56x56", pattern="unstructured:0.20", density=0.2, slow=1.9),
        make_layer("layer2.0.down", shape="128x64x1x1 on 56x56", pattern="1:4", weights=8192, density=0.25),
        make_layer("depthwise", "depthwise conv", "128x1x3x3 on 28x28", "dense", weights=1152, density=1.0, slow=9.0),
        make_layer(
            "attention.scores",
            "matmul",
            "197x64 by 64x197, 12 heads",
            "dense",
            weights=12_608,
            pixels=2364,
            density=1.0,
            stored=False,
        ),
        make_layer("pruned.away", "linear", "512 to 64", "0:4", weights=32_768, pixels=1, density=0.0),
        make_layer("fc", "linear", "512 to 1000", "2:4", weights=512_000, pixels=1),
    )


def many_layers(count: int = 60) -> tuple[LayerEstimate, ...]:
    """Layers of all sizes with long names."""
    return tuple(
        make_layer(
            f"model.decoder.layers.{index // 6}.{'self_attn' if index % 6 < 4 else 'mlp'}.projection_{index % 6}",
            "linear",
            f"{256 + 64 * (index % 7)} to {256 * (1 + index % 6)}",
            "2:4" if index % 5 else "dense",
            weights=(256 + 64 * (index % 7)) * 256 * (1 + index % 6),
            pixels=1 + 97 * (index % 11),
            density=0.5 if index % 5 else 1.0,
            slow=1.0 + 0.1 * (index % 4),
        )
        for index in range(count)
    )


def hostile_estimate() -> Estimate:
    """Every text that a user can choose, or a model file can contain, is markup, a command or a template."""
    honest = make_estimate()
    first = honest.layers[0]
    schedule = Schedule(
        order=(HOSTILE,),
        encodings={HOSTILE: 3},
        bounds={Bound.COMPUTE: 5},
        runner_up=(HOSTILE, 7, 5),
        places=(HOSTILE,),
        notes=(HOSTILE,),
    )
    layer = replace(
        first,
        name=HOSTILE,
        kind=HOSTILE,
        shape=HOSTILE,
        pattern=HOSTILE,
        cost=replace(first.cost, schedule=schedule),
        energy_pj={HOSTILE: 9e9},
    )
    return replace(
        honest,
        model=HOSTILE,
        hardware=HOSTILE,
        layers=(layer, *honest.layers[1:]),
        runs=(make_run((layer, *honest.layers[1:])),),
        energy_table=HOSTILE,
        host_operators=((HOSTILE, HOSTILE, 5, 1, False),),
        dram=replace(honest.dram, source=HOSTILE),
        references=(Reference(name=HOSTILE, cycles=5, cycles_dense=None, explanation=HOSTILE),),
        assumptions=(HOSTILE,),
    )
