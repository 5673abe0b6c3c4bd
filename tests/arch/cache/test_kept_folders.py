from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import InputError

KEY = content_key("something")


def build(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "a").write_text("first")
    (folder / "b").write_text("second")


def unwanted(folder: Path) -> None:
    pytest.fail(f"{folder} was built again")


def test_concurrent_builds_run_once(empty_cache: Path) -> None:
    built: list[Path] = []

    def slow(folder: Path) -> None:
        built.append(folder)
        time.sleep(0.05)
        build(folder)

    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: kept_folder("rtl", KEY, slow), range(8)))
    assert len(built) == 1
    assert {*folders} == {empty_cache / "rtl" / KEY}
    assert (folders[0] / "inner" / "a").read_text() == "first"


def test_only_what_is_wanted_is_kept(empty_cache: Path) -> None:
    folder = kept_folder("rtl", KEY, build, only=("b",))
    assert sorted(path.name for path in folder.iterdir()) == ["b", "sealed.json"]
    assert kept_folder("rtl", KEY, unwanted) == folder


def test_failed_build_leaves_nothing_and_can_be_repeated(empty_cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        kept_folder("rtl", KEY, fail)
    assert [path.name for path in (empty_cache / "rtl").iterdir()] == [f"{KEY}.lock"]
    assert (kept_folder("rtl", KEY, build) / "b").exists()


@pytest.mark.parametrize("damage", ["truncated", "emptied", "changed", "removed", "added", "unsealed", "nested"])
def test_what_is_damaged_is_built_again(damage: str, empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = kept_folder("rtl", KEY, build)
    file = folder / "inner" / "a"
    if damage == "removed":
        file.unlink()
    elif damage == "unsealed":
        (folder / "sealed.json").write_text("{")
    elif damage == "nested":
        (folder / "sealed.json").write_text("[" * 100_000)
    elif damage == "added":
        (folder / "c").touch()
    else:
        file.write_text({"truncated": "firs", "emptied": "", "changed": "First"}[damage])
    assert capsys.readouterr().err == ""
    assert (kept_folder("rtl", KEY, build) / "inner" / "a").read_text() == "first"
    assert not (folder / "c").exists()
    assert capsys.readouterr().err == f"skipbeat: cache: rtl/{KEY} is damaged and is made again\n"
    assert kept_folder("rtl", KEY, unwanted) == folder


@pytest.mark.parametrize("what", [".", "rtl", f"rtl/{KEY}", f"rtl/{KEY}/b"])
def test_what_others_may_write_is_refused(what: str, empty_cache: Path) -> None:
    kept_folder("rtl", KEY, build)
    (empty_cache / what).chmod(0o777)
    with pytest.raises(InputError, match="others may write to it; remove it, or let SKIPBEAT_CACHE name"):
        kept_folder("rtl", KEY, unwanted)


def test_links_and_other_users_files_are_refused(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept_folder("rtl", KEY, build)
    (folder / "b").unlink()
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="b: neither a file nor a folder"):
        kept_folder("rtl", KEY, unwanted)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(InputError, match="cache: belongs to another user"):
        kept_folder("rtl", KEY, unwanted)


def test_a_place_that_cannot_be_written_is_named(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_cache / "rtl").mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="rtl: cannot be written; SKIPBEAT_CACHE names another folder"):
        kept_folder("rtl", KEY, build)
    monkeypatch.setenv("SKIPBEAT_CACHE", "/dev/null/cache")
    with pytest.raises(InputError, match=r"/dev/null/cache/rtl: cannot be used: Not a directory"):
        kept_folder("rtl", KEY, build)
