from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.cache import content_key, source_fingerprint


def test_key_depends_on_where_parts_end() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("ab", "c") == content_key("ab", b"c")


def test_any_change_of_the_source_changes_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "some_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "inner" / "table.json").write_text("{}")
    found = {source_fingerprint("some_package")}
    for change in (
        lambda: (package / "inner" / "table.json").write_text("[]"),
        lambda: (package / "inner" / "new.py").touch(),
        lambda: (package / "inner" / "new.py").rename(package / "new.py"),
    ):
        source_fingerprint.cache_clear()
        assert source_fingerprint("some_package") in found
        source_fingerprint.cache_clear()
        change()
        found.add(source_fingerprint("some_package"))
    assert len(found) == 4
    with pytest.raises(ValueError, match="json_of_nobody is no package"):
        source_fingerprint("json_of_nobody")
