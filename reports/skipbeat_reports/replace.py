"""Files that readers never see half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from skipbeat_arch.errors import InputError


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 under a temporary name beside `path`, then rename it; its folder is made if there is none.

    Raises:
        InputError: it cannot be written; a file of that name is then as it was.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_text(target, text)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return target


def replace_text(path: Path, text: str) -> None:
    """The same in a folder that exists.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
