"""What an estimate costs to make: CPU-seconds of each part, memory, and whole commands.

    python benchmarks/estimate.py [--runs N] [--hw PRESET] [SOURCE[@TOKENS] ...]

Each source is priced pruned to 2:4, which prices it dense as well, on one core and with an empty cache, in a process of
its own; medians of N runs (5). `build` is the model's construction, `read` the recording of its operators and the
measuring of its zeros, `price` the search and the timing model for the first time, `again` the same description with
another memory latency, `memory` the process's peak above what it had when everything was imported: the model is let go
when it is read. `first` and `second` are CPU-seconds of the whole command `skipbeat estimate`, imports included, with a
cache that has nothing but compiled code and then is not empty. What is compiled is so before anything is measured, or
loaded if it was; `compiled` says how many CPU-seconds that took.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from skipbeat_arch.cache import VARIABLE, cache_root
from skipbeat_arch.compiled import KIND
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.search.timed_network import time_network

if TYPE_CHECKING:
    from skipbeat_models.zoo_model import ZooModel

SOURCES = ("zoo:resnet-18", "zoo:resnet-50", "zoo:vgg-16", "zoo:llama-2-7b@128", "zoo:llama-2-7b-decode@2048")
PATTERN, LATENCY = "2:4", 60
#: What torch imports when it is first asked for the shape of a result that only it knows: of language models.
LATE = ("torch._dynamo", "torch.fx.experimental.symbolic_shapes")
COLUMNS = ("build", "read", "price", "again", "memory", "compiled", "first", "second")


def measure(source: str, hw: str) -> dict[str, float]:
    """CPU-seconds of each stage and the peak in MB, in this process; torch runs on one thread."""
    import torch

    from skipbeat_arch.hardware import load_hardware
    from skipbeat_mapper.estimate import KeptPrices, estimate_model
    from skipbeat_models import zoo
    from skipbeat_models.scheme import Scheme
    from skipbeat_models.sources import from_module
    from skipbeat_models.sources.tracing.recorded import record_module

    torch.set_num_threads(1)
    name, tokens = split(source)
    hardware, entry = load_hardware(hw), zoo.find(name)
    other = load_hardware(hw, [f"memory.latency_clocks={LATENCY}"])
    import_late(entry)
    compiled = compile_timing(Machine.of(hardware))
    gc.collect()  # what imports left would be looked through in one stage or another
    imported = getrusage(RUSAGE_SELF).ru_maxrss
    times = [time.process_time()]
    model, inputs, kwargs = entry.source(tokens=tokens)
    times.append(time.process_time())
    scheme = Scheme.parse(PATTERN)
    description = from_module(model, inputs, kwargs, name=name, scheme=scheme, trace=record_module)
    times.append(time.process_time())
    del model, inputs, kwargs  # as the command, which keeps the description alone
    with tempfile.TemporaryDirectory() as os.environ[VARIABLE]:
        kept = KeptPrices()
        for each in (hardware, other):
            estimate_model(description, each, kept=kept)
            times.append(time.process_time())
    memory = (getrusage(RUSAGE_SELF).ru_maxrss - imported) / 1024
    found = [*(after - before for before, after in pairwise(times)), memory, compiled]
    return dict(zip(COLUMNS, found, strict=False))


def import_late(entry: ZooModel) -> None:
    """What else is imported until a model is read; transformers imports the code of a model when it is asked for."""
    from skipbeat_models.networks.language import MODELS

    if entry.network == "language":
        for module in LATE:
            import_module(module)
        transformers = import_module("transformers")
        for name in MODELS[entry.options["model"]][:2]:
            getattr(transformers, name)


def compile_timing(machine: Machine) -> float:
    """CPU-seconds until the program of a layer can be made and timed."""
    before = time.process_time()
    conv = Convolution(batch=1, c_in=1, c_out=1, height=1, width=1, kernel=(1, 1))
    time_network(layer_graph(conv, np.ones((1, 1), np.int8), "layer"), machine)
    return time.process_time() - before


def command_seconds(source: str, hw: str) -> dict[str, float]:
    """CPU-seconds of the whole command, with an empty cache and again."""
    name, tokens = split(source)
    command = [sys.executable, "-m", "skipbeat", "estimate", name, "--hw", hw, "--prune", PATTERN, "--json"]
    command += [] if tokens is None else ["--tokens", str(tokens)]
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        shutil.copytree(cache_root() / KIND, Path(cache) / KIND)
        for column in COLUMNS[-2:]:
            before = getrusage(RUSAGE_CHILDREN)
            environment = os.environ | {VARIABLE: cache, "OMP_NUM_THREADS": "1"}
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(command, check=True, env=environment, **quiet)
            after = getrusage(RUSAGE_CHILDREN)
            found[column] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


def split(source: str) -> tuple[str, int | None]:
    """The model's name and its number of tokens."""
    name, _, tokens = source.partition("@")
    return name, int(tokens) if tokens else None


def one_run(source: str, hw: str) -> dict[str, float]:
    """All columns of a source."""
    command = [sys.executable, __file__, "--measure", "--hw", hw, source]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout), **command_seconds(source, hw)}


def main() -> None:
    """Print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", metavar="SOURCE", default=SOURCES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hw", default="large-32x32")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.sources[0], given.hw)))
        return
    print(f"| source, on {given.hw} | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (1 + len(COLUMNS)))
    for source in given.sources:
        runs = [one_run(source, given.hw) for _ in range(given.runs)]
        cells = [median(run[column] for run in runs) for column in COLUMNS]
        named = zip(COLUMNS, cells, strict=True)
        texts = [f"{cell:.0f} MB" if column == "memory" else f"{cell:.2f}" for column, cell in named]
        print(f"| `{source}` | " + " | ".join(texts) + " |", flush=True)
    print(f"\nRepeat: {Path(__file__).parent.name}/{Path(__file__).name} {' '.join(sys.argv[1:])}")


if __name__ == "__main__":
    main()
