"""Why a layer takes more or fewer clocks, in a line."""

from __future__ import annotations

from ..estimate.figures import CAUSES
from ..numbers import bits, printable
from .comparison import Change

_WORDS = {cause.name.lower(): words for cause, words in CAUSES.items()}
#: Parts of a difference that are named, the largest first; the rest is added up.
_NAMED = 3


def signed(clocks: int) -> str:
    """1234 -> `+1,234`, -5 -> `−5`."""
    return f"{clocks:+,}".replace("-", "\N{MINUS SIGN}")


def reason(change: Change) -> str:
    """The difference by its largest causes and all others, bytes more or fewer, and what else differs."""
    if change.was is None:
        return "not in the first result"
    if change.cycles is None:
        return "not in this result"
    largest = sorted(change.causes.items(), key=lambda item: -abs(item[1]))
    named = [(_WORDS.get(cause, printable(cause)), clocks) for cause, clocks in largest[:_NAMED]]
    others = ("others", sum(clocks for _, clocks in largest[_NAMED:]))
    parts = [f"{signed(clocks)} {words}" for words, clocks in (*named, others) if clocks]
    for bytes_more, what in ((change.read, "read"), (change.written, "written")):
        if bytes_more:
            parts.append(f"{bits(8 * abs(bytes_more))} {'more' if bytes_more > 0 else 'less'} {what}")
    parts += [f"{what} {printable(before)} → {printable(now)}" for what, before, now in change.facts]
    return "; ".join(parts)
