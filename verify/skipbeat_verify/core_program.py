"""A machine's program as the core's four ports see it: the same passes, tiles and bundles, with ideal surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int32Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.timing.stored_tiles import stored_tiles

from .core_streams import CoreStreams
from .interpreter import Interpreter


def gemm_graph(w: Int8Array, pixels: int) -> Graph:
    """Y[P, K] = X[P, C] · W as a network of one node: a 1x1 convolution over a line of P pixels, whose sums stay raw.

    Args:
        w: int8 [C, K].
        pixels: P.
    """
    channels, outputs = w.shape
    work = Convolution(batch=1, c_in=channels, c_out=outputs, height=1, width=pixels, kernel=(1, 1))
    layer = IntegerLayer(name="gemm", workload=work, weight=w, bias=np.zeros(outputs, np.int32))
    return Graph(
        tensors=(
            Tensor(name="x", channels=channels, height=1, width=pixels),
            Tensor(name="y", channels=outputs, height=1, width=pixels),
        ),
        nodes=(Node(layer=layer, input="x", output="y"),),
        input="x",
        output="y",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CoreProgram:
    """A GEMM's program of the whole machine, and its passes as they meet the core.

    Attributes:
        machine_program: what `compile_network` makes of the GEMM.
        x, w: int8 [P, C] and [C, K].
        streams: items of the ports, in program order.
    """

    hardware: Hardware
    gemm: Gemm
    machine_program: MachineProgram
    x: Int8Array
    w: Int8Array
    streams: CoreStreams

    @property
    def nonzeros(self) -> int:
        """Weights that are not zero."""
        return int(np.count_nonzero(self.w))

    def collect(self, sums: Int64Array) -> Int32Array:
        """Y int32 [P, K] as the machine's STOREs put the sums [items, C_arr] that left a core into memory.

        Raises:
            InputError: not as many items, or not as wide, as the program makes.
        """
        expected = (self.streams.sums.shape[0], self.hardware.array.cols)
        if sums.shape != expected:
            raise InputError(f"results: expected {list(expected)} (items, columns), not {list(sums.shape)}")
        memory = self.machine_program.memory()
        self.machine_program.write_input(memory, _map(self.x))
        Interpreter(self.machine_program, self.hardware, memory, 0, sums=sums.astype(np.int64)).run()
        return np.ascontiguousarray(self.machine_program.read_output(memory)[:, 0].T.astype(np.int32))


def core_program(x: Int8Array, w: Int8Array, hw: Hardware) -> CoreProgram:
    """Compile X[P, C] · W[C, K] for the machine, and follow its program to what the core's ports see.

    Raises:
        InputError: hardware that has no machine, or a GEMM that does not fit it.
    """
    (pixels, channels), outputs = x.shape, w.shape[1]
    program = compile_network(gemm_graph(w, pixels), hw)
    memory = program.memory()
    program.write_input(memory, _map(x))
    run = Interpreter(program, hw, memory, 0)
    run.run()
    tiles = stored_tiles(Machine.of(hw), program.image, program.instructions)
    return CoreProgram(
        hardware=hw,
        gemm=Gemm(p=pixels, c=channels, k=outputs),
        machine_program=program,
        x=x,
        w=w,
        streams=CoreStreams.of(run.done, tiles, hw),
    )


def _map(x: Int8Array) -> Int8Array:
    """X [P, C] as a map [C, 1, P]."""
    return np.ascontiguousarray(x.T[:, None])
