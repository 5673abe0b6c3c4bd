"""Random layers of the zoo, cropped or whole, run on the RTL: as many clocks and bytes as the estimate says."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import LayerPart, ModelLayer, ModelRun
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.registers import Cause, Counter
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import load_source
from skipbeat_models.sources.nodes.runs import layer_runs
from tests.mapper.estimate.priced_layers import cropped, part_run, with_weights

#: Models and what they are pruned to.
SOURCES = [
    ("zoo:resnet-18", "2:4"),
    ("zoo:mobilenet-v2", "unstructured:0.4"),
    ("zoo:resnet-50", "1:4"),
    ("zoo:resnet-9", "block:0.5"),
    ("zoo:deit-s", "2:4"),
]
#: Layers in all, as many of each model.
LAYERS = 10
HARDWARE = [("edge-8x8", []), ("edge-16x16", ["memory.bytes_per_clock=4"])]


def random_parts(seed: int) -> list[tuple[str, LayerPart]]:
    """Names and cropped parts."""
    rng = np.random.default_rng(seed)
    found = []
    for source, pattern in SOURCES:
        description = load_source(source, scheme=Scheme.everywhere(Pattern.parse(pattern)), seed=seed)
        layers = [layer for layer in description.layers if layer.stored]
        for number in rng.choice(len(layers), LAYERS // len(SOURCES), replace=False):
            layer: ModelLayer = layers[int(number)]
            rows, columns, channels, outputs = (int(rng.integers(low, high)) for low, high in SIZES)
            found.append((f"{source} {layer.name}", cropped(layer.parts[0], rows, columns, channels, outputs)))
    return found


#: Least and most rows, columns, input and output channels of a crop.
SIZES = [(1, 15), (1, 40), (3, 150), (3, 100)]


#: Full layers that run as they are, by model: not too large for a test.
FULL, MOST_CLOCKS = ("zoo:resnet-18", "zoo:mobilenet-v2", "zoo:deit-s", "zoo:vgg-16"), 600_000


def check(name: str, run: ModelRun, pricer: RunPricer, rtl: VerilatedMachine) -> None:
    price, graph = pricer.as_it_is(run), with_weights(run.graph(), seed=1)
    (cost,) = price.costs
    program = compile_network(graph, rtl.machine.hw)
    ran = rtl.run(program.memory(), program.address, program.count, max_clocks=2 * price.cycles + 1000)
    assert (ran.done, ran.error, ran.violations) == (True, 0, 0), name
    assert ran.cycles == price.cycles == cost.cycles, name
    assert (ran.bytes_read, ran.bytes_written) == (cost.machine.read_bytes, cost.machine.written_bytes), name
    # the counters run while the machine is busy, from the clock after the start pulse on
    expected = {cause: count - (cause == Cause.IDLE) for cause, count in cost.clocks.items()}
    assert {cause: ran.counters[Counter[cause.name]] for cause in Cause} == expected, name
    assert ran.counters[Counter.RESULTS] == cost.events.results // rtl.machine.vector, name


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "overrides"), HARDWARE)
def test_layers_of_the_zoo_take_the_priced_clocks(preset: str, overrides: list[str]) -> None:
    machine = Machine.of(load_hardware(preset, overrides))
    rtl, pricer = VerilatedMachine(machine_verilog(machine), machine), RunPricer(machine.hw)
    parts = random_parts(seed=4)
    assert len(parts) == LAYERS
    for name, part in parts:
        check(name, part_run(part), pricer, rtl)


@pytest.mark.slow
@pytest.mark.parametrize("source", FULL)
def test_full_layers_take_the_priced_clocks(source: str) -> None:
    machine = Machine.of(load_hardware("edge-16x16"))
    rtl, pricer = VerilatedMachine(machine_verilog(machine), machine), RunPricer(machine.hw)
    layers = load_source(source, scheme=Scheme.parse("2:4"), seed=0).layers
    ran = 0
    for number in np.random.default_rng(5).permutation(len(layers)).tolist():
        layer = layers[number]
        if layer.macs_dense > MOST_CLOCKS * machine.hw.pes:
            continue
        check(f"{source} {layer.name}", layer_runs(layer)[0], pricer, rtl)
        ran += 1
        if ran == 4:
            return
    pytest.fail("fewer than four layers")
