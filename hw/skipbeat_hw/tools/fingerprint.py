"""A name for what a component is, by which a measurement knows whether it is still of today's RTL."""

from __future__ import annotations

import hashlib

from amaranth.back import rtlil
from amaranth.lib.wiring import Component

from ..core.cells import SharedCells


def rtl_fingerprint(component: Component, name: str) -> str:
    """16 hexadecimal digits of the RTL below `component`, whose module is called `name`.

    It does not change with lines of the source, with comments, or with the version of Yosys; it does with names of
    signals, and it may with the version of Amaranth.
    """
    shared = SharedCells()
    digest = hashlib.sha256(rtlil.convert(component, name, shared, emit_src=False).encode())
    for cell, part in shared.cells.items():
        digest.update(rtlil.convert(part, cell, emit_src=False).encode())
    return digest.hexdigest()[:16]
