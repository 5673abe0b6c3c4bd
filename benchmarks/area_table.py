"""Synthesises the configurations that the model of the area is fitted to, and records their cells in the package.

    python benchmarks/area_table.py

Each is measured as `skipbeat synth --hw PRESET --set KEY=VALUE --top accelerator --seeds 0` measures it (Yosys alone,
ECP5), the small ones first, and stands in `arch/skipbeat_arch/area_table.json` as soon as it is known; what is there
with today's RTL is left as it is. All of them take about 40 minutes of one core.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib.metadata import version

from skipbeat_arch.clock_table import AREA_TABLE, WHOLE, ClockMeasurement, measurements, record
from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.tools.synthesis import Part, synthesise
from skipbeat_hw.tools.synthesis_tops import operands, top_fingerprint, top_verilog

#: Presets with what is changed in them. Each size is there with several values of its neighbours, so that a term of the
#: model is not seen beside one other alone.
CONFIGURATIONS = (
    ("tiny-4x4", ""),
    ("tiny-4x4", "array.group=1 weights.decode_lanes=1"),
    ("tiny-4x4", "weights.decode_lanes=4"),
    ("tiny-4x4", "outputs.lanes=4"),
    ("tiny-4x4", "outputs.lanes=1 weights.decode_lanes=1"),
    ("tiny-4x4", "array.rows=8"),
    ("tiny-4x4", "array.cols=8"),
    ("tiny-4x4", "array.cols=8 array.group=8"),
    ("tiny-4x4", "array.cols=8 outputs.lanes=8 memory.bytes_per_clock=8"),
    ("tiny-4x4", "array.rows=16 array.group=1 weights.decode_lanes=1"),
    ("tiny-4x4", "weights.buffer_kib=32 activations.buffer_kib=64 accumulators.depth=1024 outputs.buffer_kib=32"),
    ("edge-8x8", ""),
    ("dense-8x8", ""),
    ("edge-8x8", "array.group=8"),
    ("edge-8x8", "weights.decode_lanes=8 outputs.lanes=8"),
    ("edge-8x8", "outputs.lanes=2 memory.bytes_per_clock=4"),
    ("edge-8x8", "array.cols=16 array.rows=4"),
    ("edge-8x8", "array.rows=16"),
    ("edge-8x8", "array.cols=16"),
    ("edge-8x8", "array.cols=16 array.group=16"),
    ("edge-16x16", ""),
    ("edge-16x16", "outputs.lanes=16"),
    ("dense-16x16", ""),
)


def main() -> None:
    """The command."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    known = {(row.preset, row.overrides): row.fingerprint for row in measurements(AREA_TABLE)}
    for preset, text in CONFIGURATIONS:
        overrides = tuple(text.split())
        hardware = load_hardware(preset, overrides)
        fingerprint = top_fingerprint(hardware, WHOLE)
        if known.get((preset, overrides)) == fingerprint:
            continue
        found = synthesise(
            top_verilog(hardware, WHOLE), WHOLE, Part.ECP5, operands=operands(hardware, WHOLE), seeds=(), progress=print
        )
        sets = "".join(f" --set {override}" for override in overrides)
        measured = ClockMeasurement(
            preset=preset,
            overrides=overrides,
            top=WHOLE,
            device=Part.ECP5.device,
            fingerprint=fingerprint,
            area=asdict(found.area),
            tools=(f"amaranth {version('amaranth')}", *found.tools),
            command=f"skipbeat synth --hw {preset}{sets} --top {WHOLE} --seeds 0",
        )
        record(measured, AREA_TABLE)
        print(hardware.name, measured.area, flush=True)


if __name__ == "__main__":
    main()
