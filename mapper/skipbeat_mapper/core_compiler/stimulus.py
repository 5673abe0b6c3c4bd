"""From a program to the items at the core's ports, and from its results back to the layer's output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS, CoreStimulus

from .program import CoreProgram

#: Clocks per pass beyond its steps and its tile's words, and for the whole run, after which a run is given up.
PASS_ALLOWANCE, RUN_ALLOWANCE = 64, 1000


def stimulus(program: CoreProgram, x: Int8Array, willing: Mapping[str, BoolArray] | None = None) -> CoreStimulus:
    """Everything that a core is offered to run the program on `x`.

    Args:
        x: int8 [P, C] as `gather` makes it.
        willing: patterns of willingness by port (`skipbeat_arch.stream`); ports left out are always willing.

    Raises:
        InputError: `x` has another shape or values that `activation_bits` cannot hold; an unknown port, or one
            that is never willing.
    """
    _check_activations(program, x)
    patterns = _patterns(willing or {})
    array, tiles = program.hardware.array, program.tiles
    width = -(-program.hardware.word_bits // 8)
    weights = np.concatenate([np.zeros((0, width), np.uint8), *(tile.words for tile in tiles)])
    last = np.zeros(len(weights), np.bool_)
    last[np.cumsum([len(tile.words) for tile in tiles], dtype=np.intp) - 1] = True
    activations = np.zeros((program.bundle_items, array.rows, array.group), np.int8)
    at = 0
    for p in program.passes:
        bundles = program.bundles(x, p)
        activations[at : at + len(bundles)] = bundles
        at += len(bundles)
    return CoreStimulus(
        commands=np.array([command.to_word() for command in program.commands], np.uint64),
        weights=weights,
        weights_last=last,
        activations=activations,
        results=program.result_items,
        willing=patterns,
        max_clocks=_max_clocks(program, patterns),
    )


def collect(program: CoreProgram, results: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """The layer's sums int32 [P, K] from the items [items, C_arr] that left the core, in their order.

    Raises:
        InputError: not as many items, or not as wide, as the program makes.
    """
    expected = (program.result_items, program.hardware.array.cols)
    if results.shape != expected:
        raise InputError(f"results: expected {list(expected)} (items, columns), not {list(results.shape)}")
    y = np.zeros((program.gemm.p, program.gemm.k), np.int32)
    at = 0
    for p in program.passes:
        if p.command.last:
            outputs = program.columns[p.column].outputs
            y[p.start : p.stop, outputs] = results[at : at + p.command.pixels, : outputs.size]
            at += p.command.pixels
    return y


def _check_activations(program: CoreProgram, x: Int8Array) -> None:
    expected = (program.gemm.p, program.gemm.c)
    if x.shape != expected or x.dtype != np.int8:
        raise InputError(f"activations: expected int8 {list(expected)}, not {x.dtype} {list(x.shape)}")
    low, high = integer_range(program.hardware.numbers.activation_bits)
    if x.min() < low or x.max() > high:
        raise InputError(f"activations: values must be in {low}..{high}")


def _patterns(willing: Mapping[str, BoolArray]) -> dict[str, BoolArray]:
    for port, pattern in willing.items():
        if port not in PORTS:
            raise InputError(f"willing: no port {port!r}; expected one of {', '.join(PORTS)}")
        if not np.any(pattern):
            raise InputError(f"willing: port {port} is never willing")
    return {port: np.asarray(willing.get(port, np.ones(1)), np.bool_) for port in PORTS}


def _max_clocks(program: CoreProgram, patterns: Mapping[str, BoolArray]) -> int:
    """More clocks than any run can need: nothing overlaps, and every clock waits for the least willing port."""
    steps = sum(p.command.pixels * max(p.command.beat, 1) for p in program.passes)
    loads = sum(len(tile.words) + tile.rows * tile.beat for tile in program.shapes)
    decode = sum(tile.rows for tile in program.shapes) * program.hardware.array.cols
    array = program.hardware.array
    fixed = RUN_ALLOWANCE + (PASS_ALLOWANCE + array.rows + array.cols) * len(program.passes)
    slowest = max(pattern.size for pattern in patterns.values())
    return (steps + loads + decode + fixed) * slowest
