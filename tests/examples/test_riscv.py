"""The RISC-V system: its firmware runs a network through the C driver, and notices what is wrong."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skipbeat_hw.simulation.toolchain import find_verilator

ROOT = Path(__file__).parents[2]
EXAMPLE, PAGE = ROOT / "examples" / "riscv", (ROOT / "docs" / "systems.md").read_text()
TOOLS = ("pythondata_cpu_picorv32", "ziglang")
MISSING = [name for name in TOOLS if importlib.util.find_spec(name) is None]


def make(build: Path) -> tuple[int, str]:
    """Status and words of `make sim`, with what is there already."""
    command = ["make", "--no-print-directory", "-C", str(EXAMPLE), f"PYTHON={sys.executable}", f"BUILD={build}", "sim"]
    env = {name: value for name, value in os.environ.items() if name not in {"MAKELEVEL", "MFLAGS", "MAKEFLAGS"}}
    done = subprocess.run(
        [*command, "DIGITS=2"], env=env, capture_output=True, text=True, check=False, timeout=880, cwd=EXAMPLE
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(bool(MISSING), reason=f"pip install 'skipbeat[soc]': there is no {' and no '.join(MISSING)}")
def test_the_system_reads_digits_and_notices_a_wrong_one(tmp_path: Path) -> None:
    find_verilator()
    status, said = make(tmp_path)
    assert status == 0, said[-3000:]
    told = re.findall(r"^(digit \d: a \d, logits as expected, \d+ clocks as expected)\r?$", said, re.MULTILINE)
    assert len(told) == 2
    assert all(line in PAGE.splitlines() for line in told)
    assert re.search(r"^PASS\r?$", said, re.MULTILINE)

    memory = tmp_path / "memory.hex"
    expected = int(np.load(tmp_path / "dump.npz")["y"][1, 0, 0, 0]) & 0xFFFF_FFFF
    text = memory.read_text()
    assert text.count(f"{expected:08x}") == 1
    memory.write_text(text.replace(f"{expected:08x}", f"{expected ^ 1:08x}"))
    status, said = make(tmp_path)
    assert status != 0
    assert re.search(r"^digit 1: a \d, WRONG LOGITS, \d+ clocks as expected\r?$", said, re.MULTILINE)
    assert re.search(r"^FAIL\r?$", said, re.MULTILINE)
