"""Prices the seven products of a Llama-2-7B layer with AccelForge, each on the TPU-v4i that comes with it.

    python run_accelforge.py TOKENS

Prints the latency in seconds; the tool has no clock of its own.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import files
from pathlib import Path

#: Inputs and outputs of the products: queries, keys, values, the way out, gate, up and down.
PRODUCTS = [(4096, 4096)] * 4 + [(4096, 11008)] * 2 + [(11008, 4096)]

WORKLOAD = """
workload:
  iteration_space_shape:
    m: 0 <= m < {m}
    n0: 0 <= n0 < {c}
    n1: 0 <= n1 < {k}
  bits_per_value: {{All: 8}}
  einsums:
  - name: Matmul0
    tensor_accesses:
    - {{name: T0, projection: [m, n0]}}
    - {{name: W0, projection: [n0, n1]}}
    - {{name: T1, projection: [m, n1], output: True}}
    renames: {{weight: W0, input: T0, output: T1}}
"""


def main() -> None:
    """Map each product to the architecture."""
    import accelforge as af

    af.set_n_parallel_jobs(1)
    architecture = next(path for path in files("accelforge") or [] if path.name == "tpu_v4i.yaml").locate()
    latency = 0.0
    for c, k in PRODUCTS:
        Path("product.yaml").write_text(WORKLOAD.format(m=sys.argv[1], c=c, k=k))
        spec = af.Spec.from_yaml(architecture, "product.yaml")
        spec.mapper.metrics = af.mapper.Metrics.LATENCY
        latency += float(spec.map_workload_to_arch().latency())
    print(json.dumps({"seconds": latency}))


if __name__ == "__main__":
    main()
