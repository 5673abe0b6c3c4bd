"""How much is kept: what was not used for the longest time goes first."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .place import cache_root

#: Bytes that the cache may have. When there are more, it is brought down to a part of them.
MOST_BYTES = 4 << 30
_KEPT_SHARE = 0.8
#: What was used in so many seconds may be in use now, and stays.
_IN_USE = 3600.0
#: Seconds after which something unfinished has no owner any more.
_ABANDONED = 86_400.0

#: The file in a folder that says what is in it; its time is that of the folder's last use.
SEAL = "sealed.json"
#: How the names of unfinished things begin.
TEMPORARY = "tmp-"

_KEY = re.compile(r"[0-9a-f]{40}")
_OURS = re.compile(rf"{_KEY.pattern}(\.lock)?|{TEMPORARY}\w+")


@dataclass(frozen=True)
class Contents:
    """What the cache has of one kind."""

    kind: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class _Entry:
    path: Path
    bytes: int
    last: float


def used(path: Path) -> None:
    """Note that something was used just now: at most once a minute, and as far as the file system lets us."""
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > 60:
            os.utime(path)


def contents() -> list[Contents]:
    """How much of each kind there is."""
    found = []
    for kind in _kinds():
        entries = list(_entries(kind))
        if entries:
            found.append(Contents(kind.name, len(entries), sum(entry.bytes for entry in entries)))
    return found


def clear() -> int:
    """Empty the cache, of nothing but what is its own; the number of bytes that were removed.

    What another process may be making just now stays.
    """
    total, now = sum(each.bytes for each in contents()), time.time()
    for kind in _kinds():
        own = [path for path in kind.iterdir() if _OURS.fullmatch(path.name) and not _in_work(path, now - _IN_USE)]
        for path in own:
            _remove(path)
        with contextlib.suppress(OSError):
            if own:
                kind.rmdir()
    return total


def trim() -> None:
    """Remove what was not used for longest if there is too much, and what was left unfinished."""
    with contextlib.suppress(OSError):  # a folder that another process removes, or that cannot be read
        _trim()


def _trim() -> None:
    entries = sorted((entry for kind in _kinds() for entry in _entries(kind)), key=lambda entry: entry.last)
    now, total = time.time(), sum(entry.bytes for entry in entries)
    most = MOST_BYTES if total <= MOST_BYTES else _KEPT_SHARE * MOST_BYTES
    for entry in entries:
        if total <= most or now - entry.last < _IN_USE:
            break
        _remove(entry.path)
        entry.path.with_name(f"{entry.path.name}.lock").unlink(missing_ok=True)
        total -= entry.bytes
    for kind in _kinds():
        for path in kind.glob(f"{TEMPORARY}*"):
            if not _in_work(path, now - _ABANDONED):
                _remove(path)


def _in_work(path: Path, since: float) -> bool:
    """Whether something unfinished was changed since then."""
    with contextlib.suppress(OSError):
        return path.name.startswith(TEMPORARY) and path.stat().st_mtime > since
    return False


def _kinds() -> list[Path]:
    root = cache_root()
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _entries(kind: Path) -> Iterator[_Entry]:
    for path in kind.iterdir():
        if not _KEY.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):  # another process may remove it at the same time
            if path.is_dir():
                size = sum(each.stat().st_size for each in path.rglob("*"))
                yield _Entry(path, size, (path / SEAL if (path / SEAL).exists() else path).stat().st_mtime)
            else:
                yield _Entry(path, path.stat().st_size, path.stat().st_mtime)


def _remove(path: Path) -> None:
    """Remove an entry: a folder gets another name first, so that nobody finds half of it."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            gone = path.with_name(f"{TEMPORARY}gone{os.getpid()}{path.name.removeprefix(TEMPORARY)}")
            path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
        else:
            path.unlink()
