from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from skipbeat_arch.cache import content_key, content_text, source_fingerprint


def test_key_depends_on_where_parts_end() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("ab", "c") == content_key("ab", b"c")


@dataclass(frozen=True)
class Pair:
    first: object
    second: object


def test_texts_are_equal_for_equal_values_only() -> None:
    values = [
        None,
        "None",
        b"None",
        1,
        "1",
        1.5,
        (),
        (1,),
        ((1,),),
        (1, 2),
        ("1, 2",),
        Pair(1, 2),
        ("Pair", 1, 2),
        Pair((1, 2), None),
        Pair(1, (2, None)),
    ]
    texts = [content_text(value) for value in values]
    assert None not in texts
    assert len({*texts}) == len(values)
    assert content_text(Pair(1, (2, None))) == texts[-1]


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}, (1, [2]), Pair(1, print), Pair])
def test_what_is_not_content_has_no_text(value: object) -> None:
    assert content_text(value) is None


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
