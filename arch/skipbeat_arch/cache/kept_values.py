"""Values that are kept, bytes in a file each. Work goes on without them where the cache cannot be used."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from ..errors import InputError
from ..partial import partial
from .place import distrust, kind_folder, tell
from .trimming import TEMPORARY, trim, used

P = ParamSpec("P")
T = TypeVar("T")

_DIGEST_BYTES = 32
#: No value is as large; a file that is was not written here.
_MOST_BYTES = 1 << 30
#: Neither through a link, nor waiting for what may never come: both are Unix's.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: The cache is trimmed when a process has written its first value, and after so many more.
_TRIM_EVERY = 256

_told: set[str] = set()
_written = 0


def read_value(kind: str, key: str) -> bytes | None:
    """What was kept under a key; None if nothing was, if it is damaged, or if the cache cannot be used.

    Args:
        kind: of things, a folder of the cache.
        key: see `content_key`.
    """
    return _or_without(_read, kind, key)


def write_value(kind: str, key: str, content: bytes) -> None:
    """Keep a value under a key. Of several writers the last one counts, and readers see a whole value or none."""
    _or_without(_write, kind, key, content)


def _or_without(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What the work gives; None, after one line for each reason, where the cache cannot be used."""
    try:
        return work(*args, **kwargs)
    except InputError as error:
        reason = str(error).removeprefix("cache ")
    except OSError as error:
        reason = f"{error.filename2 or error.filename or 'a file'}: {error.strerror}"
    if reason not in _told:
        _told.add(reason)
        tell(f"{reason}; going on without it")
    return None


def _read(kind: str, key: str) -> bytes | None:
    path = kind_folder(kind) / key
    try:
        number = os.open(path, _READ)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(number)
        if reason := "a folder" if stat.S_ISDIR(status.st_mode) else distrust(status):
            raise InputError(f"{path}: {reason}; remove it")
        content = os.read(number, status.st_size) if status.st_size < _MOST_BYTES else b""
    finally:
        os.close(number)
    value = content[_DIGEST_BYTES:]
    if hashlib.sha256(value).digest() != content[:_DIGEST_BYTES]:
        tell(f"{kind}/{key} is damaged and is made again")
        path.unlink(missing_ok=True)
        return None
    used(path)
    return value


def _write(kind: str, key: str, content: bytes) -> None:
    global _written
    folder = kind_folder(kind)
    number, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    with partial(Path(name)):
        with open(number, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(name, folder / key)
    _written += 1
    if _written % _TRIM_EVERY == 1:
        trim()
