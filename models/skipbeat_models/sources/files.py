"""Checkpoint files: `.safetensors`, and state dicts of torch.save. Nothing in them is executed."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import regular_file

from ..alone import without_warnings
from .checkpoint import StoredTensor, in_memory

#: Endings of files of torch.save.
PICKLED = (".pt", ".pth", ".bin")

#: As the safetensors library has it.
MOST_HEADER_BYTES = 100_000_000


def open_checkpoint(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, or of all `.safetensors` files of a folder, by name.

    Raises:
        InputError: the file is missing, cut short, of another format, or would run code.
    """
    if path.is_dir():
        files = sorted(path.glob("*.safetensors"))
        if not files:
            raise InputError(f"folder {path}: expected .safetensors files in it")
        tensors: dict[str, StoredTensor] = {}
        for file in files:
            for name, tensor in _safetensors(file).items():
                if name in tensors:
                    raise InputError(f"folder {path}: tensor {name} is in two files")
                tensors[name] = tensor
        return tensors
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix in PICKLED:
        return in_memory(_state_dict(path))
    raise InputError(f"checkpoint {path}: expected a file that ends in .safetensors, {', '.join(PICKLED)}")


def _safetensors(path: Path) -> dict[str, StoredTensor]:
    what = f"checkpoint {path}"
    _check_header(regular_file(path, what), what)
    try:
        file: Any = safe_open(path, framework="pt")  # a mapping of the file, which each tensor below is read through
        names: list[str] = file.keys()
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{what}: cannot be read as .safetensors: {described(error)}") from None

    def read(name: str) -> torch.Tensor:
        try:
            tensor: torch.Tensor = file.get_tensor(name)
            return tensor
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(f"{what}: tensor {name}: {described(error)}") from None

    return {name: StoredTensor(shape=shape, read=partial(read, name)) for name, shape in shapes.items()}


def _check_header(path: Path, what: str) -> None:
    """The library keeps the last of two tensors of one name without a word; the length is checked by it again."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if size <= MOST_HEADER_BYTES else b""
    if len(header) < size:
        raise InputError(f"{what}: cannot be read as .safetensors: a header of {size:,} bytes, which it does not have")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        content = dict(pairs)
        if len(content) < len(pairs):
            name = next(name for (name, _), (other, _) in pairwise(sorted(pairs, key=itemgetter(0))) if name == other)
            raise InputError(f"{what}: the name {name} stands twice in its header")
        return content

    try:
        json.loads(header, object_pairs_hook=unique)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what}: cannot be read as .safetensors: {described(error)}") from None


def _state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state dict; the file stays on disk (mmap) where its format allows it."""
    try:
        regular_file(path, f"checkpoint {path}")
        with without_warnings():  # of its own deprecated storages
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise InputError(
            f"checkpoint {path}: holds more than tensors, and reading it could run code; save "
            "model.state_dict(), or use .safetensors"
        ) from None
    except InputError:
        raise
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise InputError(f"checkpoint {path}: cannot be read: {described(error)}") from None
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in loaded.values()):
        raise InputError(f"checkpoint {path}: expected a state dict, names with their tensors")
    return {str(name): tensor for name, tensor in loaded.items()}
