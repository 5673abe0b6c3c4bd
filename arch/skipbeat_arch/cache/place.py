"""Where the cache is, and whether it may be trusted: code in it is loaded and run, so nobody else may write there."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from ..errors import InputError, one_line

#: Environment variable that names the cache's folder.
VARIABLE = "SKIPBEAT_CACHE"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_root() -> Path:
    """Absolute path of the cache: $SKIPBEAT_CACHE, else `skipbeat` in the user's cache folder (~/.cache on Linux).

    Raises:
        InputError: the user has no home, and the variable is not set.
    """
    if given := os.environ.get(VARIABLE):
        return Path(given).absolute()
    import platformdirs

    root = platformdirs.user_cache_path("skipbeat", appauthor=False)
    if not root.is_absolute():
        raise InputError(f"cache: this user has no home folder; set {VARIABLE} to a folder")
    return root


def kind_folder(kind: str) -> Path:
    """The folder of one kind of things that are kept; it is made if there is none.

    Raises:
        InputError: it cannot be made, or it or the cache is another user's or may be written by others.
    """
    folder = cache_root() / kind
    try:
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_own(each.resolve() if each == folder.parent else each)
    except OSError as error:
        raise InputError(f"cache {folder}: cannot be used: {error.strerror}; {VARIABLE} names another one") from None
    return folder


def check_own(path: Path) -> None:
    """That a file or folder of the cache is the user's own.

    Raises:
        InputError: it is another user's, a link, or others may write to it.
    """
    reason = distrust(path.lstat())
    if reason is not None:
        raise InputError(f"cache {path}: {reason}; remove it, or let {VARIABLE} name another folder")


def distrust(status: os.stat_result) -> str | None:
    """Why what has this status is not to be trusted; None if it may be."""
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return "neither a file nor a folder"
    if sys.platform == "win32":
        return None
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    return "others may write to it" if status.st_mode & _OTHERS_WRITE else None


def tell(message: str) -> None:
    """Say in a line on standard error what is wrong with the cache, where work goes on all the same."""
    print(f"skipbeat: cache: {one_line(message)}", file=sys.stderr, flush=True)
