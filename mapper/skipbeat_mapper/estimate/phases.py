"""When each engine was at work, coarse enough for a timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction

#: (engine, start, stop).
Phase = tuple[str, int, int]

#: Most stretches of work of an engine.
MOST = 100

_WORK = (isa.Load, isa.Zero, isa.Pass, isa.Store)


def phases(
    instructions: Sequence[Instruction], begin: Sequence[int], finish: Sequence[int], cycles: int
) -> tuple[Phase, ...]:
    """Stretches of work by engine and time; gaps of less than a hundredth of the run are closed.

    Args:
        instructions: the program.
        begin, finish: first and last clock of each.
        cycles: of the run.
    """
    found: list[Phase] = []
    for engine in Engine:
        numbers = [n for n, i in enumerate(instructions) if isinstance(i, _WORK) and i.engine == engine]
        if not numbers:
            continue
        starts = np.array([begin[n] for n in numbers])
        stops = np.maximum.accumulate(np.array([finish[n] for n in numbers])) + 1
        breaks = np.flatnonzero(starts[1:] - stops[:-1] > cycles // MOST)
        firsts = starts[np.concatenate([[0], breaks + 1])].tolist()
        lasts = stops[np.concatenate([breaks, [len(numbers) - 1]])].tolist()
        found += [(engine.name.lower(), a, min(b, cycles)) for a, b in zip(firsts, lasts, strict=True)]
    return tuple(found)
