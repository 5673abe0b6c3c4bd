"""Folders that are built once, safe with many processes, never seen half-made, and rebuilt when they are damaged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from ..errors import InputError
from ..partial import partial
from .place import VARIABLE, check_own, kind_folder, tell
from .trimming import SEAL, TEMPORARY, trim, used


def kept_folder(kind: str, key: str, build: Callable[[Path], None], only: Collection[str] = ()) -> Path:
    """The folder of a key, made by `build(temporary folder)` unless it is there and whole.

    Processes that want the same folder at the same time wait for the first; a failed build leaves nothing behind. The
    size and checksum of each file are kept with it, and compared before the folder is given.

    Args:
        kind: of things, a folder of the cache.
        key: see `content_key`.
        only: names in the folder that are worth keeping; all if it is empty.

    Raises:
        InputError: the cache cannot be used, or what is there is not the user's own.
    """
    folder = kind_folder(kind) / key
    if _is_whole(folder):
        return folder
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise InputError(f"cache {folder.parent}: cannot be written; {VARIABLE} names another folder")
    from filelock import FileLock  # imports asyncio: whoever finds all there need not wait for it

    with FileLock(folder.with_name(f"{key}.lock"), mode=0o600):
        if _is_whole(folder):
            return folder
        if folder.exists():
            tell(f"{kind}/{key} is damaged and is made again")
            shutil.rmtree(folder)
        _build(folder, build, only)
    trim()
    return folder


def _build(folder: Path, build: Callable[[Path], None], only: Collection[str]) -> None:
    with partial(Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))) as temporary:
        build(temporary)
        for path in list(temporary.iterdir()) if only else []:
            if path.name not in only:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (temporary / SEAL).write_text(json.dumps(_checksums(temporary)))
        for path in (temporary, *temporary.rglob("*")):
            path.chmod(path.stat().st_mode & 0o755)
        try:
            temporary.rename(folder)
        except OSError:
            if not _is_whole(folder):  # made by somebody else, where locks do not work
                raise


def _is_whole(folder: Path) -> bool:
    """Whether everything is in a folder that was built there.

    Raises:
        InputError: something in it is not the user's own.
    """
    if not folder.is_dir():
        return False
    seal = folder / SEAL
    for path in (folder, *folder.rglob("*")):
        check_own(path)
    try:
        whole = bool(json.loads(seal.read_bytes()) == _checksums(folder))
    except (OSError, ValueError, RecursionError):
        return False
    if whole:
        used(seal)
    return whole


def _checksums(folder: Path) -> dict[str, str]:
    """Of each file by its path, and nothing for each folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SEAL:
            with open(path, "rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
