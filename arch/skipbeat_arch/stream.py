"""One run of the core, as data: what is offered at its ports, what comes back, and when.

Clock 0 is the first clock after reset. At every port a pattern of booleans, repeated for ever, says in which
clocks the outside is willing: an input offers its next item (and, once offered, keeps it there until it is
taken), an output is ready. The RTL and the cycle model are driven by the same object, so every clock can be
compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, Bytes, Int8Array, Int64Array

PORTS = ("commands", "weights", "activations", "results")


def _always() -> dict[str, BoolArray]:
    return {port: np.ones(1, np.bool_) for port in PORTS}


@dataclass(frozen=True, kw_only=True)
class CoreStimulus:
    """Everything that is offered to a core.

    Attributes:
        commands: uint64 [commands].
        weights: uint8 [words, ceil(word_bits / 8)], little-endian; `weights_last` bool [words] marks the last
            word of each tile.
        activations: int8 [bundles, R, M]: one item per pixel and pass, in program order.
        results: how many result items to collect before the run ends; 0: it ends with an error or with `max_clocks`.
        willing: for each port, the clocks (modulo its length) in which the outside is willing.
        max_clocks: the run gives up after so many clocks.
    """

    commands: npt.NDArray[np.uint64]
    weights: Bytes
    weights_last: BoolArray
    activations: Int8Array
    results: int
    willing: dict[str, BoolArray] = field(default_factory=_always)
    max_clocks: int


@dataclass(frozen=True, kw_only=True)
class CoreRun:
    """What a core did.

    Attributes:
        results: int64 [items, C_arr], as they left the result port.
        result_clocks: int64 [items], the clock of each transfer.
        cycles: clock of the last transfer (or of the error) + 1; without either, the clocks run.
        error: code on the error port (`CoreError`) at the end.
        finished: all results were collected; False after an error or when `max_clocks` ran out.
        trace: uint8 [cycles, 8] if it was asked for: per clock `commands.valid, commands.ready, weights.valid,
            weights.ready, activations.valid, activations.ready, results.valid, results.ready`.
    """

    results: Int64Array
    result_clocks: Int64Array
    cycles: int
    error: int
    finished: bool
    trace: Bytes | None = None
