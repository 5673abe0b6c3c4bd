"""Streams that contradict themselves: a few sound passes, then one that must end in a certain error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.command import Command, CoreError, Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import CoreStimulus
from skipbeat_arch.tile import PackedTile, pack_tile

Kind = Literal[
    "truncated tile",
    "overlong tile",
    "bad bitmap",
    "falling coordinates",
    "reserved encoding",
    "no pixels",
    "reuse without tile",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ERRORS: dict[Kind, CoreError] = {
    "truncated tile": CoreError.TRUNCATED_TILE,
    "overlong tile": CoreError.OVERLONG_TILE,
    "bad bitmap": CoreError.TOO_MANY_NONZEROS,
    "falling coordinates": CoreError.COORDINATES_NOT_ASCENDING,
    "reserved encoding": CoreError.RESERVED_ENCODING,
    "no pixels": CoreError.BAD_GEOMETRY,
    "reuse without tile": CoreError.NO_SUCH_TILE,
}
#: What needs metadata, and what needs a second row where every tile has b = 1.
_OF_METADATA: tuple[Kind, ...] = ("bad bitmap", "falling coordinates")
_OF_ROWS: tuple[Kind, ...] = ("truncated tile", "reuse without tile")
_MAX_CLOCKS = 100_000
_SOUND_PASSES = 3
_MAX_PIXELS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Contradiction:
    """A stimulus that ends in `error`."""

    kind: Kind
    error: CoreError
    stimulus: CoreStimulus


@dataclass
class _Passes:
    """Passes that are being put together."""

    hw: Hardware
    commands: list[int] = field(default_factory=list)
    tiles: list[PackedTile] = field(default_factory=list)
    pixels: list[int] = field(default_factory=list)

    def add(self, word: int, pixels: int, tile: PackedTile | None) -> None:
        self.commands.append(word)
        self.pixels.append(pixels)
        if tile is not None:
            self.tiles.append(tile)

    def stimulus(self, rng: np.random.Generator, willing: dict[str, BoolArray]) -> CoreStimulus:
        array, low_high = self.hw.array, integer_range(self.hw.numbers.activation_bits)
        empty = np.zeros((0, -(-self.hw.word_bits // 8)), np.uint8)
        lengths = [len(tile.words) for tile in self.tiles]
        last = np.zeros(sum(lengths), np.bool_)
        last[np.cumsum(lengths, dtype=np.intp) - 1] = True
        bundles = rng.integers(low_high[0], low_high[1] + 1, (sum(self.pixels), array.rows, array.group))
        return CoreStimulus(
            commands=np.array(self.commands, np.uint64),
            weights_last=last,
            willing=willing,
            weights=np.concatenate([empty, *(tile.words for tile in self.tiles)]),
            activations=bundles.astype(np.int8),
            results=max(1, sum(self.pixels)),
            max_clocks=_MAX_CLOCKS,
        )


def kinds_of(hw: Hardware) -> tuple[Kind, ...]:
    """The kinds that this hardware can meet: a dense machine reads no metadata."""
    out = _OF_METADATA if hw.is_dense else ()
    if hw.is_dense and hw.array.rows == 1:
        out += _OF_ROWS
    return tuple(kind for kind in KINDS if kind not in out)


def contradiction(kind: Kind, hw: Hardware, rng: np.random.Generator, willing: dict[str, BoolArray]) -> Contradiction:
    """A random contradictory stimulus: 0 to 3 sound passes, the wrong one, and perhaps one that never runs."""
    passes = _Passes(hw)
    for _ in range(int(rng.integers(_SOUND_PASSES + 1))):
        _sound(passes, rng)
    _wrong(kind, passes, rng)
    if rng.random() < 0.5:
        _sound(passes, rng)
    return Contradiction(kind=kind, error=_ERRORS[kind], stimulus=passes.stimulus(rng, willing))


def _sound(passes: _Passes, rng: np.random.Generator) -> None:
    tile = pack_tile(_weights(passes.hw, rng, int(rng.integers(1, passes.hw.array.group + 1))), passes.hw)
    pixels = _pixels(passes.hw, rng)
    passes.add(tile.command(pixels, first=True, last=True).to_word(), pixels, tile)


def _wrong(kind: Kind, passes: _Passes, rng: np.random.Generator) -> None:
    hw, pixels = passes.hw, _pixels(passes.hw, rng)
    if kind == "reuse without tile":
        passes.add(_reuse(passes, pixels).to_word(), pixels, None)
        return
    encoding = Encoding.COORDINATE if kind == "falling coordinates" else Encoding.BITMAP
    # a dense tile of one row has no word before its last
    least = min(2, hw.array.rows) if hw.is_dense else 1
    tile = pack_tile(_weights(hw, rng, 2, least), hw, None if hw.is_dense else encoding)
    if kind in _CHANGES:
        tile = _CHANGES[kind](tile, hw)
    command = tile.command(0 if kind == "no pixels" else pixels, first=True, last=True)
    if kind == "reserved encoding":
        command = replace(command, encoding=3)
    passes.add(command.to_word(), pixels, tile)


def _reuse(passes: _Passes, pixels: int) -> Command:
    """The command for a tile that is not the resident one: none is, or one with another b, or of other rows."""
    resident, hw = passes.tiles[-1] if passes.tiles else None, passes.hw
    beat, rows = (resident.beat % hw.array.group + 1, resident.rows) if resident else (1, 1)
    if resident and hw.is_dense:
        rows = rows % hw.array.rows + 1
    return Command(pixels=pixels, beat=beat, rows=rows, cols=1, load=False)


def _pixels(hw: Hardware, rng: np.random.Generator) -> int:
    return int(rng.integers(1, min(_MAX_PIXELS, hw.accumulators.depth) + 1))


def _weights(hw: Hardware, rng: np.random.Generator, beat: int, least_rows: int = 1) -> Int8Array:
    """A tile [rows, M, cols] with b nonzeros in every group."""
    rows, cols = int(rng.integers(least_rows, hw.array.rows + 1)), int(rng.integers(1, hw.array.cols + 1))
    shape = (rows, hw.array.group, cols)
    values = rng.integers(1, integer_range(hw.numbers.weight_bits)[1] + 1, shape) * rng.choice([-1, 1], shape)
    rank = rng.random(shape).argsort(axis=1).argsort(axis=1)
    return np.where(rank < beat, values, 0).astype(np.int8)


def _first_group(tile: PackedTile, hw: Hardware, bit: int) -> PackedTile:
    """The tile with every bit of its first group's metadata set to `bit`."""
    bits = np.unpackbits(tile.words, axis=1, count=hw.word_bits, bitorder="little")
    bits.reshape(-1)[: metadata_bits(tile.encoding, tile.beat, hw.array.group)] = bit
    return replace(tile, words=np.packbits(bits, axis=1, bitorder="little"))


def _all_nonzero(tile: PackedTile, hw: Hardware) -> PackedTile:
    return _first_group(tile, hw, 1)


def _all_position_0(tile: PackedTile, hw: Hardware) -> PackedTile:
    return _first_group(tile, hw, 0)


def _without_last_word(tile: PackedTile, _hw: Hardware) -> PackedTile:
    return replace(tile, words=tile.words[:-1])


def _with_a_word_more(tile: PackedTile, _hw: Hardware) -> PackedTile:
    return replace(tile, words=np.concatenate([tile.words, tile.words[-1:]]))


_CHANGES: dict[Kind, Callable[[PackedTile, Hardware], PackedTile]] = {
    "truncated tile": _without_last_word,
    "overlong tile": _with_a_word_more,
    "bad bitmap": _all_nonzero,
    "falling coordinates": _all_position_0,
}
