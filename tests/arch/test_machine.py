"""The machine's sizes, and the hardware that has a core but no machine."""

from __future__ import annotations

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware, preset_names
from skipbeat_arch.machine import Machine


@pytest.mark.parametrize("preset", preset_names())
def test_sizes_follow_from_the_description(preset: str) -> None:
    hw = load_hardware(preset)
    machine = Machine.of(hw)
    assert machine.vector == hw.array.cols
    assert machine.bundles * hw.array.group == machine.vector
    assert machine.weight_depth * machine.vector == hw.weights.buffer_kib * 1024
    assert machine.bank_depth * hw.array.rows * hw.array.group == hw.activations.buffer_kib * 1024
    assert 2 * machine.output_depth * machine.vector == hw.outputs.buffer_kib * 1024
    assert machine.burst_beats * machine.beat_bytes <= 4096


@pytest.mark.parametrize("preset", preset_names())
def test_no_preset_states_bandwidth_that_its_machine_cannot_use(preset: str) -> None:
    """A vector read and one written in a clock are the most."""
    hw = load_hardware(preset)
    assert hw.memory.bytes_per_clock <= 2 * Machine.of(hw).vector


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["array.rows=3"], "power of two in array.rows, not 3"),
        (["outputs.lanes=3"], "outputs.lanes that divide array.cols (4), not 3"),
        (["numbers.weight_bits=4"], "8-bit numbers"),
        (["array.group=8"], "array.group <= array.cols"),
        (["memory.bytes_per_clock=6"], "power of two in memory.bytes_per_clock, not 6"),
        (["weights.buffer_kib=257"], "at most 65536 vectors in weights.buffer_kib, not 65792"),
        (["activations.buffer_kib=1025"], "at most 65536 entries of a bank in activations.buffer_kib, not 65600"),
        (["outputs.buffer_kib=257"], "at most 65536 vectors of residuals in outputs.buffer_kib, not 65792"),
    ],
)
def test_what_only_the_core_supports_is_refused(keys: list[str], message: str) -> None:
    with pytest.raises(InputError, match="the accelerator needs") as refused:
        Machine.of(load_hardware("tiny-4x4", keys))
    assert message in str(refused.value)


def test_the_deepest_memories() -> None:
    keys = ["weights.buffer_kib=256", "activations.buffer_kib=1024", "outputs.buffer_kib=256"]
    machine = Machine.of(load_hardware("tiny-4x4", keys))
    assert (machine.weight_depth, machine.bank_depth, machine.residual_depth) == (1 << 16,) * 3


@pytest.mark.parametrize(
    ("bandwidth", "beat", "beats", "duplex"), [(1, 1, 4, False), (2, 2, 2, False), (4, 4, 1, False), (8, 4, 1, True)]
)
def test_the_port_is_as_wide_as_the_memory_or_a_vector(bandwidth: int, beat: int, beats: int, duplex: bool) -> None:
    machine = Machine.of(load_hardware("tiny-4x4", [f"memory.bytes_per_clock={bandwidth}"]))
    assert (machine.beat_bytes, machine.vector_beats, machine.duplex) == (beat, beats, duplex)


@pytest.mark.parametrize(
    ("port", "beat", "places", "duplex"), [("null", 4, 1, True), (2, 2, 1, True), (4, 4, 1, True), (16, 4, 4, True)]
)
def test_the_port_may_have_a_width_of_its_own(port: int | str, beat: int, places: int, duplex: bool) -> None:
    """One that is narrower makes beats narrower; programs are the same."""
    machine = Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=8", f"memory.port_bytes={port}"]))
    assert (machine.beat_bytes, machine.port_places, machine.duplex) == (beat, places, duplex)
    assert machine.port_bytes == beat * places
    assert machine.fingerprint == Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=8"])).fingerprint


def test_the_fingerprint_tells_programs_apart_not_names() -> None:
    hw = load_hardware("tiny-4x4")
    same = load_hardware("tiny-4x4", ["name=other", "clock_mhz=300"])
    other = load_hardware("tiny-4x4", ["memory.burst_beats=8"])
    assert Machine.of(hw).fingerprint == Machine.of(same).fingerprint
    assert Machine.of(hw).fingerprint != Machine.of(other).fingerprint
    assert 0 <= Machine.of(hw).fingerprint < 1 << 32


@pytest.mark.parametrize(
    ("rows", "cols", "group", "fits"),
    [(16, 16, 16, True), (16, 16, 32, False), (2, 8, 4, True), (1, 8, 4, False), (8, 8, 1, True), (4, 8, 1, False)],
)
def test_columns_are_a_bundle_at_least_and_a_row_of_the_banks_at_most(
    rows: int, cols: int, group: int, fits: bool
) -> None:
    hardware = load_hardware("tiny-4x4", [f"array.rows={rows}", f"array.cols={cols}", f"array.group={group}"])
    assert Machine.fits(hardware) is fits is (Machine.lacking(hardware) is None) is (group <= cols <= rows * group)
