"""The nets of a run in a window of clocks, written to a file for a power tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.errors import InputError

from .verilated import Trace


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A window of clocks of a run: how often each net changes (SAIF), or every change (VCD).

    Attributes:
        first: its first clock; the start pulse's is 0.
        clocks: how many, at most; it ends with the run.
    """

    file: Path
    trace: Trace
    first: int = 0
    clocks: int = 1 << 62

    @classmethod
    def of(cls, file: Path, first: int = 0, clocks: int = 1 << 62) -> Activity:
        """The file's name says which.

        Raises:
            InputError: it ends in neither .saif nor .vcd, or the window has no clock.
        """
        suffix = file.suffix.removeprefix(".").lower()
        if suffix not in (Trace.SAIF, Trace.VCD):
            raise InputError(f"activity {file}: expected a file .saif or .vcd")
        if first < 0 or clocks < 1:
            raise InputError(f"activity {file}: expected a window of a clock at least, not {clocks} from {first} on")
        return cls(file=file, trace=Trace(suffix), first=first, clocks=clocks)
