"""Lockstep under cocotb: the table travels to the simulator's process in a file, and what it saw comes back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from skipbeat_arch.arrays import Bytes, UInt32Array
from skipbeat_arch.partial import partial

from .cocotb_runner import run_cocotb
from .lockstep_table import HeldTable, Observation, Simulator, Table
from .ports import Port

#: Environment variable that names the folder of the exchanged files.
FOLDER_VARIABLE = "SKIPBEAT_LOCKSTEP"
#: Of what a table showed.
SEEN = "seen.npz"
_TEST_MODULE = "skipbeat_hw.simulation.lockstep_test"


def run_under_cocotb(
    verilog: str, top: str, tables: Sequence[Table], simulator: Simulator, seed: int
) -> list[Observation]:
    """Run the tables under cocotb, one after the other in one simulation, each from reset.

    On Icarus, outputs with an undefined bit are not known.

    Raises:
        RuntimeError: the simulation failed.
    """
    ports = {port.name for table in tables for port in (*table.inputs, *table.outputs)}
    ports |= {table.clock for table in tables if table.clock}
    with partial(Path(tempfile.mkdtemp(prefix="lockstep-"))) as folder:
        for number, table in enumerate(tables):
            (folder / str(number)).mkdir()
            save_table(folder / str(number), table)
        env = {FOLDER_VARIABLE: str(folder)}
        result = run_cocotb(verilog, top, _TEST_MODULE, sorted(ports), simulator, env, seed)
        if result.failed or not result.passed:
            raise RuntimeError(f"lockstep of {top} on {simulator} failed:\n{result.log[-4000:]}")
        return [_seen(folder / str(number)) for number in range(len(tables))]


def _seen(folder: Path) -> Observation:
    with np.load(folder / SEEN) as seen:
        return Observation(inputs=seen["inputs"], outputs=seen["outputs"], known=seen["known"])


def table_folders(folder: Path) -> list[Path]:
    """Those of the tables that are to be run, in order."""
    return sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: int(path.name))


def save_table(folder: Path, table: Table) -> None:
    """Write a table to `table.json` and `table.npz`."""
    names = {
        "inputs": [asdict(port) for port in table.inputs],
        "outputs": [asdict(port) for port in table.outputs],
        "streams": [{"payload": s.payload, "valid": s.valid, "ready": s.ready} for s in table.streams],
        "clock": table.clock,
        "reset": table.reset,
    }
    (folder / "table.json").write_text(json.dumps(names))
    arrays: dict[str, UInt32Array | Bytes] = {}
    for i, stream in enumerate(table.streams):
        arrays |= {f"items{i}": stream.items, f"willing{i}": stream.willing}
    np.savez(folder / "table.npz", allow_pickle=False, values=table.values, **arrays)


def load_table(folder: Path) -> Table:
    """Inverse of `save_table`."""
    names = json.loads((folder / "table.json").read_text())
    with np.load(folder / "table.npz") as arrays:
        return Table(
            inputs=tuple(Port(**port) for port in names["inputs"]),
            outputs=tuple(Port(**port) for port in names["outputs"]),
            values=arrays["values"],
            streams=tuple(
                HeldTable(items=arrays[f"items{i}"], willing=arrays[f"willing{i}"], **stream)
                for i, stream in enumerate(names["streams"])
            ),
            clock=names["clock"],
            reset=names["reset"],
        )
