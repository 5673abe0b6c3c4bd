from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skipbeat_arch.cache import content_key, kept_values, read_value, write_value

KEY = content_key("something")


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_values, "_told", set())


def test_what_is_written_is_read(empty_cache: Path) -> None:
    assert read_value("prices", KEY) is None
    write_value("prices", KEY, b"")
    assert read_value("prices", KEY) == b""
    write_value("prices", KEY, b"a price" * 1000)
    assert read_value("prices", KEY) == b"a price" * 1000
    assert read_value("models", KEY) is None
    assert [path.name for path in (empty_cache / "prices").iterdir()] == [KEY]
    assert (empty_cache / "prices" / KEY).stat().st_mode & 0o777 == 0o600


def test_many_writers_at_once_leave_one_whole_value(empty_cache: Path) -> None:
    values = [bytes([number]) * 50_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: write_value("prices", KEY, value), values))
    assert read_value("prices", KEY) in values
    assert len(list((empty_cache / "prices").iterdir())) == 1


@pytest.mark.parametrize("cut", [0, 10, 36, -1])
def test_what_is_damaged_is_told_once_and_gone(cut: int, empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_value("prices", KEY, b"a price")
    path = empty_cache / "prices" / KEY
    path.write_bytes(path.read_bytes()[:cut])
    assert read_value("prices", KEY) is None
    assert capsys.readouterr().err == f"skipbeat: cache: prices/{KEY} is damaged and is made again\n"
    assert read_value("prices", KEY) is None
    assert capsys.readouterr().err == ""


def test_a_file_that_was_blown_up_is_not_read(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_value("prices", KEY, b"a price")
    os.truncate(empty_cache / "prices" / KEY, 1 << 34)
    assert read_value("prices", KEY) is None
    assert capsys.readouterr().err.endswith(" is damaged and is made again\n")


def test_a_folder_in_the_way_is_named(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_cache / "prices" / KEY).mkdir(parents=True)
    (empty_cache / "prices").chmod(0o700)
    write_value("prices", KEY, b"a price")
    assert f"{empty_cache / 'prices' / KEY}: Is a directory; going on" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["writable", "link", "pipe", "folder"])
def test_what_is_not_the_users_own_file_is_not_read(
    fault: str, empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_value("prices", KEY, b"a price")
    path = empty_cache / "prices" / KEY
    if fault == "writable":
        path.chmod(0o666)
    else:
        path.rename(tmp_path / "moved")
        if fault == "link":
            path.symlink_to(tmp_path / "moved")
        elif fault == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()
    assert read_value("prices", KEY) is None
    assert read_value("prices", KEY) is None
    assert capsys.readouterr().err.count("going on without it\n") == 1


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/cache"])
def test_work_goes_on_where_there_is_no_place(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKIPBEAT_CACHE", place)
    write_value("prices", KEY, b"a price")
    assert read_value("prices", KEY) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skipbeat: cache: {place}/prices: cannot be used: ")


def test_a_full_disk_keeps_nothing_and_stops_nothing(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_value("prices", KEY, b"a price")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "the disk")

    monkeypatch.setattr(os, "replace", full)
    write_value("prices", KEY, b"another")
    write_value("prices", KEY, b"another")
    assert read_value("prices", KEY) == b"a price"
    assert capsys.readouterr().err == "skipbeat: cache: the disk: No space left on device; going on without it\n"
    assert [path.name for path in (empty_cache / "prices").iterdir()] == [KEY]
