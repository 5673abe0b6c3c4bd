"""Machine code of functions: kept from process to process, and made again where it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.cache import VARIABLE
from skipbeat_arch.compiled import KIND, kept


def total(numbers: Int64Array) -> int:
    found = 0
    for place in range(len(numbers)):
        found += numbers[place]
    return found


def test_it_is_kept_and_made_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    numbers = np.arange(5)
    assert kept()(total)(numbers) == 10
    (file,) = (tmp_path / KIND).iterdir()
    made = file.read_bytes()
    assert kept()(total)(numbers) == 10
    assert file.read_bytes() == made
    file.write_bytes(made[:1000])
    assert kept()(total)(numbers) == 10
    assert "damaged" in capsys.readouterr().err
    assert len(file.read_bytes()) > 1000
