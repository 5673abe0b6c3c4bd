"""Files appear complete or not at all: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import InputError


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 with the line ends that it has; see `write_bytes`."""
    return write_bytes(path, text.encode())


def make_folder(path: str | Path) -> Path:
    """Create a folder and those above it, so that long work does not end with nowhere to put its results.

    Raises:
        InputError: it cannot be created, or is not a folder.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made a folder: {error.strerror or error}") from None
    return folder


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write a file by renaming a finished temporary one, and create its folder if there is none.

    Returns:
        The path that was written.

    Raises:
        InputError: the file or its folder cannot be written; a file of that name is then as it was.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return target
