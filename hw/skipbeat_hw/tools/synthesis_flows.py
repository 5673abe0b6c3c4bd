"""What Yosys is told: one script for each part, and the files that it reads.

Vendors' tools give a multiplier's registers to the DSP block and find wide multiplexers by themselves; Yosys does so
only in part, and the scripts help it. Every step replaces cells by others that do the same; the Verilog stays as it is.

- ECP5: a wire counts 0.9 ns when logic is mapped, as routed ones take, and not Yosys' 0.3, with which a carry chain
  looks longer than it is beside logic. The PE's multiplexer becomes LUT pairs joined by the slice's own multiplexers,
  and its multiplier with its input and product registers, found as a subcircuit, one MULT18X18D with these registers
  inside. Each PE keeps a register of its own for its slot. The choice before an accumulator's adder goes into the LUTs
  of the adder's own carry cells. Plain registers beside block memories and other multipliers go into these, in the
  netlist (`block_registers.py`).
- UltraScale+: registers, adder and cascade are packed into a DSP48E1, which Yosys can do, and that becomes the DSP48E2
  that does the same.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from .block_registers import pack_block_registers
from .routing import PINS, open_carries

PE = "skipbeat_pe"
ACCUMULATOR = "skipbeat_accumulator"
MULTIPLIER = "skipbeat_registered_multiplier"
CHOSEN_SUM = "skipbeat_chosen_sum"
_MULTIPLEXERS = "ecp5_multiplexers.v"
_DSP48 = "dsp48e1_to_dsp48e2.v"


@dataclass(frozen=True)
class Flow:
    """A Yosys script that reads `design.v` and writes `netlist.json` and `stat.json`, and its other files by name.

    What `change` is called with afterwards is the folder that it works in.
    """

    script: str
    files: dict[str, str]
    change: Callable[[Path], None] | None = None

    @property
    def texts(self) -> list[str]:
        """All that the result follows from, besides design and tools."""
        changes = inspect.getsource(sys.modules[self.change.__module__]) if self.change else ""
        return [self.script, *self.files.values(), changes]


def ecp5(top: str, operands: tuple[int, int] | None, sums: tuple[int, int] | None = None) -> Flow:
    """The flow for ECP5.

    Args:
        operands: widths of the factors of the PEs' multipliers; None without PEs.
        sums: widths of an accumulator and of what is added to it; None without accumulators.
    """
    find, pack = "", ""
    files: dict[str, str] = {}
    if operands:
        find, pack = f"{_WIDE_MULTIPLEXERS}{_FIND_MULTIPLIER}{_FIND_SLOTS}", f"{_KEEP_SLOTS}{_PACK_MULT18X18D}"
        files |= {"multiplier.v": _subcircuit(*operands), "mult18x18d.v": _mult18x18d(*operands)}
        files |= {_MULTIPLEXERS: _techmap(_MULTIPLEXERS)}
    if sums:
        find, pack = f"{find}{_FIND_CHOSEN_SUM}", f"{pack}{_PACK_CHOSEN_SUM}"
        files |= {"chosen_sum.v": _chosen_sum(*sums), "ccu2c.v": _ccu2c(*sums)}
    script = f"{_READ.format(top=top)}{find}{_FLATTEN}{pack}{_SYNTH_ECP5.format(top=top)}{_STAT}"
    return Flow(script, files, pack_block_registers)


def ultrascale_plus(top: str, operands: tuple[int, int] | None) -> Flow:
    """The flow for UltraScale+ (Yosys' family xcup), without pads and clock buffers. `operands` as for `ecp5`."""
    read = f"{_READ.format(top=top)}{_FLATTEN}"
    synth = f"synth_xilinx -family xcup -noiopad -noclkbuf -top {top}"
    if not operands:
        return Flow(f"{read}{synth}\nwrite_json netlist.json\n{_STAT}", {})
    steps = f"{synth} -run begin:map_dsp\n{_PACK_DSP48}{synth} -run coarse:\nwrite_json netlist.json\n"
    return Flow(f"{read}{steps}{_STAT}", {_DSP48: _techmap(_DSP48)})


def nexus(top: str, around: str) -> Flow:
    """The flow for Nexus, with the module `around` that gives the design pins; Yosys' own steps alone."""
    read = "read_verilog -lib +/lattice/cells_bb_nexus.v\n"
    script = _WITH_PINS.format(top=top, pins=PINS, read=read, synth="synth_nexus", pads="")
    return Flow(script, {"pins.v": around}, open_carries)


def gowin(top: str, around: str) -> Flow:
    """The flow for Gowin GW2A, with the module `around` that gives the design pins; Yosys' own steps alone."""
    synth = "synth_gowin -family gw2a -noiopads"  # it would give pads to the design too
    return Flow(_WITH_PINS.format(top=top, pins=PINS, read="", synth=synth, pads=_GOWIN_PADS), {"pins.v": around})


def _techmap(name: str) -> str:
    return (resources.files(__package__) / "techmap" / name).read_text()


_READ = """\
read_verilog design.v
hierarchy -top {top}
proc
"""
#: What is in the design is counted apart from what is around it, and both are one netlist for nextpnr.
_WITH_PINS = """\
read_verilog design.v
read_verilog pins.v
{read}hierarchy -top {pins}
proc
flatten {top}
opt_clean -purge
{synth} -noflatten -top {pins}
tee -q -o stat.json stat -json
flatten
{pads}clean
write_json netlist.json
"""
_GOWIN_PADS = "iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O\n"
_FLATTEN = """\
flatten
opt_clean -purge
"""
#: Yosys' own script, but for the delay of a wire in picoseconds when it maps to LUTs.
_SYNTH_ECP5 = """\
synth_ecp5 -nowidelut -top {top} -run begin:map_luts
abc9 -maxlut 4 -W 900
clean
synth_ecp5 -nowidelut -top {top} -run map_cells: -json netlist.json
"""
_STAT = """\
tee -q -o stat.json stat -json
"""
_WIDE_MULTIPLEXERS = f"""\
cd {PE}
opt_expr
opt_clean
wreduce
peepopt
opt_expr
opt_clean
simplemap t:$bmux
muxcover -nodecode -nopartial
techmap -map {_MULTIPLEXERS}
opt_clean
cd ..
"""
#: A PE's slot is that of all PEs on its diagonal. One register for them all would lie far from most of them, and so
#: would the memories that it reads. What nobody reads is gone before the others are kept.
_FIND_SLOTS = f"""\
setattr -set skipbeat_slot 1 {PE}/w:slot_o %ci1 t:$dff %i
"""
_KEEP_SLOTS = """\
setattr -set keep 1 a:skipbeat_slot
"""
#: In the PE alone: among all the cells of a large design the search for the subcircuit would not end.
_FIND_MULTIPLIER = f"""\
cd {PE}
wreduce
opt_clean
extract -map multiplier.v
select -assert-min 1 t:{MULTIPLIER}
cd ..
"""
_PACK_MULT18X18D = """\
wreduce
opt_clean
techmap -map mult18x18d.v
opt_clean
"""

#: A core whose beats have one step has no choice before the adder.
_FIND_CHOSEN_SUM = f"""\
cd {ACCUMULATOR}
opt_expr
opt_clean
wreduce
opt_clean
extract -map chosen_sum.v
cd ..
"""
_PACK_CHOSEN_SUM = "techmap -map ccu2c.v\n"

#: Yosys' own step `map_dsp` for the 7 series, and the change of the block's type.
_PACK_DSP48 = f"""\
memory_dff
alumacc -macc-only
maccmap -unmap
opt_clean
techmap -map +/mul2dsp.v -map +/xilinx/xc7_dsp_map.v -D DSP_A_MAXWIDTH=25 -D DSP_B_MAXWIDTH=18 \
-D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 -D DSP_NAME=$__MUL25X18
select a:mul2dsp
setattr -unset mul2dsp
opt_expr -fine
wreduce
select -clear
xilinx_dsp -family xc7
techmap -map {_DSP48}
chtype -set $mul t:$__soft_mul
"""


def _ports(a: int, b: int, product: str) -> str:
    return (
        f"input clk, input signed [{a - 1}:0] a, input signed [{b - 1}:0] b, output {product}signed [{a + b - 1}:0] p"
    )


def _subcircuit(a: int, b: int) -> str:
    """What `extract` looks for: registered factors, registered product, no reset and no enable."""
    return f"""\
module {MULTIPLIER}({_ports(a, b, "reg ")});
  reg signed [{a - 1}:0] factor_a;
  reg signed [{b - 1}:0] factor_b;
  always @(posedge clk) begin
    factor_a <= a;
    factor_b <= b;
    p <= factor_a * factor_b;
  end
endmodule
"""


def _mult18x18d(a: int, b: int) -> str:
    """The same in one DSP block, with its input and output registers."""
    inputs = ", ".join(f".A{i}(x[{i}]), .B{i}(y[{i}]), .C{i}(1'b0)" for i in range(18))
    outputs = ", ".join(f".P{i}(z[{i}])" for i in range(36))
    return f"""\
module {MULTIPLIER}({_ports(a, b, "")});
  wire signed [17:0] x = a, y = b;
  wire [35:0] z;
  assign p = z[{a + b - 1}:0];
  MULT18X18D #(
    .REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0")
  ) _TECHMAP_REPLACE_ (
    .CLK0(clk), .CE0(1'b1), .RST0(1'b0), .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
    {inputs},
    {outputs}
  );
endmodule
"""


def _sum_ports(total: int, addend: int) -> str:
    wide = f"signed [{total - 1}:0]"
    return f"input takes, input {wide} a, input {wide} b, input signed [{addend - 1}:0] c, output {wide} y"


def _chosen_sum(total: int, addend: int) -> str:
    """What `extract` looks for: a choice between two numbers, and a third one added to it."""
    return f"""\
module {CHOSEN_SUM}({_sum_ports(total, addend)});
  wire signed [{total - 1}:0] chosen = takes ? a : b;
  assign y = chosen + c;
endmodule
"""


def _ccu2c(total: int, addend: int) -> str:
    """The same in carry cells alone.

    A half of a CCU2C passes the carry on where its LUT of A to D is 1. Where it is 0, the carry is that LUT at C = D =
    0, which must be A, one of two equal bits then: so it is, as `A ^ (B ? C : D)` is A there.
    """
    halves = (total + 1) // 2
    ports = ", ".join(
        f".A{i}(addend[2 * n + {i}]), .B{i}(takes), .C{i}(one[2 * n + {i}]), .D{i}(other[2 * n + {i}]), "
        f".S{i}(sum[2 * n + {i}])"
        for i in range(2)
    )
    return f"""\
module {CHOSEN_SUM}({_sum_ports(total, addend)});
  wire [{2 * halves - 1}:0] one = a, other = b, addend = c, sum;
  wire [{halves}:0] carry;
  assign carry[0] = 1'b0, y = sum;
  genvar n;
  generate for (n = 0; n < {halves}; n = n + 1) begin:two_bits
    CCU2C #(.INIT0(16'h596A), .INIT1(16'h596A), .INJECT1_0("NO"), .INJECT1_1("NO")) two (
      .CIN(carry[n]), .COUT(carry[n + 1]), {ports}
    );
  end endgenerate
endmodule
"""
