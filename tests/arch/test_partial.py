"""What is not whole does not outlive its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.partial import partial, remove_partial


def test_a_file_goes_with_its_block_unless_it_was_renamed(tmp_path: Path) -> None:
    with partial(tmp_path / "part") as path:
        path.write_text("half")
        path.replace(tmp_path / "whole")
        path.write_text("the next half")
    assert [each.name for each in tmp_path.iterdir()] == ["whole"]


def test_one_that_is_kept_goes_if_its_block_fails(tmp_path: Path) -> None:
    with partial(tmp_path / "a", keep=True) as path:
        path.write_text("whole")
    (tmp_path / "b").write_text("half")
    with pytest.raises(KeyboardInterrupt), partial(tmp_path / "b", keep=True):
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_whoever_ends_the_process_removes_all(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with partial(tmp_path / "folder") as folder, partial(tmp_path / "file") as file, partial(tmp_path / "none"):
        (folder / "inside").mkdir(parents=True)
        file.write_text("half")
        remove_partial()
        assert [each.name for each in tmp_path.iterdir()] == ["other"]


def test_a_device_is_left_alone() -> None:
    with partial(Path("/dev/null")):
        remove_partial()
    assert Path("/dev/null").exists()
