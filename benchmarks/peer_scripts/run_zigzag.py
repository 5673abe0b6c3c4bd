"""Prices the ResNet-18 that comes with ZigZag on the TPU-like accelerator that comes with it.

    python run_zigzag.py

Prints the cycles.
"""

from __future__ import annotations

import json
import logging
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the tool's own entry."""
    from zigzag.api import get_hardware_performance_zigzag

    logging.disable(logging.CRITICAL)
    spec = find_spec("zigzag")
    assert spec is not None
    assert spec.submodule_search_locations
    inputs = Path(next(iter(spec.submodule_search_locations))) / "inputs"
    _, latency, _ = get_hardware_performance_zigzag(
        workload=str(inputs / "workload" / "resnet18.onnx"),
        accelerator=str(inputs / "hardware" / "tpu_like.yaml"),
        mapping=str(inputs / "mapping" / "tpu_like.yaml"),
        opt="latency",
        dump_folder="outputs",
        loma_show_progress_bar=False,
    )
    print(json.dumps({"cycles": round(latency)}))


if __name__ == "__main__":
    main()
