"""Models that the user's own Python code builds: `module:function`, found as `python -m` would find the module."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from skipbeat_arch.errors import InputError, described

#: How a function of a module is named.
FUNCTION = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")
EXPECTED = "expected it to return (model, example_inputs), or (model, kwargs) with the inputs by name"


def build_model(source: str) -> tuple[nn.Module, tuple[object, ...], dict[str, object]]:
    """Call the function that `module:function` names, without arguments; its code is the user's own.

    Returns:
        The model, its example inputs and those given by name.

    Raises:
        InputError: no such module or function, one that fails, or another result.
    """
    module_name, _, function_name = source.partition(":")
    if sys.path[0] != (here := str(Path.cwd())):
        sys.path.insert(0, here)  # it stays, as under `python -m`: the model may import more when it runs
        importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's module may raise anything while it is imported
        raise InputError(
            f"model {source}: module {module_name!r} cannot be imported from {here}: {described(error)}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        where = getattr(module, "__file__", None)
        raise InputError(f"model {source}: module {module_name!r} ({where}) has no function {function_name!r}")
    try:
        result = function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InputError(f"model {source}: {function_name}() failed: {described(error)}") from error
    return _checked(source, result)


def _checked(source: str, result: object) -> tuple[nn.Module, tuple[object, ...], dict[str, object]]:
    if not isinstance(result, tuple) or len(result) not in (2, 3) or not isinstance(result[0], nn.Module):
        raise InputError(f"model {source}: {EXPECTED}, not {type(result).__name__}")
    model, *given = result
    inputs: tuple[object, ...] = ()
    kwargs: dict[str, object] = {}
    for item in given:
        if isinstance(item, Mapping):
            kwargs |= {str(name): value for name, value in item.items()}
        elif isinstance(item, tuple | list):
            inputs = tuple(item)
        else:  # one tensor
            inputs = (item,)
    return model, inputs, kwargs
