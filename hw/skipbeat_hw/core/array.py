"""The systolic array: R × C sparse PEs."""

from __future__ import annotations

from amaranth import ClockSignal, Instance, Module, ResetSignal, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.hardware import Hardware

from .pe import PE


class SystolicArray(wiring.Component):
    """Rows pass bundles, slots and writes to the right; columns pass partial sums down.

    Row r of `bundles_i` and `slots_i` must be r clocks late, column c of `weights_i` c clocks late. The psum of a
    step that enters row 0 in clock n leaves column c in clock n + R + 2 + c. One step per clock, no stall, no valid
    bit.

    The PE is one Verilog module placed R·C times (`cells`); emitted as submodules, the PEs would be as many copies.

    Members
    -------
    bundles_i: [R] of M activations. slots_i: [R] of {bank, slot}. write_enable_i: one bit per row.
    write_address_i: {bank, slot}, for all rows. weights_i: [C] of {value, index}. psums_o: [C].
    """

    def __init__(self, hw: Hardware) -> None:
        numbers = hw.numbers
        self.rows, self.cols = hw.array.rows, hw.array.cols
        self.pe = PE(
            group=hw.array.group,
            weight_bits=numbers.weight_bits,
            activation_bits=numbers.activation_bits,
            psum_bits=hw.psum_bits,
        )
        #: Modules that the Verilog places by name.
        self.cells: dict[str, Component] = {"skipbeat_pe": self.pe}
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

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        psums = [Signal(self.psums_o.shape().elem_shape, name=f"psum_top_{c}") for c in range(self.cols)]
        for r in range(self.rows):
            bundle, slot = self.bundles_i[r], self.slots_i[r]
            write = Signal(len(slot) + 1, name=f"write_{r}")
            m.d.comb += [write[: len(slot)].eq(self.write_address_i), write[-1].eq(self.write_enable_i[r])]
            for c in range(self.cols):
                here = f"{r}_{c}"
                next_bundle = Signal(len(bundle), name=f"bundle_{here}")
                next_slot = Signal(len(slot), name=f"slot_{here}")
                next_write = Signal(len(write), name=f"write_{here}")
                psum = Signal.like(psums[c], name=f"psum_{here}")
                m.submodules[f"pe_{here}"] = Instance(
                    "skipbeat_pe",
                    i_clk=ClockSignal(),
                    i_rst=ResetSignal(),
                    i_bundle_i=bundle,
                    o_bundle_o=next_bundle,
                    i_slot_i=slot,
                    o_slot_o=next_slot,
                    i_write_i=write,
                    o_write_o=next_write,
                    i_weight_i=self.weights_i[c],
                    i_psum_i=psums[c],
                    o_psum_o=psum,
                )
                bundle, slot, write, psums[c] = next_bundle, next_slot, next_write, psum
        for c, psum in enumerate(psums):
            m.d.comb += self.psums_o[c].eq(psum)
        return m
