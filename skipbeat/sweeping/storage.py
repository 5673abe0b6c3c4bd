"""Where a study is kept: one search at a time has it, and a file that came to nothing is removed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.extras import require_packages
from skipbeat_arch.partial import partial


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A database by its URL. `new`: its file, if it is one of SQLite that was not there when it was reserved."""

    url: str
    new: Path | None


@contextmanager
def reserved(url: str) -> Iterator[Storage]:
    """Inside, no other `sweep` has this file of SQLite; who shares another database is told by its trials.

    SQLite's own locks are of single transactions, and belong to the process, so a file beside it carries this one.

    Raises:
        InputError: a sweep is using it, or there can be no such database.
    """
    file = _sqlite_file(url)
    if file is None:
        yield Storage(url=url, new=None)
        return
    name = hashlib.sha256(os.fsencode(file.name)).hexdigest()[:16]
    lock = file.with_name(f".skipbeat.{name}.lock")  # a file of the longest name must have one too
    number = _locked(lock, url)
    try:
        with partial(lock):
            yield Storage(url=url, new=None if file.exists() else file)
    finally:
        os.close(number)


def _sqlite_file(url: str) -> Path | None:
    require_packages("to keep a study", "optuna")  # whose own SQLAlchemy it is
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InputError(f"--storage {url}: cannot be opened: {described(error)}") from None
    name = found.database
    if found.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(os.path.realpath(name))


def _locked(lock: Path, url: str) -> int:
    """The open file that holds the lock, until it is closed or the process ends."""
    while True:
        number = -1
        try:
            number = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(number), os.stat(lock)):
                return number
        except FileNotFoundError:
            if number < 0:
                raise InputError(f"--storage {url}: cannot be opened: there is no folder {lock.parent}") from None
        except BlockingIOError:
            os.close(number)
            raise InputError(
                f"--storage {url}: another sweep is using it; expected one at a time, or another storage"
            ) from None
        except (OSError, ValueError) as error:
            if number >= 0:
                os.close(number)
            raise InputError(f"--storage {url}: cannot be opened: {described(error)}") from None
        os.close(number)  # whoever had it has removed the file since
