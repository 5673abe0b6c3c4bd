"""What Verilator has to say of a Verilog text."""

from __future__ import annotations

import subprocess
from pathlib import Path

from skipbeat_hw.simulation.toolchain import find_verilator
from skipbeat_hw.tools.verilog import MEANT


def linted(text: str, top: str, folder: Path) -> str:
    """The complaints of the lint that docs/integration.md names; empty if there are none. Files go to `folder`."""
    (folder / f"{top}.v").write_text(text)
    tools = find_verilator()
    meant = [f"-Wno-{warning}" for warning in MEANT]
    command = [str(tools.bin / "verilator"), "--lint-only", "--quiet", "-Wall", *meant, "--top-module", top, f"{top}.v"]
    done = subprocess.run(
        command, cwd=folder, env=tools.environment(), capture_output=True, text=True, check=False, timeout=250
    )
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")
