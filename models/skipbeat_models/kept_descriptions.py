"""Descriptions of models that were read before: a source is read once per machine, and then needs no torch.

The key of a description is everything that it follows from: the arguments, the content of the files that are read, the
code that reads them and the versions of the libraries that it uses. A user's own function has no content that could be
looked at, so what it builds is never kept.
"""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import PackageNotFoundError, version
from os.path import isdir, isfile
from pathlib import Path

from skipbeat_arch.cache import content_key, content_text, read_value, source_fingerprint, write_value
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription

from . import zoo
from .sources.checkpoints.folders import parts_of
from .sources.data_rules import DataRules
from .sources.source_arguments import SourceArguments
from .stored_description import from_bytes, to_bytes

#: What the cache calls them.
KIND = "models"
_CODE = ("skipbeat_arch", "skipbeat_models")
_LIBRARIES = ("torch", "transformers", "numpy", "onnx", "safetensors", "scikit-learn")
#: Files of more bytes together are read again: to look at their content takes as long.
_MOST_BYTES = 1 << 30
_MOST_ONNX_BYTES = 1 << 28
#: Descriptions of more bytes are not kept.
_MOST_KEPT_BYTES = 96 << 20


class KeptDescription:
    """The place of one description in the cache."""

    def __init__(self, arguments: SourceArguments) -> None:
        self._arguments = arguments
        self._key = self._content()

    def find(self) -> ModelDescription | None:
        """What was kept; None if nothing was."""
        content = None if self._key is None else read_value(KIND, self._key)
        try:
            return None if content is None else from_bytes(content)
        except ValueError:
            return None

    def keep(self, description: ModelDescription) -> None:
        """Keep what was read just now, if it can be kept and the files are still those that were looked at."""
        if self._key is None or self._key != self._content():
            return
        content = to_bytes(description)
        if content is not None and len(content) <= _MOST_KEPT_BYTES:
            write_value(KIND, self._key, content)

    def _content(self) -> str | None:
        """The key; None if what the description follows from cannot be looked at."""
        given = self._arguments
        try:
            contents = _contents(given)
        except (InputError, OSError, ValueError):  # the reader says it again
            return None
        if contents is None:
            return None
        rules, sizes = given.rules or DataRules(), given.sizes or {}
        arguments = (
            *(given.source, given.scheme, given.seed, given.tokens, given.batch, given.stated),
            *(given.checkpoint and str(given.checkpoint), tuple(sizes.items())),
            rules.content,
        )
        text = content_text(arguments)
        if text is None:
            return None
        libraries = [f"{name} {_version(name)}" for name in _LIBRARIES]
        return content_key(source_fingerprint(*_CODE), sys.version, *libraries, text, *contents)


def _contents(given: SourceArguments) -> list[str] | None:
    """The files that are read, with their digests; None if they are too large together."""
    files = _files(given)
    if files is None or sum(path.stat().st_size for path in files) > _MOST_BYTES:
        return None
    return [f"{path} {_digest(path)}" for path in files]


def _files(given: SourceArguments) -> list[Path] | None:
    """The files that are read; None if they are not known before, or if code is run."""
    found = [] if given.source.startswith(zoo.PREFIX) else _source_files(Path(given.source))
    if found is None or given.checkpoint is None:
        return found
    return [*found, given.checkpoint] if isfile(given.checkpoint) else None


def _source_files(path: Path) -> list[Path] | None:
    if isdir(path):  # of any name: `Path` may raise
        return [*parts_of(path), *sorted(path.glob("*.json"))]
    if not isfile(path):
        return None
    if path.suffix == ".safetensors":
        config = path.parent / "config.json"
        return [path, config] if config.is_file() else [path]
    if path.suffix == ".onnx":  # tensors outside of it have a location
        small = path.stat().st_size <= _MOST_ONNX_BYTES
        return [path] if small and b"location" not in path.read_bytes() else None
    return [path] if path.suffix == ".pt2" else None


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
