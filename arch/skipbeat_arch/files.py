"""The one door for files: what is read is a regular file of bounded size; what is written appears whole or not at all.

A name that leads to a device, a pipe or another file by a link is written through, never replaced.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from .arguments import expect_path
from .errors import InputError, one_line
from .partial import partial

#: Bytes of a text that people or their tools write: descriptions, schemes, energy tables, configurations.
MOST_TEXT_BYTES = 16 << 20

#: Why a file cannot be written that has a name that it may have: the disk is full, or broken.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

#: What is read of a file that does not say how large it is, as those in `/proc`.
_MOST_UNTOLD_BYTES = 1 << 20

#: How a file begins that only names one that Git LFS keeps elsewhere, and how long it may be.
_POINTER, _MOST_POINTER_BYTES = b"version https://git-lfs.github.com/spec/", 1024

#: Levels of JSON: deeper ones would end in Python's own limit of recursion.
_MOST_LEVELS = 100


def regular_file(path: str | Path, what: str) -> Path:
    """The path of a file that a library opens itself; `what` names the thing in the message.

    Raises:
        InputError: there is none, or it is a folder, a pipe or a device, which may never end, or a pointer of Git LFS.
    """
    expect_path(what, path)
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{what}: cannot be read: {_reason(error)}") from None
    if not stat.S_ISREG(found.st_mode):
        other = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, socket or device"
        raise InputError(f"{what}: cannot be read: expected a file, found {other}")
    if found.st_size <= _MOST_POINTER_BYTES and begins_with(path, _POINTER):
        raise InputError(f"{what}: only a pointer of Git LFS; fetch the file that it stands for (git lfs pull)")
    return Path(path)


def begins_with(path: str | Path, start: bytes) -> bool:
    """Whether a regular file begins so; one that cannot be read does not."""
    try:
        with open(path, "rb") as file:
            return file.read(len(start)) == start
    except OSError:  # whoever opens it says why
        return False


def read_bytes(path: str | Path, what: str, most: int) -> bytes:
    """All of a regular file of at most `most` bytes; `what` names the thing in the message.

    Raises:
        InputError: it cannot be read, or is larger.
    """
    try:
        with open(regular_file(path, what), "rb") as file:
            # memory for what is asked for is taken before it is read
            most = min(most, max(os.fstat(file.fileno()).st_size, _MOST_UNTOLD_BYTES))
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{what}: cannot be read: {_reason(error)}") from None
    if len(content) > most:
        raise InputError(f"{what}: larger than {most:,} bytes, which is more than such a file may have")
    return content


def read_text(path: str | Path, what: str, most: int = MOST_TEXT_BYTES) -> str:
    """The text of a UTF-8 file; as `read_bytes`.

    Raises:
        InputError: it cannot be read, is larger, or is not text.
    """
    try:
        return read_bytes(path, what, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{what}: cannot be read: not a text file in UTF-8") from None


def parse_json(content: str | bytes, what: str) -> Any:
    """The value of a JSON text; `what` names the thing in the message.

    Raises:
        InputError: not JSON, nested too deeply, or a number of too many digits.
    """
    try:
        value = json.loads(content)
    except RecursionError:
        raise InputError(f"{what}: cannot be read as JSON: nested too deeply") from None
    except UnicodeDecodeError:
        raise InputError(f"{what}: cannot be read as JSON: not a text in UTF-8") from None
    except ValueError as error:
        raise InputError(f"{what}: cannot be read as JSON: {one_line(str(error), 200)}") from None
    if _levels_exceed(value, _MOST_LEVELS):
        raise InputError(f"{what}: cannot be read as JSON: nested deeper than {_MOST_LEVELS} levels")
    return value


def check_destination(path: str | Path) -> Path:
    """Where long work will write, asked before it begins by making something there, which does not stay.

    Raises:
        InputError: it is a folder, or neither it nor a file in its folder can be written.
    """
    expect_path("file to be written", path)
    given = Path(path)
    try:
        target = _followed(given).absolute()
        existing = next(there for there in (target, *target.parents) if _is_there(there))
        if existing.is_dir() == (existing == target):
            raise IsADirectoryError(errno.EISDIR, "Is a directory" if existing.is_dir() else f"{existing} is no folder")
        if not os.access(existing, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied")
        if existing.is_dir():
            _make_and_remove(existing, target.relative_to(existing).parts)
        elif existing.is_file():
            _make_and_remove(target.parent, ())
    except (OSError, ValueError) as error:
        _raise_if_full(error, given)
        raise InputError(f"{given}: cannot be written: {_reason(error)}") from None
    return given


def _make_and_remove(folder: Path, names: tuple[str, ...]) -> None:
    """Find out whether things can be made in a folder, and whether they can have these names."""
    with partial(Path(tempfile.mkdtemp(prefix=".skipbeat.", suffix=".part", dir=folder))) as probe:
        for name in names:
            Path(probe, name).mkdir(exist_ok=True)


def _followed(path: Path) -> Path:
    """What a link leads to, through others.

    Raises:
        OSError: to itself.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _is_there(path: Path) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def make_folder(path: str | Path) -> Path:
    """Create a folder and those above it, so that long work does not end with nowhere to put its results.

    Raises:
        InputError: it cannot be created, or is not a folder.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        _raise_if_full(error, folder)
        raise InputError(f"{folder}: cannot be made a folder: {_reason(error)}") from None
    return folder


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 with the line ends that it has; bytes of names that are no text are escaped.

    See `write_bytes`.
    """
    return write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write a file by renaming a finished temporary one, and create its folder if there is none.

    A link is followed, so that the file it leads to is replaced and the link stays. A device or pipe is written into.
    A file that is replaced keeps its permissions; a new one has those of the user's umask.

    Returns:
        The path that was written, as it was given.

    Raises:
        InputError: the file or its folder cannot be written; a file of that name is then as it was.
        OSError: the disk is full; likewise.
    """
    expect_path("file to be written", path)
    given = Path(path)
    try:
        target = _followed(given)
        if target.exists() and not target.is_file() and not target.is_dir():
            _write_through(target, content)
        else:
            _replace(target, content)
    except (OSError, ValueError) as error:
        _raise_if_full(error, given)
        raise InputError(f"{given}: cannot be written: {_reason(error)}") from None
    return given


def _replace(target: Path, content: bytes) -> None:
    # a short part of the name: a file of the longest name must have a temporary one too
    temporary = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with partial(temporary):
        temporary.write_bytes(content)
        if target.is_file():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)


def _write_through(target: Path, content: bytes) -> None:
    # Without blocking: a pipe that nobody reads is told, not waited for.
    with open(os.open(target, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0) as file:
        os.set_blocking(file.fileno(), True)
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]


def _levels_exceed(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _raise_if_full(error: OSError | ValueError, path: Path) -> None:
    """A full disk is no bad input: the command line ends with a status of its own."""
    if isinstance(error, OSError) and error.errno in FULL:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
