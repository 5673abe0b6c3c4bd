"""The tiles of a program, read from its memory image as far as the timing model needs them."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.command import Command, Encoding, metadata_bits
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.tile import PackedTile, stored_columns

from .columns import Columns, columns_of
from .program_check import check_header


def stored_tiles(
    machine: Machine, image: Bytes, instructions: Sequence[Instruction], before: Sequence[Instruction] = ()
) -> list[PackedTile]:
    """The tiles of the PASSes that load one, in order, as the LOADs before each of them have left the weight buffer.

    Args:
        image: uint8 [bytes], the memory from address 0 on; must hold all weights.
        before: instructions that ran right before these, and left what they loaded.

    Raises:
        InputError: weights outside the image or the buffer, a tile whose words its metadata contradict, or one that
            nothing has loaded.
    """
    buffer = np.zeros((machine.weight_depth, machine.vector), np.uint8)
    loaded = np.zeros(machine.weight_depth, np.bool_)
    known: dict[tuple[int, bytes], PackedTile] = {}
    tiles = []
    kept = [each for each in before if isinstance(each, isa.Load)]
    for number, instruction in enumerate((*kept, *instructions), -len(kept)):
        if isinstance(instruction, isa.Load) and instruction.kind == Kind.WEIGHTS:
            size = instruction.count * machine.vector
            data = image[instruction.source : instruction.source + size]
            if data.size != size or instruction.to + instruction.count > len(buffer):
                raise InputError(f"program: instruction {number} loads weights that are not there, or has no room")
            buffer[instruction.to : instruction.to + instruction.count] = data.reshape(-1, machine.vector)
            loaded[instruction.to : instruction.to + instruction.count] = True
        elif isinstance(instruction, isa.Pass):
            command = instruction.command
            if command.load:
                there = slice(instruction.weights, instruction.weights + instruction.words)
                if not loaded[there].all():
                    raise InputError(f"program: instruction {number} takes a tile of which words were never loaded")
                words = buffer[there].copy()
                key = command.rows | command.cols << 8 | command.beat << 16 | command.encoding << 24, words.tobytes()
                if key not in known:
                    known[key] = _tile(machine, command, words, number)
                tiles.append(known[key])
    return tiles


#: What was read of the last program, of first runs and of those right after another one.
_READ: WeakKeyDictionary[MachineProgram, dict[tuple[int, bool], Columns]] = WeakKeyDictionary()


def program_columns(program: MachineProgram, machine: Machine, *, again: bool = False) -> Columns:
    """A program as the timing model reads it, or a run of it right `again`; what was read last is not read twice.

    Raises:
        InputError: as of `stored_tiles`, or a program for another hardware.
    """
    if program not in _READ:
        _READ.clear()
    known, key = _READ.setdefault(program, {}), (machine.fingerprint, again)
    if key not in known:
        instructions, before = program.decoded(again=again), program.instructions if again else ()
        check_header(machine, instructions)
        known[key] = columns_of(machine, instructions, stored_tiles(machine, program.image, instructions, before))
    return known[key]


def _tile(machine: Machine, command: Command, words: Bytes, number: int) -> PackedTile:
    array = machine.hw.array
    bits = metadata_bits(command.encoding, command.beat, array.group)
    metadata_words = -(-command.rows * bits // 8)
    slots = np.full((command.rows, command.beat), stored_columns(command.cols, machine.hw), np.int64)
    values = words[metadata_words:]
    if command.encoding == Encoding.BITMAP and len(words) >= metadata_words:
        size = command.rows * array.cols * bits
        groups = np.unpackbits(words[:metadata_words].ravel(), count=size, bitorder="little")
        groups = groups.reshape(command.rows, array.cols, bits)[:, : command.cols]
        counts = sum(groups[:, :, bit] for bit in range(bits))
        slots = np.stack([np.count_nonzero(counts > slot, axis=1) for slot in range(command.beat)], axis=1)
    stored = int(slots.sum())
    if len(values) != -(-stored // machine.vector):
        raise InputError(f"program: the tile of instruction {number} has {len(words)} words, not what its metadata say")
    return PackedTile(
        words=words,
        encoding=Encoding(command.encoding),
        beat=command.beat,
        rows=command.rows,
        cols=command.cols,
        value_bits=8 * stored,
        metadata_bits=command.rows * array.cols * bits,
        nonzeros=int(np.count_nonzero(values)),
        slots=slots,
    )
