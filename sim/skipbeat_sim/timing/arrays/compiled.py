"""A compiler of Python, if there is one: the same functions, a hundred times as quick.

What is compiled is kept in the cache under the content of all code that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TypeVar

from skipbeat_arch.cache import source_fingerprint
from skipbeat_arch.cache.place import kind_folder
from skipbeat_arch.errors import InputError

Function = TypeVar("Function", bound=Callable[..., object])
#: What the cache calls it.
KIND = "compiled"


@cache
def code_folder() -> str | None:
    """Where compiled code is kept; None if Numba is not installed, or nothing can be kept."""
    if find_spec("numba") is None:
        return None
    try:
        return str(kind_folder(KIND) / source_fingerprint("skipbeat_arch", "skipbeat_sim.timing"))
    except InputError:
        return None


def has_compiler() -> bool:
    """Whether functions are compiled."""
    return code_folder() is not None


def compiled(function: Function) -> Function:
    """The function, compiled when it is called first; itself where there is no compiler."""
    folder = code_folder()
    if folder is None:
        return function
    from numba import config, njit

    before, config.CACHE_DIR = config.CACHE_DIR, folder
    try:
        made: Function = njit(cache=True, boundscheck=True)(function)
    finally:
        config.CACHE_DIR = before
    return made
