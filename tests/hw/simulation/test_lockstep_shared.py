"""The compiled backend by itself: what was applied comes back, and its clock loop runs streams and resets."""

from __future__ import annotations

import numpy as np

from skipbeat_hw.simulation.lockstep_shared import run_shared
from skipbeat_hw.simulation.lockstep_table import HeldTable, Table
from skipbeat_hw.simulation.ports import columns, from_words, read_ports, to_words


def test_inputs_come_back_as_applied_and_every_output_is_known(accumulate: str) -> None:
    ports = read_ports(accumulate, "accumulate")
    inputs, outputs = (ports["x"], ports["rst"]), (ports["sum"], ports["sign"])
    given, resets = [3, -4, 7, 1, -16], [0, 0, 0, 1, 0]
    values = np.concatenate([to_words(given, ports["x"]), to_words(resets, ports["rst"])], axis=1)
    table = Table(inputs=inputs, outputs=outputs, values=values, streams=(), clock="clk", reset="rst")
    seen = run_shared(accumulate, "accumulate", table)
    np.testing.assert_array_equal(seen.inputs, values)
    assert seen.known.shape == (5, 2)
    assert seen.known.all()
    at = columns(outputs)
    assert from_words(seen.outputs[:, at["sum"]]) == [0, 3, (1 << 70) - 1, 6, 0]
    assert from_words(seen.outputs[:, at["sign"]]) == [0, 1, 0, 0, 1]


def test_a_stream_keeps_its_item_until_it_is_taken(fifo: str) -> None:
    """Nobody takes what comes out, so four items and the one in front of them go in; the next one stays."""
    ports = read_ports(fifo, "fifo")
    inputs = tuple(port for port in ports.values() if port.is_input and port.name != "clk")
    outputs = tuple(port for port in ports.values() if not port.is_input)
    items = [7, 1 << 99, 5, 4, 3, 2, 1, 9]
    stream = HeldTable(
        items=to_words(items, ports["i__payload"]),
        willing=np.array([1], np.uint8),
        payload="i__payload",
        valid="i__valid",
        ready="i__ready",
    )
    words = sum(port.words for port in inputs)
    table = Table(
        inputs=inputs,
        outputs=outputs,
        values=np.zeros((20, words), np.uint32),
        streams=(stream,),
        clock="clk",
        reset="rst",
    )
    seen = run_shared(fifo, "fifo", table)
    offered = from_words(seen.inputs[:, columns(inputs)["i__payload"]])
    ready = from_words(seen.outputs[:, columns(outputs)["i__ready"]])
    taken = [item for item, took in zip(offered, ready, strict=True) if took]
    assert taken == items[: len(taken)]
    assert 4 <= len(taken) <= 5
    assert set(offered[len(taken) + 1 :]) == {items[len(taken)]}
    assert not table.values.any(), "the table itself is left alone"
