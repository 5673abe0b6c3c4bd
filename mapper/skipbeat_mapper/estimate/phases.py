"""When each engine was at work, coarse enough for a timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.engines import Engine, Opcode
from skipbeat_sim.timing.columns import Columns

#: (engine, start, stop).
Phase = tuple[str, int, int]

#: Most stretches of work of an engine.
MOST = 100

_WORK = (Opcode.LOAD, Opcode.ZERO, Opcode.PASS, Opcode.STORE)


def phases(program: Columns, begin: Sequence[int], finish: Sequence[int], cycles: int) -> tuple[Phase, ...]:
    """Stretches of work by engine and time; gaps of less than a hundredth of the run are closed.

    Args:
        program: the instructions.
        begin, finish: first and last clock of each.
        cycles: of the run.
    """
    found: list[Phase] = []
    work, begun, finished = np.isin(program.opcode, _WORK), np.array(begin), np.array(finish)
    for engine in Engine:
        numbers = np.flatnonzero(work & (program.engine == engine))
        if not numbers.size:
            continue
        starts, stops = begun[numbers], np.maximum.accumulate(finished[numbers]) + 1
        breaks = np.flatnonzero(starts[1:] - stops[:-1] > cycles // MOST)
        firsts = starts[np.concatenate([[0], breaks + 1])].tolist()
        lasts = stops[np.concatenate([breaks, [numbers.size - 1]])].tolist()
        found += [(engine.name.lower(), a, min(b, cycles)) for a, b in zip(firsts, lasts, strict=True)]
    return tuple(found)
