"""Items of the core's four ports, put together from passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import BoolArray, Bytes, Int8Array, Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import PORTS, CoreStimulus
from skipbeat_arch.tile import TileStatistics

#: Clocks per pass beyond its steps and its tile's words, and for the whole run, after which a run is given up.
PASS_ALLOWANCE, RUN_ALLOWANCE = 64, 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class CorePass:
    """A pass as the core's ports see it.

    Attributes:
        words: uint8 [words, V] of the tile that it loads; None if it loads none.
        bundles: int8 [pixels, rows, M]; none for a null pass.
        sums: int64 [pixels, C_arr] that leave the core; None unless it is the last pass of a block.
    """

    command: Command
    words: Bytes | None
    bundles: Int8Array
    sums: Int64Array | None


@dataclass(frozen=True, kw_only=True, eq=False)
class CoreStreams:
    """What a core is offered, and what it must return.

    Attributes:
        commands: the passes in program order.
        words: uint8 [words, bytes of a word] of all tiles; `last` bool [words] marks the last word of each.
        bundles: int8 [items, R, M], an item per pixel of every pass but the null passes.
        sums: int64 [items, C_arr] that must leave the result port, by integer arithmetic.
        tiles: in the order of their loads, as far as the timing model needs them.
    """

    hardware: Hardware
    commands: tuple[Command, ...]
    words: Bytes
    last: BoolArray
    bundles: Int8Array
    sums: Int64Array
    tiles: tuple[TileStatistics, ...]

    @classmethod
    def of(cls, passes: Sequence[CorePass], tiles: Sequence[TileStatistics], hw: Hardware) -> CoreStreams:
        """The streams of passes, in program order, with the tiles that they load; unused rows see zeros."""
        array = hw.array
        words = [p.words for p in passes if p.words is not None]
        last = np.zeros(sum(map(len, words)), np.bool_)
        last[np.cumsum([len(each) for each in words], dtype=np.intp) - 1] = True
        bundles = np.zeros((sum(len(p.bundles) for p in passes), array.rows, array.group), np.int8)
        at = 0
        for p in passes:
            bundles[at : at + len(p.bundles), : p.bundles.shape[1]] = p.bundles
            at += len(p.bundles)
        sums = [p.sums for p in passes if p.sums is not None]
        return cls(
            hardware=hw,
            commands=tuple(p.command for p in passes),
            words=np.concatenate([np.zeros((0, -(-hw.word_bits // 8)), np.uint8), *words]),
            last=last,
            bundles=bundles,
            sums=np.concatenate([np.zeros((0, array.cols), np.int64), *sums]),
            tiles=tuple(tiles),
        )

    def stimulus(self, willing: Mapping[str, BoolArray] | None = None) -> CoreStimulus:
        """The streams as a run of the core; ports that `willing` leaves out are always willing.

        Raises:
            InputError: an unknown port, or one that is never willing.
        """
        patterns = _patterns(willing or {})
        return CoreStimulus(
            commands=np.array([command.to_word() for command in self.commands], np.uint64),
            weights=self.words,
            weights_last=self.last,
            activations=self.bundles,
            results=len(self.sums),
            willing=patterns,
            max_clocks=self._max_clocks(patterns),
        )

    def _max_clocks(self, patterns: Mapping[str, BoolArray]) -> int:
        """More clocks than any run can need: nothing overlaps, and every clock waits for the least willing port."""
        array = self.hardware.array
        steps = sum(command.pixels * max(command.beat, 1) for command in self.commands)
        loads = sum(command.rows * (command.beat + array.cols) for command in self.commands if command.load)
        fixed = RUN_ALLOWANCE + (PASS_ALLOWANCE + array.rows + array.cols) * len(self.commands)
        slowest = max(pattern.size for pattern in patterns.values())
        return (steps + loads + len(self.words) + fixed) * slowest


def _patterns(willing: Mapping[str, BoolArray]) -> dict[str, BoolArray]:
    for port, pattern in willing.items():
        if port not in PORTS:
            raise InputError(f"willing: no port {port!r}; expected one of {', '.join(PORTS)}")
        if not np.any(pattern):
            raise InputError(f"willing: port {port} is never willing")
    return {port: np.asarray(willing.get(port, np.ones(1)), np.bool_) for port in PORTS}
