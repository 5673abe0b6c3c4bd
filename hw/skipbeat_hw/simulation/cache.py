"""Folders that are built once: keyed by their content, safe with many processes, never seen half-made."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from skipbeat_arch.errors import InputError

#: Environment variable that moves the folder of everything that is generated.
BUILD_VARIABLE = "SKIPBEAT_BUILD"


def build_root() -> Path:
    """Absolute path of the folder for generated files: $SKIPBEAT_BUILD, else ./build."""
    return Path(os.environ.get(BUILD_VARIABLE) or "build").absolute()


def content_key(*parts: str) -> str:
    """Twenty hexadecimal digits that change when any part changes."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:20]


def build_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, made by `build(temporary folder)` unless it exists.

    Processes that want the same folder at the same time wait for the first; a failed build leaves nothing behind.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        temporary = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        try:
            build(temporary)
            temporary.chmod(0o755)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return folder


def verilog_text(verilog: str | Path) -> str:
    """The text of a Verilog file (a Path) or the text itself (a str).

    Raises:
        InputError: the file cannot be read, or the text holds no module.
    """
    if isinstance(verilog, Path):
        try:
            return verilog.read_text()
        except OSError as error:
            raise InputError(f"Verilog file {verilog}: cannot be read: {error.strerror}") from None
    if "module" not in verilog:
        raise InputError("Verilog: expected the text of a module, or a Path of a file")
    return verilog
