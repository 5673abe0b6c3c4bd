"""What other tools need to price the same: CPU-seconds and memory, each from its package in an environment of its own.

    python benchmarks/peers.py [--folder build/peers] [--runs N]

ResNet-18 (`zoo:resnet-18`, each layer's input enlarged by its padding) for SCALE-Sim on 32 x 32, weight-stationary; the
ResNet-18 that comes with ZigZag on its TPU-like accelerator; the seven products of a Llama-2-7B layer for AccelForge on
its TPU-v4i; and `skipbeat estimate` of the same models at 2:4 and dense on large-32x32, with a cache that has nothing
but compiled code: what comes after its imports (building, reading and pricing; memory above them), as `estimate.py`
measures it, and the whole command. Peers are whole processes. Medians of N runs (3); one core where the tool lets us
choose. None of them does what another does: SCALE-Sim counts cycles of
folds, ZigZag and AccelForge search mappings analytically, skipbeat finds the clocks of a program. Takes about half an
hour on idle cores, most of it SCALE-Sim. A tool that cannot be installed or does not run is a line that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from estimate import command_seconds

SCRIPTS = Path(__file__).parent / "peer_scripts"


@dataclass(frozen=True)
class Peer:
    """A tool: what is installed, and the script that runs it with its arguments."""

    name: str
    packages: tuple[str, ...]
    script: str
    arguments: tuple[str, ...]
    work: str


PEERS = (
    # SCALE-Sim's results are arrays of one element, which newer versions of NumPy do not take for numbers.
    Peer("SCALE-Sim", ("scalesim==3.0.0", "numpy<2.3"), "run_scale_sim.py", ("layers.json",), "ResNet-18"),
    Peer("ZigZag", ("zigzag-dse==3.9.1", "six"), "run_zigzag.py", (), "ResNet-18"),
    Peer("AccelForge", ("accelforge==1.0.467",), "run_accelforge.py", ("128",), "a Llama-2-7B layer, 128 tokens"),
    Peer("AccelForge", ("accelforge==1.0.467",), "run_accelforge.py", ("2048",), "a Llama-2-7B layer, 2,048 tokens"),
)
OURS = (("ResNet-18", "zoo:resnet-18"), ("Llama-2-7B, all layers, 128 tokens", "zoo:llama-2-7b@128"))
HARDWARE = "large-32x32"


def write_layers(folder: Path) -> None:
    """`layers.json` of ResNet-18, as `run_scale_sim.py` reads it."""
    from skipbeat_arch.workload import Convolution
    from skipbeat_models.sources import load_source

    layers = []
    for layer in load_source("zoo:resnet-18").layers:
        work = layer.parts[0].workload
        conv = work if isinstance(work, Convolution) else None
        sizes = (conv.height, conv.width, *conv.padding) if conv else (1, 1, 0, 0)
        layers.append(
            {
                "name": layer.name,
                "height": sizes[0] + 2 * sizes[2],
                "width": sizes[1] + 2 * sizes[3],
                "kernel": conv.kernel if conv else (1, 1),
                "channels": conv.c_in if conv else work.c,
                "filters": conv.c_out if conv else work.k,
                "stride": conv.stride if conv else (1, 1),
            }
        )
    (folder / "layers.json").write_text(json.dumps(layers))


def installed(peer: Peer, folder: Path) -> Path:
    """Python of the environment that has the tool.

    Raises:
        RuntimeError: it cannot be installed.
    """
    place = folder / peer.script.removesuffix(".py")
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        venv.create(place, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cannot be installed: {last_line(done.stderr)}")
        (place / "installed").touch()
    return python


def measured(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """CPU-seconds and the peak in MB of a command.

    Raises:
        RuntimeError: it fails.
    """
    with get_context("spawn").Pool(1) as pool:  # a process of its own has no other children's time and memory
        found = pool.apply(_measured, (list(command), folder))
    if isinstance(found, str):
        raise RuntimeError(f"does not run: {found}")
    return found


def _measured(command: list[str], folder: Path) -> tuple[float, float] | str:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return last_line(done.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def last_line(text: str) -> str:
    """What a tool said at its end."""
    return (text.strip().splitlines() or ["without a word"])[-1][:200]


def row(name: str, work: str, command: Sequence[str], folder: Path, runs: int) -> str:
    """A line of the table."""
    try:
        found = [measured(command, folder) for _ in range(runs)]
    except RuntimeError as error:
        return f"| {name} | {work} | {error} | |"
    seconds, memory = (median(each[at] for each in found) for at in (0, 1))
    return f"| {name} | {work} | {seconds:,.1f} s | {memory:,.0f} MB |"


def our_rows(work: str, source: str, runs: int) -> Iterator[str]:
    """The lines of a source of ours."""
    command = [sys.executable, str(Path(__file__).with_name("estimate.py")), "--measure", "--hw", HARDWARE, source]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    found, whole = [], []
    for _ in range(runs):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
        whole.append(command_seconds(source, HARDWARE)["first"])
    seconds = median(sum(each[part] for part in ("build", "read", "price")) for each in found)
    memory = median(each["memory"] for each in found)
    yield f"| skipbeat, after imports | {work} | {seconds:,.2f} s | {memory:,.0f} MB |"
    yield f"| skipbeat, the whole command | {work} | {median(whole):,.1f} s | |"


def main() -> None:
    """Print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/peers"))
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    write_layers(folder)
    print("| tool | work | CPU | memory |\n|---|---|---|---|", flush=True)
    for work, source in OURS:
        for line in our_rows(work, source, given.runs):
            print(line, flush=True)
    for peer in PEERS:
        name = f"{peer.name} ({peer.packages[0]})"
        try:
            python = installed(peer, folder)
        except RuntimeError as error:
            print(f"| {name} | {peer.work} | {error} | |", flush=True)
            continue
        command = [str(python), str((SCRIPTS / peer.script).absolute()), *peer.arguments]
        print(row(name, peer.work, command, folder, given.runs), flush=True)


if __name__ == "__main__":
    main()
