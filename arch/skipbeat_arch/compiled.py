"""Functions over arrays of numbers as machine code: Numba compiles them when they are called first.

What is compiled is kept in the cache, under the content of all code that it may depend on. Of several processes that
need the same at the same time one makes it, and the others wait for it and read it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from .cache import cache_root, content_key, kind_folder, read_value, source_fingerprint, write_value
from .errors import InputError

Function = TypeVar("Function", bound=Callable[..., object])
#: What the cache calls it.
KIND = "compiled"


def compiled(function: Function) -> Function:
    """The function as machine code, which checks the bounds of its arrays, and returns none.

    Whoever calls it holds the arrays, so nobody counts references to them: that took four fifths of the time.
    """
    made: Function = numba.njit(boundscheck=True, _nrt=False)(function)
    return made


def kept(*packages: str) -> Callable[[Function], Function]:
    """The same, kept from process to process with all that it calls.

    Args:
        packages: whose code is compiled or whose numbers it holds, beside this one.
    """

    def compiled_and_kept(function: Function) -> Function:
        made = compiled(function)
        dispatcher: Any = made
        code, compile_now = _KeptCode(function, packages), dispatcher.compile

        def compile_once(sig: Any) -> Any:
            with code.alone(sig, dispatcher.targetctx.codegen()):
                return compile_now(sig)

        vars(made).update(_cache=code, compile=compile_once)
        return made

    return compiled_and_kept


class _KeptCode:
    """Numba's cache of a function, as values of ours: whole, checked when they are read, and bounded in size."""

    def __init__(self, function: Callable[..., object], packages: tuple[str, ...]) -> None:
        self._name, self._packages = f"{function.__module__}.{function.__qualname__}", packages

    @property
    def cache_path(self) -> str:
        """Where they are."""
        return str(cache_root() / KIND)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code for arguments of some types; None if there is none."""
        target_context.refresh()
        content = read_value(KIND, self._key(sig, target_context.codegen()))
        return None if content is None else CompileResult._rebuild(target_context, *pickle.loads(content))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep it."""
        write_value(KIND, self._key(sig, data.codegen), dumps(data._reduce()))

    @contextmanager
    def alone(self, sig: Any, codegen: Any) -> Iterator[None]:
        """Nobody else makes the machine code meanwhile, unless it is there already or the cache cannot be used."""
        key = self._key(sig, codegen)
        with ExitStack() as held:
            with suppress(InputError, OSError, NotImplementedError):
                file = kind_folder(KIND) / key
                if not file.exists():
                    from filelock import FileLock  # imports asyncio: whoever finds all there need not wait for it

                    held.enter_context(FileLock(file.with_name(f"{key}.lock"), mode=0o600))
            yield

    def enable(self) -> None:
        """It always is."""

    def disable(self) -> None:
        """It never is."""

    def flush(self) -> None:
        """Nothing is held back."""

    def _key(self, sig: Any, codegen: Any) -> str:
        return content_key(_code(self._packages), self._name, repr(sig), repr(codegen.magic_tuple()))


@cache
def _code(packages: tuple[str, ...]) -> str:
    return f"{source_fingerprint('skipbeat_arch', *packages)} numba {numba.__version__}"
