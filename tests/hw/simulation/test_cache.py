from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation.cache import build_once, build_root, content_key, verilog_text


def test_root_is_the_variable_or_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SKIPBEAT_BUILD", str(tmp_path))
    assert build_root() == tmp_path
    monkeypatch.delenv("SKIPBEAT_BUILD")
    monkeypatch.chdir(tmp_path)
    assert build_root() == tmp_path / "build"


def test_key_depends_on_where_parts_end() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("ab", "c") == content_key("ab", "c")


def test_concurrent_builds_run_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        time.sleep(0.05)
        (folder / "done").touch()

    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: build_once(tmp_path / "x", build), range(8)))
    assert len(built) == 1
    assert all((folder / "done").exists() for folder in folders)


def test_failed_build_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        build_once(tmp_path / "x", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
    assert build_once(tmp_path / "x", lambda folder: (folder / "done").touch()).joinpath("done").exists()


def test_verilog_is_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text("module a; endmodule")
    assert verilog_text(tmp_path / "a.v") == verilog_text("module a; endmodule")
    with pytest.raises(InputError, match=r"b\.v: cannot be read"):
        verilog_text(tmp_path / "b.v")
    with pytest.raises(InputError, match="expected the text of a module"):
        verilog_text("a.v")
