"""A machine beside the dense one of its resources."""

from __future__ import annotations

import pytest

from skipbeat_arch import iso as module
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.iso import Contender, IsoComparison, contender, dense_counterpart, measured_areas
from skipbeat_arch.machine import Machine
from tests.arch.test_clock_table import measurement

ECP5 = "LFE5U-85F-6"
AREA = {"lut": 100, "carry": 10, "mux": 7, "lutram": 5, "ff": 200, "dsp": 20, "bram": 8}


def of(name: str, cycles: int, mhz: float, source: str, **cells: int) -> Contender:
    areas = {ECP5: {"lut": 100, "ff": 100, "dsp": 20, "bram": 8} | cells}
    return Contender(name=name, cycles=cycles, clock_mhz=mhz, clock_source=source, areas=areas)


def test_speed_ups_per_clock_second_and_cell() -> None:
    measured = f"measured on {ECP5}"
    found = IsoComparison(
        machine=of("sparse", 100, 80, measured, lut=300), dense=of("dense", 180, 100, measured, lut=150)
    )
    assert found.per_clock == 1.8
    assert found.per_second == pytest.approx(1.44)
    assert found.per_area(ECP5, "lut") == pytest.approx(0.72)
    assert found.per_area(ECP5, "dsp") == pytest.approx(1.44)
    assert found.devices == (ECP5,)
    assert found.fits(ECP5)


def test_a_wish_is_no_time() -> None:
    found = IsoComparison(machine=of("sparse", 100, 80, "assumed"), dense=of("dense", 180, 100, "assumed", lut=101))
    assert found.per_second is None
    assert found.per_area(ECP5, "lut") == pytest.approx(1.8 * 1.01)
    assert not found.fits(ECP5)


def test_the_counterpart_of_a_preset_is_a_preset() -> None:
    assert dense_counterpart(load_hardware("edge-8x8")) == load_hardware("dense-8x8")
    assert dense_counterpart(load_hardware("edge-16x16-m8")) == load_hardware("dense-16x16")


def test_another_counterpart_has_the_clock_of_the_machine() -> None:
    hw = load_hardware("tiny-4x4", ["clock_mhz=77"])
    dense = dense_counterpart(hw)
    assert Hardware.model_validate(dense.model_dump()) == dense
    assert (dense.name, dense.clock_mhz, dense.array.group) == ("tiny-4x4+clock_mhz=77-dense", 77, 1)
    assert Machine.fits(dense)


@pytest.mark.parametrize(
    ("preset", "change", "said"),
    [("dense-8x8", "array.rows=8", "expected sparsity hardware"), ("edge-8x8", "array.rows=4", "array.cols <= array")],
)
def test_what_has_no_counterpart(preset: str, change: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        dense_counterpart(load_hardware(preset, [change]))


def test_cells_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        measurement(overrides=(), area=AREA, frequencies={}),
        measurement(overrides=(), area=AREA, device="UltraScale+"),
        measurement(overrides=(), area=AREA, top="core", device="another"),
        measurement(preset="edge-8x8", overrides=()),
    )
    monkeypatch.setattr(module, "measurements", lambda table=None: () if table else rows)
    tiny = measured_areas(load_hardware("tiny-4x4", ["name=mine"]))
    assert tiny[ECP5] == {"lut": 100 + 2 * 10 + 4 * 5, "ff": 200, "dsp": 20, "bram": 8}
    assert tiny["UltraScale+"]["lut"] == 100 + 8 * 5
    assert set(tiny) == {ECP5, "UltraScale+"}
    assert contender(load_hardware("edge-8x8"), 5).areas == {}
