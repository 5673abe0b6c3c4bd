"""The systolic array: R × C sparse PEs."""

from __future__ import annotations

from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import pe_write_fields

from ..arguments import expect
from ..layouts import struct
from .cells import place
from .pe import PE


class SystolicArray(wiring.Component):
    """Rows pass bundles, slots and writes to the right; columns pass partial sums down.

    Row r of `bundles_i` and `slots_i` must be r clocks late, column c of `weights_i` c clocks late. The psum of a
    step that enters row 0 in clock n leaves column c in clock n + R + 2 + c. One step per clock, no stall, no valid
    bit.

    Members
    -------
    bundles_i: [R] of M activations. slots_i: [R] of {bank, slot}. write_enable_i: one bit per row.
    write_address_i: {bank, slot}, for all rows. weights_i: [C] of {value, index}. psums_o: [C].
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        numbers = hw.numbers
        self.rows, self.cols = hw.array.rows, hw.array.cols
        self.hw = hw
        slot = unsigned(1 + hw.index_bits)
        super().__init__(
            {
                "bundles_i": In(data.ArrayLayout(unsigned(hw.array.group * numbers.activation_bits), self.rows)),
                "slots_i": In(data.ArrayLayout(slot, self.rows)),
                "write_enable_i": In(self.rows),
                "write_address_i": In(slot),
                "weights_i": In(data.ArrayLayout(unsigned(numbers.weight_bits + hw.index_bits), self.cols)),
                "psums_o": Out(data.ArrayLayout(signed(hw.psum_bits), self.cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        psums = [Signal(self.psums_o.shape().elem_shape, name=f"psum_top_{c}") for c in range(self.cols)]
        for r in range(self.rows):
            bundle, slot = self.bundles_i[r], self.slots_i[r]
            first = Signal(struct(pe_write_fields(self.hw)), name=f"write_{r}")
            m.d.comb += [first.address.eq(self.write_address_i), first.enable.eq(self.write_enable_i[r])]
            # From here on bits: in the Verilog each field of a structure is a net of its own, in each PE.
            write = first.as_value()
            for c in range(self.cols):
                here = f"{r}_{c}"
                next_bundle = Signal(len(bundle), name=f"bundle_{here}")
                next_slot = Signal(len(slot), name=f"slot_{here}")
                next_write = Signal(len(write), name=f"write_{here}")
                psum = Signal.like(psums[c], name=f"psum_{here}")
                place(
                    m,
                    platform,
                    f"pe_{here}",
                    "skipbeat_pe",
                    self._pe,
                    bundle_i=bundle,
                    bundle_o=next_bundle,
                    slot_i=slot,
                    slot_o=next_slot,
                    write_i=write,
                    write_o=next_write,
                    weight_i=self.weights_i[c],
                    psum_i=psums[c],
                    psum_o=psum,
                )
                bundle, slot, write, psums[c] = next_bundle, next_slot, next_write, psum
        for c, psum in enumerate(psums):
            m.d.comb += self.psums_o[c].eq(psum)
        return m

    def _pe(self) -> PE:
        numbers = self.hw.numbers
        return PE(
            group=self.hw.array.group,
            weight_bits=numbers.weight_bits,
            activation_bits=numbers.activation_bits,
            psum_bits=self.hw.psum_bits,
        )
