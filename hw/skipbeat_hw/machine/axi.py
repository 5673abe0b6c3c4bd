"""AXI4 and AXI4-Lite channels as Amaranth signatures, from the master's side."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

#: Incrementing bursts.
INCR = 1
#: Bits and value of what is the same in every burst: no exclusive access; memory that is modifiable and bufferable, but
#: not cached; data, secure, unprivileged; no priority.
CONSTANTS = {"id": (1, 0), "lock": (1, 0), "cache": (4, 3), "prot": (3, 0), "qos": (4, 0)}


class ReadSignature(wiring.Signature):
    """Read address and read data of an AXI4 master; one ID, so data comes in the order of the addresses."""

    def __init__(self, *, data_bits: int, address_bits: int) -> None:
        super().__init__(
            {
                "arvalid": Out(1),
                "arready": In(1),
                "araddr": Out(address_bits),
                "arlen": Out(8),
                "arsize": Out(3),
                "arburst": Out(2),
                "rvalid": In(1),
                "rready": Out(1),
                "rdata": In(data_bits),
                "rresp": In(2),
                "rlast": In(1),
            }
        )


class WriteSignature(wiring.Signature):
    """Write address, write data and response of an AXI4 master."""

    def __init__(self, *, data_bits: int, address_bits: int) -> None:
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awaddr": Out(address_bits),
                "awlen": Out(8),
                "awsize": Out(3),
                "awburst": Out(2),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(data_bits),
                "wstrb": Out(data_bits // 8),
                "wlast": Out(1),
                "bvalid": In(1),
                "bready": Out(1),
                "bresp": In(2),
            }
        )


class LiteSignature(wiring.Signature):
    """AXI4-Lite, 32 bits, from the master's side."""

    def __init__(self, *, address_bits: int) -> None:
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awaddr": Out(address_bits),
                "awprot": Out(3),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "bvalid": In(1),
                "bready": Out(1),
                "bresp": In(2),
                "arvalid": Out(1),
                "arready": In(1),
                "araddr": Out(address_bits),
                "arprot": Out(3),
                "rvalid": In(1),
                "rready": Out(1),
                "rdata": In(32),
                "rresp": In(2),
            }
        )
