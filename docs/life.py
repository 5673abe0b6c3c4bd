"""Follows one weight and one activation through the cycle model of the machine: where they are in which clock.

.venv/bin/python docs/life.py          what docs/design.md quotes
.venv/bin/python docs/life_figure.py   draws docs/life.svg from it
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import nn

import skipbeat
from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.quantise_graph import quantise_graph
from skipbeat_sim.machine.load import ENABLES
from skipbeat_sim.machine.machine import MachineTop
from skipbeat_sim.machine.memory import ExternalMemory

#: The second convolution's weight at kernel row 1, column 0, from channel 14 to output 2; its output pixel (y, x) =
#: (1, 5), whose tap there reads pixel (1, 4) of what the first convolution gives.
TAP, CHANNEL, OUTPUT, PIXEL, SOURCE = 3, 14, 2, 1 * 8 + 5, 1 * 8 + 4
#: 32 channels are 8 groups, so a tile has two taps: tap 3 is in rows 8 to 15 of tile 1, the second one to run. Two
#: passes of the first convolution come before the five of this column tile.
ROW, PASS, LAST = 8 + CHANNEL // 4, 3, 6
PIXELS, BEAT, METADATA_WORDS = 64, 2, 8


class Trace:
    """Runs a program on the cycle model and notes the clock of each event, by its name and number."""

    def __init__(self, machine: Machine, program: MachineProgram, x: np.ndarray[Any, np.dtype[np.int8]]) -> None:
        self.clocks: dict[tuple[object, ...], int] = {}
        self.values: dict[tuple[str, int], Any] = {}
        self._count: Counter[str] = Counter()
        self._steps: list[int] = []
        self._model = model = MachineTop(machine)
        memory = program.memory()
        program.write_input(memory, x)
        external, start = ExternalMemory(machine, memory), (program.address, program.count)
        clock = 0
        while clock == 0 or model.busy_o:
            external.evaluate()
            model.evaluate(clock == 0, *start, r=external.r, w_ready=external.w_ready, b=external.b)
            external.update(model.ar, model.aw, model.w)
            self._weights(clock)
            self._array(clock)
            self._outputs(clock)
            model.update()
            clock += 1
        self.cycles, self.memory = clock, external.contents

    def __call__(self, *key: object) -> int:
        return self.clocks[key]

    def _next(self, clock: int, name: str, value: object = None) -> None:
        self.clocks[name, self._count[name]] = clock
        self.values[name, self._count[name]] = value
        self._count[name] += 1

    def _weights(self, clock: int) -> None:
        model, decoder = self._model, self._model.core.decoder
        load = model.load
        if load.requests is not None and model.fetch.requests is None:
            self.clocks.setdefault(("asked", load.requests.address), clock)
        if load.memory_write_o is not None and load.memory_write_o.enable == ENABLES[Kind.WEIGHTS]:
            self.clocks.setdefault(("loaded", load.memory_write_o.address), clock)
        if model.execute.commands is not None:
            self._next(clock, "pass begins")
        if model.weight_reader.weights is not None and model.core.weights_ready:
            self._next(clock, "word")
        write = decoder.write_o
        if write.enable:
            self.clocks["slot", self._count["tile"], write.row, write.slot] = clock
            if write.final:
                self._next(clock, "tile")

    def _array(self, clock: int) -> None:
        model, sequencer = self._model, self._model.core.sequencer
        if model.fetcher.bank_address_o is not None:
            self._next(clock, "bank read", [int(address) for address in model.fetcher.bank_address_o])
        if sequencer.issue:
            self.clocks["step", len(self._steps) - 1, self._steps[-1]] = clock
            self._steps[-1] += 1
        if sequencer.passes_ready:
            self.clocks["pass", len(self._steps)] = clock
            self._steps.append(0)

    def _outputs(self, clock: int) -> None:
        model, local = self._model, self._model.store.local_write_o
        if model.core.results_valid and model.output.results_ready:
            self._next(clock, "result", int(np.int32(np.uint32(model.core.results[OUTPUT]))))
        if model.output.vector_o is not None:
            self._next(clock, "vector", model.output.vector_o.data)
        if local is not None and local.enable:
            self._next(clock, "local write", local.address)
        if model.writer.w is not None:
            self._next(clock, "beat")


def story() -> dict[str, int]:
    """Every figure of the text, by name; checked against the integer oracle."""
    hw = skipbeat.load_hardware("edge-16x16")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    model, images = nn.Sequential(*layers, nn.Conv2d(32, 16, 1)), torch.rand(4, 3, 8, 8)
    pruned = skipbeat.prune(model, "2:4")
    program = skipbeat.compile(pruned, images, hw)
    quantised = quantise_graph(pruned, images)
    x = quantised.quantise_images(images[:1].numpy())
    expected = run_graph(quantised.graph, x)
    trace = Trace(Machine.of(hw), program, x[0])
    assert np.array_equal(program.read_output(trace.memory), expected[quantised.graph.output][0])
    layer = quantised.graph.nodes[1].layer
    assert layer.multiplier is not None
    assert layer.shift is not None
    weight, activation = int(layer.weight[TAP * 32 + CHANNEL, OUTPUT]), int(expected["0"][0, CHANNEL, 1, 4])
    found = {"weight": weight, "activation": activation, "product": weight * activation}
    found |= _memory(program, trace, weight)
    found |= _clocks(trace)
    found |= {
        "bias": int(layer.bias[OUTPUT]),
        "multiplier": int(layer.multiplier[OUTPUT]),
        "shift": int(layer.shift[OUTPUT]),
        "out": int(expected["2"][0, OUTPUT, 1, 5]),
        "cycles": trace.cycles,
    }
    priced = skipbeat.estimate(pruned, images[:1], hw)
    return found | {f"estimate of layer {at.name}": at.cost.cycles for at in priced.layers}


def _memory(program: MachineProgram, trace: Trace, weight: int) -> dict[str, int]:
    """Where the weight lies: in memory, and in the weight buffer."""
    passes = [i for i in program.instructions if isinstance(i, isa.Pass)]
    loads = [i for i in program.instructions if isinstance(i, isa.Load) and i.kind == Kind.WEIGHTS]
    word = METADATA_WORDS + BEAT * ROW + 1
    at = passes[PASS].weights + word
    load = next(each for each in loads if each.to <= at < each.to + each.count)
    address = load.source + (at - load.to) * 16
    assert int(program.image[address + OUTPUT].view(np.int8)) == weight
    before = sum(each.words for each in passes[:PASS])
    return {
        "words of the tile": passes[PASS].words,
        "word in the tile": word,
        "address": address + OUTPUT,
        "word in the buffer": at,
        "LOAD asked": trace("asked", load.source),
        "loaded": trace("loaded", at),
        "PASS begins": trace("pass begins", PASS),
        "metadata word": trace("word", before + ROW // 2),
        "value word": trace("word", before + word),
        "slot written": trace("slot", PASS, ROW, 1),
        "in the PE": trace("slot", PASS, ROW, 1) + OUTPUT + 1,
        "tile complete": trace("tile", PASS),
    }


def _clocks(trace: Trace) -> dict[str, int]:
    """The activation from the first convolution's sum to the banks, into the PE, and the output to the next layer."""
    step, last = trace("step", PASS, BEAT * PIXEL + 1), trace("step", LAST, BEAT * PIXEL + 1)
    result, read = 2 * PIXELS + PIXEL, PASS * PIXELS + PIXEL
    final = 12 * PIXELS + PIXEL
    return {
        "its sum taken": trace("result", SOURCE),
        "into the bank": trace("local write", SOURCE),
        "bank entry": trace.values["local write", SOURCE],
        "entry read": trace.values["bank read", read][ROW],
        "pass taken": trace("pass", PASS),
        "bank read": trace("bank read", read),
        "step": step,
        "picked": step + 1 + ROW + OUTPUT,
        "multiplied": step + 3 + ROW + OUTPUT,
        "added": step + 4 + ROW + OUTPUT,
        "out of the column": step + OUTPUT + 19,
        "last step": last,
        "in the accumulator": last + OUTPUT + 20,
        "sum at the port": trace("result", result),
        "sum": trace.values["result", result],
        "output vector": trace("vector", result),
        "output entry": trace.values["local write", result],
        "pass of the next layer": trace("pass", 12),
        "read by the next layer": trace("bank read", final),
        "first beat out": trace("beat", 0),
        "its beats out": trace("beat", 4 * PIXEL),
    }


if __name__ == "__main__":
    for name, value in story().items():
        print(f"{name:<24}{value:>8,}")
