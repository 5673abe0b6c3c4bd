"""Legal hardware of every shape: arrays, buffers, lanes and buses as unlike as a description allows."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine

SIZES = (1, 2, 4, 8, 16)
#: What each key may be; buffers and blocks are small more often than not.
CHOICES: dict[str, tuple[int, ...]] = {
    "accumulators.depth": (1, 2, 3, 8, 24, 64, 1024),
    "activations.buffer_kib": (1, 2, 4, 16, 64),
    "weights.buffer_kib": (1, 2, 4, 16, 64),
    "outputs.buffer_kib": (1, 2, 8, 32),
    "memory.bytes_per_clock": (1, 2, 4, 16, 64),
    "memory.latency_clocks": (1, 8, 40, 150),
    "memory.burst_beats": (1, 2, 4, 16, 256),
    "memory.outstanding": (1, 2, 8),
}
#: What is drawn besides for an array of any size: dense machines, wide groups, and ports wider or narrower than a beat.
ODD: dict[str, tuple[int, ...]] = {
    "array.rows": (1, 2, 4, 8, 16, 32, 64),
    "array.cols": (1, 2, 4, 8, 16, 32, 64),
    "array.group": (1, 4, 8, 16, 32),
    "memory.port_bytes": (1, 4, 32, 128),
}


def random_hardware(rng: np.random.Generator, *, odd: bool = False) -> Hardware:
    """A description that has an accelerator; `odd` ones have what few would build."""
    while True:
        rows, cols = (int(size) for size in rng.choice(SIZES, 2))
        found = {key: int(rng.choice(values)) for key, values in CHOICES.items()}
        found |= {"array.rows": rows, "array.cols": cols, "array.group": int(rng.choice([4, 4, 8, 16]))}
        if odd:
            found |= {key: int(rng.choice(values)) for key, values in ODD.items()}
        lanes = [size for size in SIZES if size <= found["array.cols"]]
        found |= {key: int(rng.choice(lanes)) for key in ("outputs.lanes", "weights.decode_lanes")}
        hw = load_hardware("tiny-4x4", [f"{key}={value}" for key, value in found.items()])
        if Machine.fits(hw):
            return hw
