"""Functions over arrays of numbers as machine code: Numba compiles them when they are called first.

What is compiled is kept in the cache, under the content of all code that it may depend on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from numba import config, njit

from .cache import source_fingerprint
from .cache.place import kind_folder
from .errors import InputError

Function = TypeVar("Function", bound=Callable[..., object])
#: What the cache calls it.
KIND = "compiled"
#: Packages whose code is compiled, or whose numbers it holds.
CODE = ("skipbeat_arch", "skipbeat_sim.timing")


def compiled(function: Function) -> Function:
    """The function as machine code, which checks the bounds of its arrays."""
    folder, before = _folder(), config.CACHE_DIR
    try:
        config.CACHE_DIR = folder or before
        made: Function = njit(cache=folder is not None, boundscheck=True)(function)
    finally:
        config.CACHE_DIR = before
    return made


@cache
def _folder() -> str | None:
    """Where compiled code is kept; None if nothing can be kept."""
    try:
        return str(kind_folder(KIND) / source_fingerprint(*CODE))
    except InputError:
        return None
