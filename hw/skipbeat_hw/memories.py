"""What memories promise of themselves."""

from __future__ import annotations

#: Of a memory in which no entry is ever read and written in the same clock. Without the promise Yosys adds registers
#: and multiplexers that give the old entry then. Rules that are proved (`tests/hw`) keep it; to simulators it means
#: nothing.
NO_COLLISION = {"no_rw_check": 1}
#: Entries of an ECP5's LUT memory. A deeper memory takes a multiplexer for each bit.
LUT_ENTRIES = 16
