"""Results side by side: what became quicker or slower, and why."""

from .comparison import Change, Comparison, compare
from .entries import Entry, entry_of
from .possible import contradiction
from .showing import render_comparison, to_body, to_rows
from .telling import print_comparison

__all__ = [
    "Change",
    "Comparison",
    "Entry",
    "compare",
    "contradiction",
    "entry_of",
    "print_comparison",
    "render_comparison",
    "to_body",
    "to_rows",
]
