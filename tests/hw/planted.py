"""Bugs planted in the RTL, so that what should find them can be tried."""

from __future__ import annotations

import inspect
from types import ModuleType


def mutant(module: ModuleType, right: str, wrong: str) -> ModuleType:
    """The module with one piece of its text exchanged."""
    source = inspect.getsource(module)
    assert source.count(right) == 1, f"{module.__name__} no longer has {right!r} once: plant the bug elsewhere"
    changed = ModuleType(module.__name__)
    changed.__package__ = module.__package__
    exec(compile(source.replace(right, wrong), str(module.__file__), "exec"), changed.__dict__)
    return changed
