"""The door for files: what is read is regular and bounded, what is written appears whole or not at all."""

from __future__ import annotations

import errno
import os
import select
import stat
import tempfile
import threading
import tracemalloc
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import (
    check_destination,
    make_folder,
    parse_json,
    read_bytes,
    read_text,
    write_bytes,
    write_text,
)


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
    with pytest.raises(OSError, match="No space left on device") as found:
        write_text(path, "new")
    assert found.value.filename == str(path)  # and not the temporary one's
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_no_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks first whether there is a place hears the same as whoever writes."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "another name")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    monkeypatch.setattr(Path, "mkdir", full)
    for act in (check_destination, make_folder):
        with pytest.raises(OSError, match="quota") as found:
            act(tmp_path / "x")
        assert (found.value.errno, found.value.filename) == (errno.EDQUOT, str(tmp_path / "x"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = write_text(tmp_path / "file", "")
    with pytest.raises(InputError, match="cannot be written"):
        write_text(blocker / "x", "")
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write_text(tmp_path, "")


def test_what_is_no_text_in_a_name_is_escaped(tmp_path: Path) -> None:
    assert write_text(tmp_path / "x", "a\udc80b").read_bytes() == b"a\\udc80b"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_device_is_written_into_and_stays_one(tmp_path: Path) -> None:
    assert write_text("/dev/null", "x") == Path("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_text("/dev/full", "x")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    target = write_text(tmp_path / "page", "old")
    link = tmp_path / "link"
    link.symlink_to("page")
    assert write_text(link, "new") == link
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_into_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="cannot be written: No such device or address"):
        write_text(pipe, "x")
    content = bytes(range(256)) * 1024  # more than a pipe holds
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = threading.Thread(target=write_bytes, args=(pipe, content))
    writer.start()
    select.select([end], [], [])
    os.set_blocking(end, True)
    with os.fdopen(end, "rb") as file:
        assert file.read() == content
    writer.join()
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_permissions_are_the_old_files_or_the_umasks(tmp_path: Path) -> None:
    path = write_text(tmp_path / "x", "")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    write_text(path, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_destination_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    old = write_text(tmp_path / "old", "old")
    for path in (tmp_path / "new", tmp_path / "a" / "b", old, Path("/dev/null")):
        assert check_destination(path) == path
    assert list(tmp_path.iterdir()) == [old]
    for path, reason in (
        (tmp_path, "Is a directory"),
        (old / "x", "old is no folder"),
        (Path("\0"), "null (byte|character)"),
    ):
        with pytest.raises(InputError, match=f"cannot be written: .*{reason}"):
            check_destination(path)


def test_a_destination_that_cannot_be_made(tmp_path: Path) -> None:
    """A superuser has leave to make files in `/proc`, where there can be none; a circle of links leads nowhere."""
    circle, long = tmp_path / "circle", tmp_path / "a" / ("x" * 300) / "b"
    circle.symlink_to(circle)
    places = [Path("/proc/a/b"), Path("/proc/a"), Path("/proc/version"), circle, long]
    for path in places if Path("/proc/version").exists() else places[-2:]:
        with pytest.raises(InputError, match=f"^{path}: cannot be written: "):
            check_destination(path)
    assert list(tmp_path.iterdir()) == [circle]
    with pytest.raises(InputError, match=f"^{circle}: cannot be written: "):
        write_text(circle, "new")
    assert circle.is_symlink()


def test_a_destination_with_the_longest_name(tmp_path: Path) -> None:
    longest = tmp_path / ("µ" * 127)
    link = tmp_path / "link"
    link.symlink_to(longest)
    assert write_text(check_destination(link), "new") == link
    assert longest.read_text() == "new"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
def test_a_device_is_not_read(path: str) -> None:
    with pytest.raises(InputError, match=r"found a pipe, socket or device$"):
        read_text(path, "scheme x")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="expected a file, found a pipe"):
        read_text(tmp_path / "pipe", "scheme x")


def test_a_small_file_takes_little_memory_whatever_its_limit(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "x", b"12345")
    tracemalloc.start()
    assert read_bytes(path, "x", 1 << 33) == b"12345"
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "x", b"12345")
    assert read_bytes(path, "x", 5) == b"12345"
    with pytest.raises(InputError, match=r"^x: larger than 4 bytes"):
        read_bytes(path, "x", 4)
    with pytest.raises(InputError, match=r"^x: cannot be read: .*embedded null (byte|character)"):
        read_bytes("a\0b", "x", 4)
    with pytest.raises(InputError, match=r"^x: cannot be read: not a text file in UTF-8$"):
        read_text(write_bytes(path, b"\xff"), "x")
    with pytest.raises(InputError, match=r"^x: cannot be read as JSON: not a text in UTF-8$"):
        parse_json(b'{"a": "\xe9"}', "x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 101 + "]" * 101, "nested deeper than 100 levels"),
        ("9" * 5000, "Exceeds the limit"),
        (b"\x80", "not a text in UTF-8"),
    ],
)
def test_a_json_text_that_is_none(text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=f"^x: cannot be read as JSON: .*{said}"):
        parse_json(text, "x")


def test_json_of_as_many_levels_as_there_may_be() -> None:
    assert parse_json("[" * 100 + "]" * 100, "x")
    assert parse_json(b'{"a": [1, {"b": null}]}', "x") == {"a": [1, {"b": None}]}


def test_a_pointer_of_git_lfs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    with pytest.raises(InputError, match=r"^model m: only a pointer of Git LFS; .*git lfs pull"):
        read_bytes(path, "model m", 1 << 20)
    path.write_text("version https://git-lfs.github.com/spec/v1" + " " * 1024)
    assert read_bytes(path, "model m", 1 << 20)
