from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_reports.replace import write_text


def test_a_file_is_written_with_its_folder_and_nothing_else(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a" / "b.txt", "one\n")
    write_text(path, "zwölf\n")
    assert path.read_bytes() == "zwölf\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder: cannot be written: Is a directory"):
        write_text(tmp_path / "folder", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_a_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_text(tmp_path / "x", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
