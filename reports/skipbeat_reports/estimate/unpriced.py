"""What an estimate has no number for, in lines: said before everything else."""

from __future__ import annotations

from collections.abc import Iterator

from skipbeat_arch.estimate import Estimate
from skipbeat_arch.model import Unpriced

from ..numbers import count, percent, printable

#: So many kinds of operators are named, and so many places of each.
_KINDS, _PLACES = 8, 4


def unpriced_lines(estimate: Estimate) -> Iterator[str]:
    """How many products are in no number, with their share of the parameters, and which, a line for each kind."""
    found = estimate.unpriced
    if not found:
        return
    share = min(1.0, sum(each.share for each in found))
    which = (
        "1 operator that multiplies, or may, is"
        if len(found) == 1
        else f"{len(found)} operators that multiply, or may, are"
    )
    yield (
        f"NOT PRICED: {which} in no number below; they hold {percent(share)} of the parameters and make "
        f"{count(sum(each.elements for each in found))} elements"
    )
    kinds: dict[tuple[str, str], list[Unpriced]] = {}
    for each in found:
        kinds.setdefault((each.operator, each.reason), []).append(each)
    for (operator, reason), places in list(kinds.items())[:_KINDS]:
        names = [printable(each.name) for each in places[:_PLACES]] + ["..."] * (len(places) > _PLACES)
        elements, parameters = (sum(each.elements for each in places), sum(each.parameters for each in places))
        yield (
            f"- {printable(operator)}, {printable(reason)}: {', '.join(names)}; {count(elements)} elements, "
            f"{count(parameters)} parameters"
        )
    if len(kinds) > _KINDS:
        yield f"- and {len(kinds) - _KINDS} more kinds"
