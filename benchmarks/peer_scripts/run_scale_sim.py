"""Prices convolutions with SCALE-Sim 3: weight-stationary, 32 x 32, as `benchmarks/peers.py` asks.

    python run_scale_sim.py LAYERS.json

LAYERS.json has {"name", "height", "width", "kernel", "channels", "filters", "stride"} of each layer, its padding in
height and width. Prints the sum of the cycles.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from scalesim.scale_sim import scalesim

CONFIG = """
[general]
run_name = peer
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
[architecture_presets]
ArrayHeight = 32
ArrayWidth = 32
IfmapSramSzkB = 256
FilterSramSzkB = 256
OfmapSramSzkB = 256
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
ReadRequestBuffer = 64
WriteRequestBuffer = 64
Dataflow = ws
Bandwidth = 10
[layout]
IfmapCustomLayout = False
FilterCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = false
"""


def main() -> None:
    """Write the tool's files, run it, and add up its report."""
    layers = json.loads(Path(sys.argv[1]).read_text())
    rows = [
        [
            each["name"],
            *(each["height"], each["width"], *each["kernel"]),
            *(each["channels"], each["filters"], *each["stride"]),
        ]
        for each in layers
    ]
    Path("scale.cfg").write_text(CONFIG)
    Path("topology.csv").write_text("\n".join(["name,"] + [",".join(map(str, [*row, "1:1"])) + "," for row in rows]))
    ones = ",".join(["1"] * 20)
    Path("layout.csv").write_text("\n".join(["name,", *(f"{row[0]},{ones}," for row in rows)]))
    tool = scalesim(
        save_disk_space=True, verbose=False, config="scale.cfg", topology="topology.csv", layout="layout.csv"
    )
    tool.run_scale(top_path="results")
    (report,) = Path("results").rglob("COMPUTE_REPORT.csv")
    with report.open() as file:
        lines = list(csv.DictReader(file, skipinitialspace=True))
    column = next(name for name in lines[0] if name and name.startswith("Total Cycles"))
    print(json.dumps({"cycles": round(sum(float(line[column]) for line in lines))}))


if __name__ == "__main__":
    main()
