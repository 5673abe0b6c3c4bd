from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from skipbeat_arch.cache import cache_root
from skipbeat_arch.cache.place import kind_folder
from skipbeat_arch.errors import InputError


def test_the_cache_is_where_the_variable_says_or_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKIPBEAT_CACHE", "here")
    assert cache_root() == tmp_path / "here"
    monkeypatch.delenv("SKIPBEAT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "skipbeat"


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKIPBEAT_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~/.cache/skipbeat"))
    with pytest.raises(InputError, match="no home folder; set SKIPBEAT_CACHE"):
        cache_root()


def test_only_the_user_may_look_into_what_is_made(empty_cache: Path) -> None:
    assert kind_folder("rtl") == empty_cache / "rtl"
    assert {path.stat().st_mode & 0o777 for path in (empty_cache, empty_cache / "rtl")} == {0o700}
