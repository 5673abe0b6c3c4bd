"""Programs by hand: a memory with instructions, and a whole convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.decoding import read_instruction
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import pack_tile
from tests.sim.machine.machine_loads import L, S, X


def image(instructions: Sequence[Instruction], size: int = 1 << 16) -> Bytes:
    """Memory with a program at address 0."""
    memory = np.zeros(size, np.uint8)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in instructions)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    return memory


def instructions_of(memory: Bytes, count: int) -> list[Instruction]:
    """The program at address 0."""
    code = memory[: 16 * count].tobytes()
    return [read_instruction(int.from_bytes(code[i : i + 16], "little")) for i in range(0, len(code), 16)]


@dataclass
class Convolution:
    """A 1×1 convolution and the memory with its program; `output`: address of int8 [3·5 pixels, 4 channels]."""

    memory: Bytes
    count: int
    output: int
    x: Int8Array
    weights: Int8Array
    bias: Int64Array
    multiplier: Int64Array


def convolution(machine: Machine) -> Convolution:
    """16 channels to 4 on 3×5 pixels, for four rows and columns of groups of 4: one tile, one pass, one store."""
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (16, 3, 5)).astype(np.int8)
    weights = rng.integers(-128, 128, (16, 4)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.5] = 0
    bias = rng.integers(-1000, 1000, 4)
    multiplier = rng.integers(1 << 30, (1 << 31) - 1, 4)
    tile = pack_tile(weights.reshape(4, 4, 4), machine.hw)
    parameters = np.zeros((13, 4), np.uint8)
    parameters[0:4] = bias.astype("<i4").view(np.uint8).reshape(4, 4)
    parameters[4:8] = multiplier.astype("<i4").view(np.uint8).reshape(4, 4)
    parameters[12] = 45
    activations = x.reshape(4, 4, 15).transpose(0, 2, 1)

    def load(kind: Kind, count: int, source: int, signal: Sequence[Engine] = (), bank: int = 0) -> Instruction:
        at = isa.Load(width=5, pitch=5, period=2, bank=bank)
        return replace(at, kind=kind, count=count, source=source, signal=tuple(signal))

    command = tile.command(15, first=True, last=True)
    program = [
        isa.Header(version=VERSION, fingerprint=machine.fingerprint),
        load(Kind.TABLE, machine.table_vectors, 0x1000),
        load(Kind.PARAMETERS, 13, 0x1100, (S,)),
        load(Kind.WEIGHTS, len(tile.words), 0x1200),
        *(load(Kind.ACTIVATIONS, 15, 0x2000 + 60 * b, (X,) if b == 3 else (), b) for b in range(4)),
        isa.Setup(n0=1, n1=1, n2=5, n3=3, step0=0, step1=0, step2=1, step3=5),
        isa.Pass(command=command, words=len(tile.words), wait=(L,)),
        isa.Store(address=0x4000, low=-128, high=127, memory=True, count=15, pool=1, wait=(L,)),
        isa.End(),
    ]
    memory = image(program)
    for address, data in ((0x1100, parameters), (0x1200, tile.words), (0x2000, activations.view(np.uint8))):
        flat = np.ascontiguousarray(data).ravel()
        memory[address : address + len(flat)] = flat
    return Convolution(memory, len(program), 0x4000, x, weights, bias, multiplier)
