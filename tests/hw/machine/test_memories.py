"""The memories in Amaranth's simulator: what is written is read, a clock after its address.

What the load engine writes is held for a clock, so the last word is read two clocks after it came.
"""

from __future__ import annotations

import random

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import bank_write_fields, memory_write_fields
from skipbeat_hw.machine.memories import Memories
from tests.hw.in_process import converted, refuses, simulate
from tests.hw.in_process import ports as ports_of
from tests.hw.machine.lockstep_parts import SMALL

MACHINE = SMALL.machine


def test_what_is_written_is_read() -> None:
    rng, part = random.Random(7), Memories(MACHINE)
    words = [rng.getrandbits(8 * MACHINE.vector) for _ in range(8)]
    begin = len(words) + 1
    clocks = begin + len(words) + 1
    inputs = {name: [0] * clocks for name in ports_of(part) if name.endswith("_i")}
    rows = MACHINE.hw.array.rows
    for at, word in enumerate(words):
        fields = {"enable": 0b0111, "address": at, "data": word}
        inputs["memory_write_i"][at] = ports.pack(memory_write_fields(MACHINE), fields)
        inputs["bank_write_i"][at] = ports.pack(bank_write_fields(MACHINE), fields | {"enable": 1 << at % rows})
        inputs["output_enable_i"][at], inputs["output_write_address_i"][at] = 1, at
        inputs["output_data_i"][at] = word
        for name in ("weight", "parameter", "residual", "output_read"):
            inputs[f"{name}_address_i"][begin + at] = at
        inputs["bank_address_i"][begin + at] = ports.pack_array([at] * rows, 16)
    inputs |= {f"{name}_enable_i": [1] * clocks for name in ("weight", "residual", "bank")}
    outputs = ["weight_o", "parameter_o", "residual_o", "output_o", "bundles_o"]
    seen = simulate(part, inputs, outputs)
    for at, word in enumerate(words):
        clock = begin + at + 1
        assert [seen[name][clock] for name in outputs[:4]] == [word] * 4
        bundles = ports.unpack_array(seen["bundles_o"][clock] or 0, rows, ports.bundle_bits(MACHINE.hw))
        row = at % rows
        assert bundles[row] == ports.unpack_array(word, MACHINE.bundles, 32)[row % MACHINE.bundles]


def test_verilog() -> None:
    assert "module memories(" in converted(Memories(MACHINE), "memories")


def test_wants_a_machine() -> None:
    refuses(Memories)
