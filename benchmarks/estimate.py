"""What an estimate costs to make: CPU-seconds after imports and model construction, whole-command seconds, memory.

    python benchmarks/estimate.py [SOURCE ...]

Each source is priced on large-32x32 pruned to 2:4 (which prices it dense as well), twice: as the command `skipbeat
estimate`, whose wall-clock seconds are taken, and in a process of its own that measures itself. `build` is the model's
construction, `read` the export and the measuring of its zeros, `price` the search and the timing model; `memory` is the
process's peak above what it had when everything was imported, the model included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

SOURCES = ("zoo:resnet-18", "zoo:resnet-50", "zoo:llama-2-7b")
HARDWARE, PATTERN = "large-32x32", "2:4"


def measure(source: str) -> dict[str, float]:
    """CPU-seconds of each stage and the peak in MB, in this process; torch runs on one thread."""
    import torch

    from skipbeat_arch.hardware import load_hardware
    from skipbeat_mapper.estimate import estimate_model
    from skipbeat_models import zoo
    from skipbeat_models.scheme import Scheme
    from skipbeat_models.sources import from_module

    torch.set_num_threads(1)
    hardware, entry = load_hardware(HARDWARE), zoo.find(source)
    if entry.network == "language":
        import_module("transformers")  # an import, and so not counted
    imported = getrusage(RUSAGE_SELF).ru_maxrss
    times = [time.process_time()]
    model, inputs, kwargs = entry.source()
    times.append(time.process_time())
    description = from_module(model, inputs, kwargs, name=source, scheme=Scheme.parse(PATTERN))
    times.append(time.process_time())
    estimate = estimate_model(description, hardware)
    times.append(time.process_time())
    build, read, price = (after - before for before, after in pairwise(times))
    memory = (getrusage(RUSAGE_SELF).ru_maxrss - imported) / 1024
    return {"build": build, "read": read, "price": price, "memory": memory, "cycles": estimate.cycles}


def command_seconds(source: str) -> tuple[float, float]:
    """Wall-clock and CPU-seconds of the whole command."""
    command = [sys.executable, "-m", "skipbeat", "estimate", source, "--hw", HARDWARE, "--prune", PATTERN, "--json"]
    before, begin = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after, end = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    return end - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(sources: tuple[str, ...]) -> None:
    """Print a table of Markdown."""
    print("| source | build, CPU s | read, CPU s | price, CPU s | memory, MB | command, s | command, CPU s |")
    print("|---|---|---|---|---|---|---|")
    for source in sources:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", source], check=True, capture_output=True, text=True
        )
        found = json.loads(done.stdout)
        wall, cpu = command_seconds(source)
        print(
            f"| `{source}` | {found['build']:.2f} | {found['read']:.2f} | {found['price']:.2f} | "
            f"{found['memory']:.0f} | {wall:.1f} | {cpu:.1f} |",
            flush=True,
        )
    where = Path(sys.argv[0])
    print(f"\nRepeat: {where.parent.name}/{where.name} {' '.join(sources)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(tuple(sys.argv[1:]) or SOURCES)
