"""What ran beside an estimate: what counts as agreement, and what the page says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_reports.estimate import render_page
from skipbeat_reports.ran import Accuracy, MachineCheck, MachineLayer, Ran
from tests.reports.estimate.estimates import make_estimate


def layer(name: str, cycles: int, steps: int, bound: str, bound_clocks: int) -> MachineLayer:
    return MachineLayer(
        name=name,
        rtl_cycles=cycles,
        model_cycles=cycles,
        timing_cycles=cycles,
        steps=steps,
        bound=bound,
        bound_clocks=bound_clocks,
    )


CHECK = MachineCheck(
    images=16,
    bit_exact=True,
    counters_agree=True,
    rtl_cycles=12_040,
    model_cycles=12_040,
    timing_cycles=12_040,
    counters={"idle": 3, "compute": 10_112},
    clocks_per_second=200_000,
    layers=(layer("conv1", 2_210, 512, "memory", 1_800), layer("conv2", 9_790, 9_600, "compute", 9_600)),
)
RAN = Ran(
    data="digits",
    pattern="2:4",
    accuracy=Accuracy(dense=0.984, pruned=0.982, int8=0.98, test_images=450),
    machine=CHECK,
    seed=3,
    versions={"numpy": "2.4"},
)


def test_agreement_needs_bits_counters_cycles_and_every_layer() -> None:
    assert CHECK.agrees
    assert not replace(CHECK, bit_exact=False).agrees
    assert not replace(CHECK, counters_agree=False).agrees
    for level in ("rtl_cycles", "model_cycles", "timing_cycles"):
        assert not replace(CHECK, **{level: getattr(CHECK, level) + 1}).agrees
        changed = replace(CHECK.layers[0], **{level: getattr(CHECK.layers[0], level) + 1})
        assert not replace(CHECK, layers=(changed, *CHECK.layers[1:])).agrees


def test_core_speed_is_steps_per_clock() -> None:
    assert CHECK.core_speed == pytest.approx((512 + 9_600) / 12_040)


@pytest.mark.parametrize("machine", [CHECK, replace(CHECK, timing_cycles=12_041)], ids=["agrees", "differs"])
def test_the_page_states_what_the_machine_did(machine: MachineCheck) -> None:
    text = render_page(make_estimate(), replace(RAN, machine=machine))
    assert ("of the whole machine do not agree" in text) is (not machine.agrees)
    for number in ("12,040", "2,210", "9,790", "9,600", "84.0", "98.0", "seed 3", "numpy 2.4"):
        assert number in text


def test_an_estimate_alone_has_no_such_section() -> None:
    assert "What ran" not in render_page(make_estimate())


def test_json_has_what_is_derived() -> None:
    found = RAN.to_json()
    assert found["machine"]["agrees"] is True
    assert found["machine"]["core_speed"] == CHECK.core_speed
    assert found["accuracy"] == {"dense": 0.984, "pruned": 0.982, "int8": 0.98, "test_images": 450}


def test_an_accuracy_is_a_share() -> None:
    with pytest.raises(ValueError, match="dense"):
        replace(RAN.accuracy, dense=1.2)
    with pytest.raises(ValueError, match="int8"):
        replace(RAN.accuracy, int8=-0.1)
    with pytest.raises(ValueError, match="test_images"):
        replace(RAN.accuracy, test_images=0)
