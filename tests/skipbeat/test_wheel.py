"""The wheel works away from the repository, and says on a package index what can be read there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_MODEL = """
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4)), torch.zeros(1, 1, 4, 4)
"""
_PARTS = (
    "skipbeat",
    *(f"{part}/skipbeat_{part}" for part in ("arch", "hw", "sim", "mapper", "models", "reports", "verify")),
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (built,) = folder.glob("skipbeat-*.whl")
    return built


def test_it_has_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = {
        f"{Path(part).name}/{path.relative_to(ROOT / part).as_posix()}"
        for part in _PARTS
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= packed
    assert {name.partition("/")[0] for name in packed if ".dist-info" not in name} == {Path(p).name for p in _PARTS}


def test_its_page_links_to_nothing_that_an_index_has_not(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        page = archive.read(name).decode()
    assert "Description-Content-Type: text/markdown" in page
    assert len(page) > 5000
    assert re.findall(r"\]\((?!https?:)[^)]*\)", page) == []


def test_it_estimates_away_from_the_repository(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, which sees the packages of this one but not the repository."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    home = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True)
    (home / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (tmp_path / "own.py").write_text(_MODEL)
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    command = [str(python.with_name("skipbeat")), "estimate", "own:small", "--prune", "2:4", "--html", "page.html"]
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (home / "skipbeat" / "__init__.py").is_file()
    assert (tmp_path / "page.html").stat().st_size > 10_000
