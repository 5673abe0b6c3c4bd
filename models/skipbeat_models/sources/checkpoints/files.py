"""Checkpoint files: `.safetensors`, state dicts of torch.save, and folders of them. Nothing in them is executed."""

from __future__ import annotations

import json
import os
from functools import partial
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import regular_file

from .folders import INDEX, Parts, indexed_parts, parts_of
from .pickled import PICKLED, read_state_dict
from .stored import StoredTensor, in_memory

#: Types that say in which form weights are quantised.
_DTYPES = {
    "U8": torch.uint8,
    "U32": torch.uint32,
    "I8": torch.int8,
    "I32": torch.int32,
    "I64": torch.int64,
    "BOOL": torch.bool,
}
#: As the safetensors library has it.
MOST_HEADER_BYTES = 100_000_000


def open_checkpoint(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, of the files that an index names, or of the model in a folder, by name.

    Raises:
        InputError: the file is missing, cut short, of another format, or would run code.
    """
    if os.path.isdir(path):  # no error where a name is too long
        return _joined(path, parts_of(path))
    if path.name.endswith(INDEX):
        return _joined(path, indexed_parts(path))
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix in PICKLED:
        return in_memory(read_state_dict(path))
    raise InputError(
        f"checkpoint {path}: expected a file that ends in .safetensors, {', '.join(PICKLED)}, a folder or its index"
    )


def _joined(path: Path, parts: Parts) -> dict[str, StoredTensor]:
    """The tensors of several files."""
    tensors: dict[str, StoredTensor] = {}
    for file, names in parts.items():
        held = open_checkpoint(file)
        wanted = held.keys() if names is None else names
        if missing := sorted(wanted - held.keys()):
            raise InputError(f"checkpoint {path}: {file.name} lacks {len(missing)} tensors of its index: {missing[0]}")
        for name in held:
            if name in tensors and name in wanted:
                raise InputError(f"folder {path}: tensor {name} is in two files")
            if name in wanted:
                tensors[name] = held[name]
    return tensors


def _safetensors(path: Path) -> dict[str, StoredTensor]:
    what = f"checkpoint {path}"
    header = _header(regular_file(path, what), what)
    try:
        file: Any = safe_open(path, framework="pt")  # a mapping of the file, which each tensor below is read through
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{what}: cannot be read as .safetensors: {described(error)}") from None

    def read(name: str) -> torch.Tensor:
        try:
            tensor: torch.Tensor = file.get_tensor(name)
            return tensor
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(f"{what}: tensor {name}: {described(error)}") from None

    return {
        name: StoredTensor(shape=shape, read=partial(read, name), dtype=_DTYPES.get(dtype))
        for name, (shape, dtype) in header.items()
    }


def _header(path: Path, what: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shapes and types by name, read once for all tensors; the library checks them again.

    The library would keep the last of two tensors of one name without a word.
    """
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
        content = json.loads(header, object_pairs_hook=unique)
        return {
            name: (tuple(entry["shape"]), str(entry["dtype"]))
            for name, entry in content.items()
            if name != "__metadata__"
        }
    except InputError:
        raise
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{what}: cannot be read as .safetensors: {described(error)}") from None
