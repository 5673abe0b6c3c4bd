"""Files and folders that are not whole yet: removed when their work ends, or by whoever ends the process before."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_partial: set[Path] = set()
#: A process that is being killed may still make files in a folder that is being removed.
_TRIES = 5


@contextmanager
def partial(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """A file or folder that the block makes and that does not outlive it; renamed in it, it is out of its reach.

    Args:
        path: may not be there yet.
        keep: it stays if the block ends without an error.
    """
    _partial.add(path)
    whole = False
    try:
        yield path
        whole = True
    finally:
        if not (keep and whole):
            _remove(path)
        _partial.discard(path)


def remove_partial() -> None:
    """Remove all of them: the process ends now, and no block comes to its end."""
    for path in list(_partial):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        for _ in range(_TRIES):
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                return
            time.sleep(0.02)
    elif path.is_file():  # never a device
        with suppress(OSError):
            path.unlink(missing_ok=True)
