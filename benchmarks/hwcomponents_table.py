"""Writes the energy table hwcomponents-40nm to standard output; needs Python 3.12 or later, and not skipbeat.

    pip install hwcomponents==1.0.114 hwcomponents-cacti==1.0.40 hwcomponents-library==1.0.58 \\
        hwcomponents-neurosim==1.0.43
    python benchmarks/hwcomponents_table.py > sim/skipbeat_sim/energy/tables/hwcomponents-40nm.yaml

(hwcomponents-library imports hwcomponents-neurosim, which it does not require.) Where the C library is older than 2.38
the CACTI of hwcomponents-cacti does not start, and is compiled again from the sources beside it:

    g++ -O1 -w -DNTHREADS=1 -std=c++11 -o cacti $(ls *.cc | grep -v wrap) -lpthread
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

NODE = 40e-9
KIB = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
WIDTH = 64
PACKAGES = ("hwcomponents", "hwcomponents-cacti", "hwcomponents-library")


def main() -> None:
    """Prints the table."""
    cacti, aladdin = import_module("hwcomponents_cacti"), import_module("hwcomponents_library.library.aladdin")
    adder, multiplier = aladdin.AladdinAdder(NODE, 32), aladdin.AladdinMultiplier(NODE, 32)
    register, dram = aladdin.AladdinRegister(NODE, 1), cacti.LPDDR4(64)
    lines = [
        "# Energy per action in pJ, leakage in uW; written by benchmarks/hwcomponents_table.py, which says how.",
        "name: hwcomponents-40nm",
        "technology: 40 nm",
        "unit: pJ",
        "source: >-",
        f"  {', '.join(f'{name} {version(name)}' for name in PACKAGES)} (2026):",
        "  logic from Aladdin (Shao et al., ISCA 2014), native at 40 nm, rows of 1 ns;",
        "  memories from CACTI (cells of low standby power), scaled to 40 nm by the package; LPDDR4",
        "multiply:",
        f"  - {{bits: 32, energy: {pj(multiplier.multiply())}, leakage_uw: {leak(multiplier)}}}",
        "add:",
        f"  - {{bits: 32, energy: {pj(adder.add())}, leakage_uw: {leak(adder)}}}",
        f"register: {{bits: 1, energy: {pj(register.read())}}}",
        "sram:",
    ]
    for kib in KIB:
        memory = cacti.SRAM(tech_node=NODE, width=WIDTH, size=kib * 8192)
        energies = f"energy: {pj(memory.read())}, write: {pj(memory.write())}, leakage_uw: {leak(memory)}"
        lines.append(f"  - {{kib: {kib}, bits: {WIDTH}, {energies}}}")
    print("\n".join([*lines, f"dram: {{bits: 64, energy: {pj(dram.read())}}}"]))


def pj(cost: Any) -> float:
    """An action's energy; hwcomponents has joules."""
    return float(f"{cost.energy * 1e12:.4g}")


def leak(model: Any) -> float:
    """The power that leaks; hwcomponents has watts."""
    return float(f"{model.leak_power * 1e6:.4g}")


if __name__ == "__main__":
    main()
