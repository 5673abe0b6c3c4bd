"""The sparse processing element: one multiplier that picks its activation out of a bundle."""

from __future__ import annotations

from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..arguments import expect_power_of_two


class PE(wiring.Component):
    """One PE of the weight-stationary chain.

    In each step it reads one slot (value, index), picks `bundle[index]`, multiplies and adds the partial sum from
    above. Two banks of M slots: the array computes from one while the other is written.

    Latency 3 clocks from `slot_i` to `psum_o`, throughput one step per clock; bundles, slots and writes leave to
    the right after one clock. It has no valid bit and never stalls: whoever reads `psum_o` knows which are meant.
    Select, multiply and add stand in a clock each, and registers of data have no reset, so that DSP blocks can
    absorb them.

    Parameters
    ----------
    group: M, a power of two; with 1 there is nothing to pick, and no index. weight_bits, activation_bits:
    two's-complement widths; psum_bits: width of the sum, which wraps.

    Members
    -------
    bundle_i, bundle_o: M activations. slot_i, slot_o: {bank, slot}, bank highest.
    write_i, write_o: {address, enable}. weight_i: {value, index}, written where `write_i` says.
    psum_i, psum_o: partial sums.
    """

    def __init__(self, *, group: int, weight_bits: int, activation_bits: int, psum_bits: int) -> None:
        expect_power_of_two("group", group)
        index_bits = group.bit_length() - 1
        self.group = group
        bundle = data.ArrayLayout(signed(activation_bits), group)
        slot = unsigned(1 + index_bits)
        write = data.StructLayout({"address": slot, "enable": 1})
        self.weight = data.StructLayout({"value": signed(weight_bits), "index": index_bits})
        super().__init__(
            {
                "bundle_i": In(bundle),
                "bundle_o": Out(bundle),
                "slot_i": In(slot),
                "slot_o": Out(slot),
                "write_i": In(write),
                "write_o": Out(write),
                "weight_i": In(self.weight),
                "psum_i": In(signed(psum_bits)),
                "psum_o": Out(signed(psum_bits)),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.slots = slots = memory.Memory(shape=self.weight, depth=2 * self.group, init=[])
        write, read = slots.write_port(), slots.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.write_i.address),
            write.data.eq(self.weight_i),
            write.en.eq(self.write_i.enable),
            read.addr.eq(self.slot_i),
        ]

        bundle = Signal.like(self.bundle_i, reset_less=True)
        slot = Signal.like(self.slot_i, reset_less=True)
        address = Signal.like(self.write_i.address, reset_less=True)
        enable = Signal()
        m.d.sync += [
            bundle.eq(self.bundle_i),
            slot.eq(self.slot_i),
            address.eq(self.write_i.address),
            enable.eq(self.write_i.enable),
        ]
        m.d.comb += [
            self.bundle_o.eq(bundle),
            self.slot_o.eq(slot),
            self.write_o.address.eq(address),
            self.write_o.enable.eq(enable),
        ]

        activation = Signal(self.bundle_i.shape().elem_shape, reset_less=True)
        weight = Signal(self.weight["value"].shape, reset_less=True)
        product = Signal(signed(len(activation) + len(weight)), reset_less=True)
        psum = Signal.like(self.psum_o, reset_less=True)
        m.d.sync += [
            activation.eq(self.bundle_i[read.data.index] if self.group > 1 else self.bundle_i[0]),
            weight.eq(read.data.value),
            product.eq(activation * weight),
            psum.eq(self.psum_i + product),
        ]
        m.d.comb += self.psum_o.eq(psum)
        return m
