"""A testbench in Verilog for a generated top, with what it reads: it runs in Icarus and Verilator without Python."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.registers import Counter, Register
from skipbeat_arch.stream import CoreStimulus

from ...simulation.ports import read_ports
from ..verilog import MEANT
from .templates import render

#: Inputs of the master that the testbench's memory drives; others are constant.
_MEMORY_DRIVES = {
    *(f"m_axi_{name}" for name in ("arready", "rvalid", "rdata", "rresp", "rlast")),
    *(f"m_axi_{name}" for name in ("awready", "wready", "bvalid", "bresp")),
}


def accelerator_testbench(
    verilog: str, top: str, machine: Machine, program: MachineProgram, memory: Bytes, expected: Bytes, cycles: int
) -> dict[str, str]:
    """Files by name: the testbench, its Makefile, and the memory before and after the run, a beat per line.

    Args:
        verilog: the design; `top`: the accelerator's module in it.
        memory: uint8 [bytes], the program with its input; `expected`: the same after the run.
        cycles: what the counter CYCLES must say with the memory of the hardware description.
    """
    ports = {port.name: port for port in read_ports(verilog, top).values()}
    beat = machine.beat_bytes
    driven = {"clk", "rst"} | {name for name, port in ports.items() if name.startswith("s_axi_") and port.is_input}
    inputs = {name for name, port in ports.items() if port.is_input}
    names = {"program_file": f"{top}_tb_program.hex", "expected_file": f"{top}_tb_expected.hex"}
    text = render(
        "accelerator_tb.v",
        top=top,
        hw=machine.hw,
        what=f"The program is a product of matrices at 2:4; {len(memory):,} bytes of memory.",
        ports=list(ports.values()),
        driven=driven,
        constant=inputs - driven - _MEMORY_DRIVES,
        depth=-(-len(memory) // beat),
        beat_bytes=beat,
        port_bytes=machine.port_bytes,
        address_bits=ports["m_axi_araddr"].width,
        register_bits=ports["s_axi_awaddr"].width,
        latency=machine.hw.memory.latency_clocks,
        duplex=int(machine.duplex),
        registers={register.name: int(register) for register in Register},
        cycles_at=Counter.CYCLES.offset,
        fingerprint=machine.fingerprint,
        program=program,
        cycles=cycles,
        **names,
    )
    return {
        f"{top}_tb.v": text,
        names["program_file"]: _beats(memory, beat),
        names["expected_file"]: _beats(expected, beat),
        "Makefile": render("Makefile", top=top, meant=MEANT, stalled="the memory refuses"),
    }


def core_testbench(
    verilog: str, top: str, hw: Hardware, stimulus: CoreStimulus, results: Int64Array, cycles: int
) -> dict[str, str]:
    """Files by name: the testbench, its Makefile, and the items of the four streams, one per line.

    Args:
        verilog: the design; `top`: the core's module in it.
        stimulus: what is offered; no port is ever unwilling.
        results: int64 [items, C_arr] that must come.
        cycles: clocks from reset to the last result, which is counted.
    """
    ports = read_ports(verilog, top)
    numbers, streams = hw.numbers, ("commands", "weights", "activations", "results")
    widths = {name: ports[f"{name}__payload"].width for name in streams}
    words = (int.from_bytes(word.tobytes(), "little") for word in stimulus.weights)
    last = hw.word_bits
    items: dict[str, list[int]] = {
        "commands": [int(command) for command in stimulus.commands],
        "weights": [word | int(end) << last for word, end in zip(words, stimulus.weights_last, strict=True)],
        "activations": [_packed(bundle.ravel().tolist(), numbers.activation_bits) for bundle in stimulus.activations],
        "results": [_packed(item, numbers.accumulator_bits) for item in results.tolist()],
    }
    assert widths["commands"] == COMMAND_BITS
    files = {name: f"{top}_tb_{name}.hex" for name in streams}
    text = render(
        "core_tb.v",
        top=top,
        hw=hw,
        what=f"{len(items['commands'])} passes at random: tiles in every encoding, the same tile again, null passes.",
        ports=list(ports.values()),
        driven={"clk", "rst", "results__ready"},
        widths=widths,
        counts={name: len(each) for name, each in items.items()},
        files=files,
        cycles=cycles,
    )
    return {
        f"{top}_tb.v": text,
        **{files[name]: _lines(items[name], widths[name]) for name in streams},
        "Makefile": render("Makefile", top=top, meant=MEANT, stalled="the ports are unwilling"),
    }


def _packed(values: Iterable[int], bits: int) -> int:
    """Values of so many bits each in two's complement, the first one lowest."""
    mask, word = (1 << bits) - 1, 0
    for place, value in enumerate(values):
        word |= (value & mask) << (place * bits)
    return word


def _beats(memory: Bytes, beat: int) -> str:
    """A memory uint8 [bytes] for $readmemh, the lowest byte of each beat on the right."""
    padded = np.zeros(-(-len(memory) // beat) * beat, np.uint8)
    padded[: len(memory)] = memory
    return "".join(f"{row[::-1].tobytes().hex()}\n" for row in padded.reshape(-1, beat))


def _lines(values: Iterable[int], width: int) -> str:
    return "".join(f"{value:0{-(-width // 4)}x}\n" for value in values)
