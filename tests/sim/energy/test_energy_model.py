"""Events times constants: by hand, event by event, and as a sum."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.timing import Events, MachineEvents
from skipbeat_sim.energy.charges import charges
from skipbeat_sim.energy.energy_model import EnergyModel, dram_sensitivity, energy
from skipbeat_sim.energy.leakage import leak_power
from skipbeat_sim.energy.load_table import load_table, table_names

HW = load_hardware("edge-16x16")
CORE = st.builds(Events, **{f.name: st.integers(0, 10**6) for f in fields(Events)})
AROUND = st.builds(MachineEvents, **{f.name: st.integers(0, 10**6) for f in fields(MachineEvents)})


def one(event: str, table: str) -> dict[str, float]:
    """Energy of a single event, without the components that it does not concern."""
    core = Events(**{event: 1}) if event in {f.name for f in fields(Events)} else Events()
    around = MachineEvents() if core != Events() else MachineEvents(**{event: 1})
    return {name: pj for name, pj in energy(core, around, HW, load_table(table)).items() if pj}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("macs", {"macs": 0.2 + 0.1}),
        ("slots_idle", {"idle_slots": 0.1}),
        ("bundle_reads", {"activation_banks": 10 / 2}),  # 4 bytes of a bank of 8 KiB
        ("psum_hops", {"accumulators": 0.1 / 16}),
        ("groups_decoded", {"decoder": 3 * 0.03}),
        ("accumulator_reads", {"accumulators": 10 / 2}),  # 4 bytes of 4 KiB: as of 8 KiB
        ("accumulator_writes", {"accumulators": 10 / 2}),
        ("results", {"result_queue": 10}),
        ("activation_vectors", {"activation_banks": 2 * 10}),  # 16 bytes
        ("weight_words", {"weight_buffer": 2 * 20 * 5**0.2}),  # 64 KiB: a fifth of the way from 32 to 1,024, 20 to 100
        ("outputs", {"output_stage": 3.1 + 2 * 0.1}),
        ("comparisons", {"output_stage": 0.1}),
        ("residual_reads", {"output_stage": 16 * (3.1 + 0.1), "residual_memory": 2 * 20}),
        ("output_vectors", {"output_memory": 2 * 2 * 20}),
        ("parameter_vectors", {"parameters": 2 * 2 * 10 * 2**0.5}),
        ("table_vectors", {"offset_table": 2 * 2 * 10}),
        ("read_bytes", {"dram": 8 * 1950 / 64}),
        ("written_bytes", {"dram": 8 * 1950 / 64}),
        ("weight_slot_reads", {}),
        ("instructions", {}),
    ],
)
def test_an_event_with_horowitz_figures(event: str, expected: dict[str, float]) -> None:
    found = one(event, "horowitz-45nm")
    assert found.keys() == expected.keys()
    for component, pj in expected.items():
        assert found[component] == pytest.approx(pj), component


def test_registers_and_gating_where_a_table_has_them() -> None:
    assert one("slots_idle", "sparseloop-45nm") == {"idle_slots": 0.01798}
    steps = one("weight_slot_reads", "sparseloop-45nm")
    assert steps == pytest.approx({"weight_slots": 10 * 0.009, "pe_registers": (16 + 16 + 3) * 0.009})
    assert one("bundle_reads", "accelergy-40nm") == pytest.approx({"bundle_registers": 16 * 32 * 0.009})
    assert one("weight_slot_reads", "accelergy-40nm")["activation_multiplexers"] == pytest.approx(0.68215 / 4)


@given(CORE, CORE, AROUND, st.sampled_from(table_names()))
def test_energies_add_up(a: Events, b: Events, around: MachineEvents, name: str) -> None:
    model = EnergyModel(HW, load_table(name))
    whole = model.energy(a + b, around + around)
    parts = (model.energy(a, around), model.energy(b, around))
    assert whole == pytest.approx({component: parts[0][component] + parts[1][component] for component in whole})
    assert model.energy(Events(), MachineEvents()) == dict.fromkeys(whole, 0.0)


@pytest.mark.parametrize("name", table_names())
def test_what_a_table_lacks_is_named(name: str) -> None:
    table = load_table(name)
    model = EnergyModel(HW, table)
    counted = model.energy(Events(), MachineEvents())
    for charge in charges(HW, table):
        assert (f"{charge.component} ({charge.part})" in model.not_counted) == (charge.energy is None)
        assert charge.energy is None or charge.component in counted
    assert "the clock tree" in model.not_counted
    assert table.source in model.assumptions[0]
    assert all(entry in model.assumptions[1] for entry in model.not_counted)


def test_a_dense_machine_has_no_multiplexer() -> None:
    table = load_table("accelergy-40nm")
    assert "activation_multiplexers" not in energy(
        Events(weight_slot_reads=9), MachineEvents(), load_hardware("dense-8x8"), table
    )


def test_leakage_is_power_times_time() -> None:
    table, hw = load_table("hwcomponents-40nm"), load_hardware("edge-8x8", ["clock_mhz=100"])
    logic = 64 * (80 / 16 + 2.4 * hw.psum_bits / 32)
    # 8 banks of 8 KiB, 32 KiB of weights, 16 of outputs and of residuals, 8 accumulators of 4 KiB
    memories = 8 * 0.3311 + 1.185 + 2 * 0.5969 + 8 * 0.1782
    assert leak_power(hw, table) == pytest.approx(logic + memories)
    found = EnergyModel(hw, table).energy(Events(), MachineEvents(), 1000)
    assert found["leakage"] == pytest.approx(10 * (logic + memories))  # µW for 10 µs
    assert leak_power(hw, load_table("horowitz-45nm")) is None
    assert "leakage" in EnergyModel(hw, load_table("horowitz-45nm")).not_counted


def test_every_event_is_charged_somewhere() -> None:
    everything = load_table("horowitz-45nm").model_copy(
        update={"register_": load_table("sparseloop-45nm").register_}
    )  # of one technology
    model = EnergyModel(HW, everything)
    for kind in (Events, MachineEvents):
        for field in fields(kind):
            core = Events(**{field.name: 1}) if kind is Events else Events()
            around = MachineEvents(**{field.name: 1}) if kind is MachineEvents else MachineEvents()
            charged = sum(model.energy(core, around).values()) > 0
            assert charged == (field.name != "instructions"), field.name


def test_dram_between_its_lowest_and_highest_constant() -> None:
    machine = MachineEvents(read_bytes=10**6, written_bytes=10**6 // 2)
    pj = energy(Events(macs=10**6), machine, HW, load_table("horowitz-45nm"))
    found = dram_sensitivity(pj, machine)
    assert (found.low_pj_per_bit, found.high_pj_per_bit) == (8, 47)
    assert found.low_uj == pytest.approx(0.3 + 12e6 * 8 / 1e6)
    assert found.high_uj == pytest.approx(0.3 + 12e6 * 47 / 1e6)
    assert found.low_uj < sum(pj.values()) / 1e6 < found.high_uj
    still = dram_sensitivity(pj, replace(machine, read_bytes=0, written_bytes=0))
    assert still.low_uj == still.high_uj == pytest.approx(0.3)


def test_the_page_names_every_component() -> None:
    page = (Path(__file__).parents[3] / "docs" / "energy.md").read_text()
    for charge in charges(HW, load_table("horowitz-45nm")):
        assert f"`{charge.component}`" in page, charge.component
    for name in table_names():
        assert f"`{name}`" in page
