"""Progress of long work, on standard error."""

from __future__ import annotations

import sys


def step(message: str) -> None:
    """Say what begins now."""
    print(f"skipbeat: {message}", file=sys.stderr, flush=True)
