"""Every port of both tops says what it is."""

from __future__ import annotations

import pytest

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.delivery.port_comments import port_comment, with_port_comments
from skipbeat_hw.tools.verilog import core_verilog


@pytest.fixture(scope="module")
def hw() -> Hardware:
    return load_hardware("tiny-4x4", ["array.rows=2", "array.cols=2", "weights.decode_lanes=1"])


def test_each_port_of_the_core_is_declared_with_its_comment(hw: Hardware) -> None:
    text = core_verilog(hw)
    commented = with_port_comments(text, "core")
    ports = read_ports(commented, "core")
    assert ports == read_ports(text, "core")
    for name in ports:
        comment = port_comment(name)
        assert comment, name
        assert f" {name};  // {comment}\n" in commented
    assert commented.count("  // ") == len(ports), "those of other modules have none"


@pytest.mark.parametrize(
    ("name", "comment"),
    [
        ("m_axi_araddr", "AXI4 master, read address: byte address"),
        ("m_axi_rresp", "AXI4 master, read data: 2 and 3 are errors"),
        ("s_axi_wstrb", "AXI4-Lite slave, write data: bytes that are written"),
        ("m_axi_awregion", "AXI4 master, write address"),
        ("mystery", None),
    ],
)
def test_what_is_said(name: str, comment: str | None) -> None:
    assert port_comment(name) == comment
