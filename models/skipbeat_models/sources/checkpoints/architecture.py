"""The architecture of a Hugging Face folder: its `config.json` as a module of transformers, on the meta device.

Nothing of the folder is executed: configurations and classes are those of the installed package, and a configuration
that names code of its own is not followed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import torch
from torch import nn

from skipbeat_arch.errors import InputError, described

from ...alone import silent_transformers
from .converted import Fit, fitted
from .stored import Stored

#: What a configuration says that is no part of the architecture.
_LEFT_OUT = frozenset(
    {
        "quantization_config",
        "compression_config",
        "quantization",
        "auto_map",
        "dtype",
        "torch_dtype",
        "_name_or_path",
        "use_cache",
    }
)
#: Which tables of transformers say what a family's class is, where a configuration does not: the first that fits.
_TABLES = ("MASKED_LM", "CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "IMAGE_CLASSIFICATION", "")
_MOST_LAYERS = 4096


def find_architecture(content: Mapping[str, object], stored: Stored, what: str) -> tuple[Any, Fit] | str:
    """The module that a configuration describes and its weights among those stored, or why there is none.

    Raises:
        InputError: it names an architecture that cannot be built, or that does not fit to the stored weights.
    """
    try:
        transformers = import_module("transformers")  # some seconds
    except ImportError:
        return "the package transformers is not there (pip install 'skipbeat[transformers]')"
    family = content.get("model_type")
    known = import_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
    if not isinstance(family, str) or family not in known:
        return f"transformers has no family {family!r}"
    _check_layers(content, what)
    try:
        with silent_transformers():
            kind = known[family]
            # Infinity is no JSON: transformers writes it as an object, which only its reader of files undoes.
            config = kind.from_dict(kind._decode_special_floats(_without(content)))
    except Exception as error:  # whatever its own checks raise
        raise InputError(f"{what}: no configuration of {family}: {described(error)}") from error
    named = content.get("architectures")
    name = named[0] if isinstance(named, list) and named and isinstance(named[0], str) else ""
    if (found := _class(transformers, name)) is not None:
        model = _built(found, config, what)
        return model, fitted(model, stored, what)
    for other in _usual(transformers, family):
        try:
            model = _built(other, config, what)
            fit = fitted(model, stored, what)
        except InputError:
            continue
        if not fit.unused:
            return model, fit
    return f"no architecture of {family} in transformers has the stored weights, and the configuration names none"


def _without(content: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _without(value) if isinstance(value, dict) else value
        for name, value in content.items()
        if name not in _LEFT_OUT
    }


def _check_layers(content: Mapping[str, object], what: str) -> None:
    """A module for each layer is made before anything else is known."""
    for name, value in content.items():
        if isinstance(value, dict):
            _check_layers(value, what)
        elif "layer" in name and isinstance(value, int) and value > _MOST_LAYERS:
            raise InputError(f"{what}: {name} is {value:,}; expected at most {_MOST_LAYERS:,} layers")


def _class(transformers: Any, name: str) -> Any:
    found = getattr(transformers, name, None) if name.isidentifier() else None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    return found if is_model else None


def _usual(transformers: Any, family: str) -> Iterator[Any]:
    tables = import_module("transformers.models.auto.modeling_auto")
    for table in _TABLES:
        names = getattr(tables, f"MODEL_FOR_{table}_MAPPING_NAMES" if table else "MODEL_MAPPING_NAMES", {})
        name = names.get(family)
        found = _class(transformers, name if isinstance(name, str) else "")
        if found is not None:
            yield found


def _built(architecture: Any, config: Any, what: str) -> nn.Module:
    try:
        with silent_transformers(), torch.device("meta"):
            model = architecture(config)
            model.tie_weights()
    except Exception as error:  # whatever the architecture raises for sizes that contradict each other
        raise InputError(f"{what}: {architecture.__name__} cannot be built from it: {described(error)}") from error
    result: nn.Module = model.eval()
    return result
