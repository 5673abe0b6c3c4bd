"""Where the clock of a hardware description comes from: a measurement of just that hardware, or a wish."""

from __future__ import annotations

from .clock_table import WHOLE, measurements, preset_measurement
from .hardware import Hardware, load_hardware

ASSUMED = "assumed"


def clock_source(hw: Hardware) -> str:
    """`measured on DEVICE`, `measured on DEVICE with KEY=VALUE, …` for a preset that does not fit the device, or
    `assumed`: a clock that somebody wished for, or one of hardware of other sizes.
    """
    for row in measurements():
        if (row.top, row.device, row.clock_mhz) != (WHOLE, hw.device, hw.clock_mhz):
            continue
        if hw.sizes == load_hardware(row.preset, row.overrides).sizes:
            return f"measured on {row.device}"
        if row is preset_measurement(row.preset) and hw.sizes == load_hardware(row.preset).sizes:
            return f"measured on {row.device} with {', '.join(row.overrides)}"
    return ASSUMED
