"""Files appear complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import write_bytes, write_text


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    assert write_text(str(path), "2 × 4\n") == path
    assert path.read_bytes() == "2 × 4\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "x", b"old and longer")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_text(tmp_path / "x", "old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"x: cannot be written: No space left on device$"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = write_text(tmp_path / "file", "")
    with pytest.raises(InputError, match="cannot be written"):
        write_text(blocker / "x", "")
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write_text(tmp_path, "")


def test_a_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_text(tmp_path / "x", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
