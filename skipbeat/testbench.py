"""The small program of the testbench that goes with the Verilog, and what it must give: by integer arithmetic alone."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.registers import Counter
from skipbeat_arch.workload import Gemm
from skipbeat_hw.tools.delivery.testbench import accelerator_testbench, core_testbench
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.core_passes import random_passes
from skipbeat_verify.core_program import core_program
from skipbeat_verify.interpreter import Interpreter
from skipbeat_verify.machine_simulation import predicted
from skipbeat_verify.random_gemm import random_gemm

_PIXELS, _PATTERN, _SEED = 6, "2:4", 0
#: Blocks of passes at random for the core, and their most pixels.
_BLOCKS, _MOST_PIXELS = 4, 12


def core_testbench_files(verilog: str, top: str, hw: Hardware) -> dict[str, str]:
    """Passes at random for the core `top` of a Verilog text, whose clocks are the cycle model's: files by name."""
    pixels = min(_MOST_PIXELS, hw.accumulators.depth)
    streams = random_passes(np.random.default_rng(_SEED), hw, _BLOCKS, pixels).streams()
    stimulus = streams.stimulus()
    model, _ = run_core(hw, stimulus)
    return core_testbench(verilog, top, hw, stimulus, streams.sums, model.cycles)


def accelerator_testbench_files(verilog: str, top: str, hw: Hardware) -> dict[str, str]:
    """A product of two tiles each way for the accelerator `top`, whose clocks are the timing model's: files by name.

    Raises:
        InputError: hardware without an accelerator, or with too little memory on the chip for the product.
    """
    machine, array = Machine.of(hw), hw.array
    gemm = Gemm(p=_PIXELS, c=(array.rows + 1) * array.group, k=array.cols + 1)
    program = core_program(*random_gemm(gemm, Pattern.parse(_PATTERN), hw, _SEED), hw)
    image = program.machine_program
    memory = image.memory()
    image.write_input(memory, np.ascontiguousarray(program.x.T[:, None]))
    expected = memory.copy()
    Interpreter(image, hw, expected, 0).run()
    product = program.x.astype(np.int64) @ program.w.astype(np.int64)
    if not np.array_equal(image.read_output(expected)[:, 0].T, product):
        raise InputError(f"hardware {hw.name}: the testbench's program does not compute its product")
    cycles = predicted(image, machine).counters[Counter.CYCLES]
    return accelerator_testbench(verilog, top, machine, image, memory, expected, cycles)
