"""When each engine was at work, coarse enough for a timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.engines import Engine, Opcode
from skipbeat_sim.timing.columns import Columns
from skipbeat_sim.timing.kernel.places import Repeat
from skipbeat_sim.timing.machine_timing import clocks_before

#: (engine, start, stop).
Phase = tuple[str, int, int]

#: Most stretches of work of an engine.
MOST = 100

_WORK = (Opcode.LOAD, Opcode.ZERO, Opcode.PASS, Opcode.STORE)


def phases(
    program: Columns, begin: Sequence[int], finish: Sequence[int], cycles: int, repeats: Sequence[Repeat] = ()
) -> tuple[Phase, ...]:
    """Stretches of work by engine and time; gaps of less than a hundredth of the run are closed.

    Args:
        program: the instructions.
        begin, finish: first and last clock of each, the first time that it comes.
        cycles: of the run.
        repeats: what comes several times.
    """
    found: list[Phase] = []
    work, begun, finished = np.isin(program.opcode, _WORK), np.array(begin), np.array(finish)
    later = clocks_before(len(program), repeats)
    for engine in Engine:
        numbers = np.flatnonzero(work & (program.engine == engine))
        if not numbers.size:
            continue
        starts = (begun - later)[numbers]
        stops = np.maximum.accumulate((finished - later)[numbers]) + 1
        breaks = np.flatnonzero(starts[1:] - stops[:-1] > cycles // MOST)
        # the stretch before a gap stops, and that after it starts, as often as the instruction after it comes
        every = [(numbers[each + 1], stops[each], starts[each + 1]) for each in breaks.tolist()]
        gaps = sorted(
            (int(stop) + clocks, int(start) + clocks)
            for number, stop, start in every
            for clocks in _comes_later(int(number), repeats)
        )
        firsts = [int(starts[0] + later[numbers[0]]), *(start for _, start in gaps)]
        lasts = [*(stop for stop, _ in gaps), int(stops[-1] + later[numbers[-1]])]
        found += [(engine.name.lower(), a, min(b, cycles)) for a, b in zip(firsts, lasts, strict=True)]
    return tuple(found)


def _comes_later(number: int, repeats: Sequence[Repeat]) -> list[int]:
    """How much later an instruction comes each time than if nothing was left out."""
    found = [0]
    for each in repeats:
        if each.stop <= number:
            found = [clocks + each.times * each.clocks for clocks in found]
        elif each.start <= number:
            found = [clocks + again * each.clocks for clocks in found for again in range(each.times + 1)]
    return found
