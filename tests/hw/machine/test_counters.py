"""The counters in Amaranth's simulator: events of any kind, enabled or not, cleared at will."""

from __future__ import annotations

import random

from skipbeat_arch import ports
from skipbeat_arch.registers import COUNTER_BITS, Cause, Counter
from skipbeat_hw.machine.counters import Counters
from tests.hw.in_process import converted, simulate

CLOCKS = 100


def test_counts() -> None:
    rng = random.Random(5)
    inputs = {name: [rng.getrandbits(1) for _ in range(CLOCKS)] for name in ("enable_i", "read_i", "write_i")}
    inputs["clear_i"] = [int(rng.random() < 0.03) for _ in range(CLOCKS)]
    inputs["activity_i"] = [rng.getrandbits(ports.word_bits(ports.ACTIVITY)) for _ in range(CLOCKS)]
    seen = simulate(Counters(), inputs, ["counts_o"])["counts_o"]
    want = dict.fromkeys((Counter.CYCLES, Counter.READ_BEATS, Counter.BUNDLE_READS, Counter.COMPUTE), 0)
    for clock in range(CLOCKS):
        now = {name: values[clock] for name, values in inputs.items()}
        counts = ports.unpack_array(seen[clock] or 0, len(Counter), COUNTER_BITS)
        assert {counter: counts[counter] for counter in want} == want
        activity = ports.unpack(ports.ACTIVITY, now["activity_i"])
        events = (1, now["read_i"], activity["bundles"], activity["cause"] == Cause.COMPUTE)
        for counter, event in zip(want, events, strict=True):
            want[counter] = 0 if now["clear_i"] else want[counter] + now["enable_i"] * event


def test_verilog() -> None:
    assert "module counters(" in converted(Counters(), "counters")
