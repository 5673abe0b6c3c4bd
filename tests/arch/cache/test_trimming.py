from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from skipbeat_arch.cache import Contents, clear, content_key, contents, kept_folder, read_value, trimming, write_value


def build(folder: Path) -> None:
    (folder / "model").write_bytes(bytes(5000))


def age(path: Path, hours: float) -> None:
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


def test_what_was_not_used_for_longest_goes_first(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [content_key(str(number)) for number in range(6)]
    folder = kept_folder("rtl", content_key("rtl"), build)
    for number, key in enumerate(keys):
        write_value("prices", key, os.urandom(1000))
        age(empty_cache / "prices" / key, 20 - 2 * number)
    age(folder / "sealed.json", 30)
    assert read_value("prices", keys[0]) is not None  # used now
    monkeypatch.setattr(trimming, "MOST_BYTES", 5500)
    trimming.trim()
    assert [path.name for path in (empty_cache / "rtl").iterdir()] == []
    assert [key for key in keys if (empty_cache / "prices" / key).exists()] == [keys[0], *keys[3:]]
    monkeypatch.setattr(trimming, "MOST_BYTES", 1)
    trimming.trim()
    assert [path.name for path in (empty_cache / "prices").iterdir()] == [keys[0]]


def test_what_was_left_unfinished_goes_after_a_day(empty_cache: Path) -> None:
    write_value("prices", content_key("a"), b"a")
    for name, hours in (("tmp-new", 1), ("tmp-old", 30)):
        (empty_cache / "prices" / name).mkdir()
        age(empty_cache / "prices" / name, hours)
    trimming.trim()
    assert not (empty_cache / "prices" / "tmp-old").exists()
    assert (empty_cache / "prices" / "tmp-new").exists()


def test_clearing_takes_nothing_that_is_not_the_caches_own(empty_cache: Path) -> None:
    assert contents() == []
    write_value("prices", content_key("a"), b"a")
    kept_folder("rtl", content_key("b"), build)
    (empty_cache / "prices" / "letter.txt").write_text("mine")
    (empty_cache / "photos").mkdir()
    for name, hours in (("tmp-new", 0), ("tmp-old", 2)):
        (empty_cache / "rtl" / name).mkdir()
        age(empty_cache / "rtl" / name, hours)
    prices, rtl = contents()
    assert (prices.kind, prices.entries, rtl.kind, rtl.entries) == ("prices", 1, "rtl", 1)
    assert rtl.bytes > 5000
    assert clear() == prices.bytes + rtl.bytes
    assert contents() == list[Contents]()
    left = sorted(str(path.relative_to(empty_cache)) for path in empty_cache.rglob("*"))
    assert left == ["photos", "prices", "prices/letter.txt", "rtl", "rtl/tmp-new"]
