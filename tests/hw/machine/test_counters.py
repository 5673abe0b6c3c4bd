"""The counters in Amaranth's simulator: events of any kind, enabled or not, cleared at will."""

from __future__ import annotations

import random

from skipbeat_arch import ports
from skipbeat_arch.registers import Cause, Counter
from skipbeat_hw.machine.counters import READ_CLOCKS, Counters
from tests.hw.in_process import converted, simulate

CLOCKS = 600


def test_counts() -> None:
    """Each count that is shown is that of a clock in which it may have been asked for."""
    rng = random.Random(5)
    inputs = {name: [rng.getrandbits(1) for _ in range(CLOCKS)] for name in ("enable_i", "read_i", "write_i")}
    inputs["clear_i"] = [int(rng.random() < 0.005) for _ in range(CLOCKS)]
    inputs["activity_i"] = [rng.getrandbits(ports.word_bits(ports.ACTIVITY)) for _ in range(CLOCKS)]
    inputs["counter_i"] = [c for c in rng.choices(list(Counter), k=CLOCKS // 12) for _ in range(12)]
    seen = simulate(Counters(), inputs, ["count_o"])["count_o"]
    want = dict.fromkeys(Counter, 0)
    history = []
    for clock in range(CLOCKS):
        counter = tuple(Counter)[inputs["counter_i"][clock]]
        now = {name: values[clock] for name, values in inputs.items()}
        activity = ports.unpack(ports.ACTIVITY, now["activity_i"])
        for each in Counter:
            event = _event(each, activity, now["read_i"], now["write_i"])
            want[each] = 0 if now["clear_i"] else want[each] + now["enable_i"] * event
        history.append(dict(want))
        if clock % 12 >= READ_CLOCKS and not any(inputs["clear_i"][clock - READ_CLOCKS : clock]):
            shown = [counts[counter] for counts in history[clock - READ_CLOCKS : clock]]
            assert seen[clock] in shown, (clock, counter)


def test_no_event_is_lost() -> None:
    """All at once, as many as there can be, for so long that each counter's turn comes often; then all are read."""
    busy, read = 700, READ_CLOCKS * len(Counter)
    everything = ports.word_bits(ports.ACTIVITY)
    inputs = {name: [1] * busy + [0] * read for name in ("enable_i", "read_i", "write_i")}
    inputs["clear_i"] = [0] * (busy + read)
    inputs["activity_i"] = [(1 << everything) - 8 + Cause.COMPUTE] * busy + [0] * read
    inputs["counter_i"] = [0] * busy + [counter for counter in Counter for _ in range(READ_CLOCKS)]
    inputs = {name: [*values, values[-1]] for name, values in inputs.items()}
    seen = simulate(Counters(), inputs, ["count_o"])["count_o"]
    activity = ports.unpack(ports.ACTIVITY, inputs["activity_i"][0])
    for counter in Counter:
        count = seen[busy + READ_CLOCKS * (counter + 1)]
        assert count == busy * _event(counter, activity, 1, 1), counter.name


def _event(counter: Counter, activity: dict[str, int], read: int, write: int) -> int:
    """What a counter counts in a clock."""
    if Counter.IDLE <= counter <= Counter.OUTPUT_WAIT:
        return int(activity["cause"] == Cause[counter.name])
    named = {Counter.CYCLES: 1, Counter.READ_BEATS: read, Counter.WRITE_BEATS: write}
    fields = [name for name, _ in ports.ACTIVITY if name != "cause"]
    return named[counter] if counter in named else activity[fields[counter - Counter.BUNDLE_READS]]


def test_verilog() -> None:
    assert "module counters(" in converted(Counters(), "counters")
