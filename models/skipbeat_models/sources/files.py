"""Checkpoint files: `.safetensors`, and state dicts of torch.save. Nothing in them is executed."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from skipbeat_arch.errors import InputError

from .checkpoint import StoredTensor, in_memory

#: Endings of files of torch.save.
PICKLED = (".pt", ".pth", ".bin")


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
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"checkpoint {path}: cannot be read as .safetensors: {_line(error)}") from None

    def read(name: str) -> torch.Tensor:
        try:
            with safe_open(path, framework="pt") as file:
                tensor: torch.Tensor = file.get_tensor(name)
                return tensor
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(f"checkpoint {path}: tensor {name}: {_line(error)}") from None

    return {name: StoredTensor(shape=shape, read=partial(read, name)) for name, shape in shapes.items()}


def _state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state dict; the file stays on disk (mmap) where its format allows it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on its own deprecated storages
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise InputError(
            f"checkpoint {path}: holds more than tensors, and reading it could run code; save "
            "model.state_dict(), or use .safetensors"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise InputError(f"checkpoint {path}: cannot be read: {_line(error)}") from None
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in loaded.values()):
        raise InputError(f"checkpoint {path}: expected a state dict, names with their tensors")
    return {str(name): tensor for name, tensor in loaded.items()}


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
