"""Results side by side: what became quicker or slower, and why."""

from .comparison import Change, Comparison, Entry, compare
from .showing import render_comparison, to_body, to_rows
from .telling import print_comparison

__all__ = ["Change", "Comparison", "Entry", "compare", "print_comparison", "render_comparison", "to_body", "to_rows"]
