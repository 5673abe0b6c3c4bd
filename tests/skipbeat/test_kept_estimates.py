"""An estimate from the cache is the estimate, and the second time it needs no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_mapper.estimate import shared_prices

COMMAND = ["estimate", "zoo:llama-tiny", "--hw", "tiny-4x4", "--prune", "2:4", "--json"]
#: The command in a process of its own, which ends badly if it has imported torch.
WITHOUT_TORCH = f"import sys; from skipbeat.cli import main; main({COMMAND!r}); sys.exit('torch' in sys.modules)"


def estimate(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Standard output and standard error of the command, of a process that remembers nothing."""
    shared_prices.cache_clear()
    assert main(COMMAND) == 0
    return capsys.readouterr()


def test_kept_is_fresh_in_every_number_and_needs_no_torch(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = estimate(capsys)
    again = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True, capture_output=True, text=True)
    assert again.stdout == first
    for path in [path for path in empty_cache.rglob("*") if path.is_file()]:
        path.write_bytes(path.read_bytes()[:-1])
    mended, told = estimate(capsys)
    assert mended == first
    assert f"{next((empty_cache / 'models').iterdir()).name} is damaged and is made again" in told
    assert "damaged" not in estimate(capsys)[1]
    monkeypatch.setenv("SKIPBEAT_CACHE", "/dev/null/nowhere")
    fresh, told = estimate(capsys)
    assert fresh == first
    assert told.count("going on without it") == 2  # for models and for prices
