"""What is measured by name."""

from __future__ import annotations

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.synthesis_flows import PE
from skipbeat_hw.tools.synthesis_tops import TOPS, operands, top_verilog

#: Parts of the machine, whose numbers have 8 bits.
MACHINE_PARTS = {
    *("output_stage", "memories", "reader", "writer", "fetch", "fetcher", "load", "store", "turner"),
    *("weight_reader", "accelerator"),
}
NUMBERS = ["numbers.weight_bits=5", "numbers.activation_bits=7"]
HW = load_hardware("tiny-4x4", NUMBERS)
WIDE = load_hardware("edge-8x8", [*NUMBERS, "array.group=8"])


@pytest.mark.parametrize("top", [top for top in TOPS if top not in MACHINE_PARTS])
def test_a_top_is_its_module_and_has_multipliers_if_it_has_pes(top: str) -> None:
    hw = WIDE if top == "pack" else HW
    text = top_verilog(hw, top)
    assert "clk" in read_ports(text, top)
    assert operands(hw, top) == ((7, 5) if f"module {PE}(" in text else None)


def test_the_accelerator_has_the_ports_of_a_bus_and_multipliers() -> None:
    hw = load_hardware("tiny-4x4")
    text = top_verilog(hw, "accelerator")
    assert {"m_axi_arvalid", "s_axi_awvalid"} <= set(read_ports(text, "accelerator"))
    assert operands(hw, "accelerator") == (8, 8)


def test_the_output_stage_takes_sums_and_has_no_pes() -> None:
    hw = load_hardware("tiny-4x4")
    text = top_verilog(hw, "output_stage")
    assert {"results__payload", "vector_o"} <= set(read_ports(text, "output_stage"))
    assert operands(hw, "output_stage") is None
    assert f"module {PE}(" not in text


@pytest.mark.parametrize("top", sorted(MACHINE_PARTS - {"accelerator", "output_stage"}))
def test_a_part_of_the_machine_is_its_module(top: str) -> None:
    hw = load_hardware("tiny-4x4")
    assert read_ports(top_verilog(hw, top), top)
    assert operands(hw, top) is None


def test_packing_wants_groups_of_whole_bytes() -> None:
    with pytest.raises(InputError, match=r"tiny-4x4.*: pack needs an array\.group that is a multiple of 8"):
        top_verilog(HW, "pack")


def test_an_unknown_top_is_named() -> None:
    with pytest.raises(InputError, match="top alu: expected one of array, core, decoder"):
        top_verilog(HW, "alu")
