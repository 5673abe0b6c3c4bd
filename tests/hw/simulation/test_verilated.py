from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skipbeat_arch.cache import VARIABLE
from skipbeat_hw.simulation import verilated
from skipbeat_hw.simulation.toolchain import find_verilator
from skipbeat_hw.simulation.verilated import RUNTIME_KIND, mangled, shared_object

INVERTER = """
module inverter(a, y);
  input [7:0] a;
  wire [7:0] a;
  output [7:0] y;
  wire [7:0] y;
  assign y = ~a;
endmodule
"""
HARNESS = """
#include "Vtop.h"
extern "C" int invert(int a) { VerilatedContext c; Vtop top{&c}; top.a = a; top.eval(); return top.y; }
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty cache, but for the run-time of the others."""
    folder = tmp_path_factory.mktemp("cache")
    runtime = verilated._runtime(find_verilator())
    shutil.copytree(runtime, folder / RUNTIME_KIND / runtime.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        yield folder


def test_builds_once_for_each_content(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shared_object(INVERTER, "inverter", HARNESS)
    assert first.is_relative_to(cache / "rtl")
    assert ctypes.CDLL(str(first)).invert(0x0F) == 0xF0

    with monkeypatch.context() as patch:
        patch.setattr(verilated, "_run", lambda *_: pytest.fail("built again"))
        assert shared_object(INVERTER, "inverter", HARNESS) == first

    other = shared_object(INVERTER, "inverter", HARNESS + "// another harness\n")
    assert other != first


@pytest.mark.parametrize(
    ("compiler", "version", "precompiled"),
    [(("c++",), "c++ (Debian) 12.2", True), (("ccache", "c++"), "c++ 12.2", False), (("c++",), "clang 19", False)],
)
def test_headers_are_precompiled_where_that_helps(
    compiler: tuple[str, ...], version: str, precompiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(verilated, "_run", lambda command, *_: commands.append(command))
    tools = replace(find_verilator(), compiler=compiler, fingerprint=version)
    verilated._compile(["hot.cpp", "cold__Slow.cpp"], tmp_path, tools, verilated._runtime(tools) / "first.h")
    assert any("c++-header" in command for command in commands) == precompiled
    assert {command[command.index("-c") + 1].split("/")[-1] for command in commands if "-include" in command} == (
        {"hot.cpp", "verilated.cpp", "verilated_threads.cpp"} if precompiled else set()
    )
    assert all(command[: len(compiler)] == [*compiler] for command in commands)


def test_broken_verilog_shows_the_tools_message(cache: Path) -> None:
    before = {*cache.glob("rtl/*")}
    with pytest.raises(RuntimeError, match=r"verilator failed[\s\S]*nothing"):
        shared_object(INVERTER.replace("~a", "nothing"), "inverter", HARNESS)
    left = {*cache.glob("rtl/*")} - before
    assert {path.suffix for path in left} <= {".lock"}


def test_double_underscores_are_mangled_as_verilator_does(cache: Path) -> None:
    name = "a__b___c____d"
    harness = HARNESS.replace("top.a", f"top.{mangled(name)}")
    library = shared_object(
        INVERTER.replace("~a", f"~{name}").replace(" a;", f" {name};").replace("(a", f"({name}"), "inverter", harness
    )
    assert ctypes.CDLL(str(library)).invert(1) == 0xFE
