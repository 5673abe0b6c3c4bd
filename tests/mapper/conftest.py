"""A core in plain NumPy for the mapper's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_arch.command import Command, Encoding, command_error
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.stream import CoreStimulus
from skipbeat_arch.tile import PackedTile, unpack_tile

Ints = npt.NDArray[np.int64]


def run_core(stimulus: CoreStimulus, hw: Hardware) -> Ints:
    """Result items int64 [items, C_arr] of a stimulus: what the commands mean, without any clock."""
    ends = np.flatnonzero(stimulus.weights_last) + 1
    tiles = iter(np.split(stimulus.weights, ends[:-1])) if ends.size else iter(())
    assert ends.size == 0 or ends[-1] == len(stimulus.weights)
    resident: Ints | None = None
    geometry = (0, 0)
    sums = np.zeros((hw.accumulators.depth, hw.array.cols), np.int64)
    items, at = [], 0
    for word in stimulus.commands:
        command = Command.from_word(int(word))
        assert command_error(command, hw) == 0
        if command.load:
            resident, geometry = load_tile(next(tiles), command, hw), (command.beat, command.rows)
        if command.first:
            sums[:] = 0
        if command.beat:
            assert resident is not None
            assert geometry == (command.beat, command.rows)
            bundles = stimulus.activations[at : at + command.pixels, : command.rows].astype(np.int64)
            sums[: command.pixels] += np.tensordot(bundles, resident[: command.rows], axes=2)
            at += command.pixels
        if command.last:
            items.append(sums[: command.pixels].copy())
    assert at == len(stimulus.activations)
    assert next(tiles, None) is None
    found = np.concatenate(items)
    assert len(found) == stimulus.results
    return found


def load_tile(words: npt.NDArray[np.uint8], command: Command, hw: Hardware) -> Ints:
    """The tile that a command describes, as int64 [R, M, C_arr], zero beyond its rows and columns."""
    packed = PackedTile(
        words=words,
        encoding=Encoding(command.encoding),
        beat=command.beat,
        rows=command.rows,
        cols=command.cols,
        value_bits=0,
        metadata_bits=0,
        nonzeros=0,
        slots=np.zeros((0, 0), np.int64),
    )
    tile = np.zeros((hw.array.rows, hw.array.group, hw.array.cols), np.int64)
    tile[: command.rows, :, : command.cols] = unpack_tile(packed, hw)
    return tile


@pytest.fixture(scope="session")
def core() -> Callable[[CoreStimulus, Hardware], Ints]:
    return run_core


@pytest.fixture(scope="session")
def make_hw() -> Callable[..., Hardware]:
    def make(rows: int, cols: int, group: int, depth: int = 1024, lanes: int = 1) -> Hardware:
        sizes = {"array.rows": rows, "array.cols": cols, "array.group": group, "accumulators.depth": depth}
        return load_hardware("edge-16x16", [f"{k}={v}" for k, v in sizes.items()] + [f"weights.decode_lanes={lanes}"])

    return make
