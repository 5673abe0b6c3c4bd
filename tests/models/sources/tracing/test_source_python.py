"""`module:function` from the current folder, whatever the user's modules are called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_models.sources import load_source

RAISES = """
import torch

class Unkind(torch.nn.Linear):
    def forward(self, input):
        raise BaseException("no Exception")

def pair():
    raise BaseException("no Exception")

def forward():
    return Unkind(4, 3), (torch.zeros(2, 4),)
"""
CODE = """
import torch

class Late(torch.nn.Linear):
    def forward(self, input):
        import {package}_late  # found although the function has returned
        return super().forward(input)

def pair():
    return Late(4, 3), (torch.zeros(2, 4),)

def named():
    return Late(4, 3), {{"input": torch.zeros(2, 4)}}

def single():
    return Late(4, 3), torch.zeros(2, 4)

def nothing():
    return None

def model_only():
    return Late(4, 3)

def fails():
    raise ValueError("two\\nlines")

value = 3
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition("_")[0] in ("models", "hw", "reports", "mine") or name == "exits":
            del sys.modules[name]


def write(package: str) -> None:
    folder = Path(package)
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "nets.py").write_text(CODE.format(package=package))
    Path(f"{package}_late.py").write_text("")


@pytest.mark.parametrize("package", ["models", "hw", "reports", "mine"])
@pytest.mark.parametrize("function", ["pair", "named", "single"])
def test_users_packages_may_be_called_anything(package: str, function: str) -> None:
    sys.modules.pop(package, None)
    write(package)
    found = load_source(f"{package}.nets:{function}")
    assert [(layer.name, layer.macs_dense) for layer in found.layers] == [("linear", 24)]


def test_another_batch() -> None:
    write("mine")
    assert load_source("mine.nets:named", batch=5).layers[0].macs_dense == 60
    assert load_source("mine.nets:pair", batch=1).layers[0].macs_dense == 12


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("absent:pair", "module 'absent' cannot be imported from"),
        ("mine.absent:pair", "module 'mine.absent' cannot be imported"),
        ("mine.nets:absent", "has no function 'absent'"),
        ("mine.nets:value", "has no function 'value'"),
        ("mine.nets:nothing", "expected it to return"),
        ("mine.nets:model_only", "expected it to return"),
        ("mine.nets:fails", r"fails\(\) failed: ValueError: two lines"),
        ("exits:pair", "cannot be imported.*SystemExit"),
        ("raises:pair", r"pair\(\) failed: BaseException: no Exception"),
        ("raises:forward", "does not export: no Exception"),
    ],
)
def test_wrong_names_and_results_are_one_line(source: str, expected: str) -> None:
    write("mine")
    Path("exits.py").write_text("raise SystemExit(3)")
    Path("raises.py").write_text(RAISES)
    with pytest.raises(InputError, match=expected) as caught:
        load_source(source)
    assert "\n" not in str(caught.value)
