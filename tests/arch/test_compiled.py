"""Machine code of functions: kept from process to process, and made again where it is damaged."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from filelock import FileLock

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.cache import VARIABLE
from skipbeat_arch.compiled import KIND, kept


def total(numbers: Int64Array) -> int:
    found = 0
    for place in range(len(numbers)):
        found += numbers[place]
    return found


def values(cache: Path) -> list[Path]:
    return [path for path in (cache / KIND).iterdir() if path.suffix != ".lock"]


def test_it_is_kept_and_made_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    numbers = np.arange(5)
    assert kept()(total)(numbers) == 10
    (file,) = values(tmp_path)
    made = file.read_bytes()
    assert kept()(total)(numbers) == 10
    assert file.read_bytes() == made
    file.write_bytes(made[:1000])
    assert kept()(total)(numbers) == 10
    assert "damaged" in capsys.readouterr().err
    assert len(file.read_bytes()) > 1000


def test_it_is_made_by_one_and_read_by_whoever_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    numbers = np.arange(5)
    kept()(total)(numbers)
    (file,) = values(tmp_path)
    made = file.read_bytes()
    file.unlink()
    waiting = Thread(target=kept()(total), args=(numbers,))
    with FileLock(file.with_name(f"{file.name}.lock")):
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        file.write_bytes(made)
    written = file.stat()
    waiting.join()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
