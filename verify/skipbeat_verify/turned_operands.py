"""X of the updates of a training step, turned by programs of the machine where its hardware can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.training.turn_programs import GIVEN, TURNED, Operand, Window, can_turn, turn_program
from skipbeat_mapper.training.update_programs import ChunkProgram

from .machine_simulation import ProgramRun, run_memory


class UpdateProgram(NamedTuple):
    """A program of an update, compiled."""

    chunk: ChunkProgram
    program: MachineProgram


class Turned(NamedTuple):
    """What a program left: for each program of an update its images int8 [C, N, height, width]."""

    program: MachineProgram
    run: ProgramRun
    images: list[Int8Array]


@dataclass(kw_only=True, eq=False)
class OperandTurner:
    """Turns what layers have read, as they have read it.

    Attributes:
        rtl, cycle_model: what runs; as of `MachineProducts`.
    """

    machine: Machine
    rtl: VerilatedMachine | None
    cycle_model: bool
    _read: dict[str, Operand | None] = field(default_factory=dict, init=False, repr=False)

    def read(self, layer: str, program: MachineProgram) -> None:
        """A layer's forward program, in whose memory X lies; it lies nowhere as it is if it is folded or reordered."""
        places = [each for each in program.tensors if each.name == program.input.name]
        as_it_is = program.fold is None and all(each.order is None for each in places)
        groups = tuple(each.images for each in places)
        self._read[layer] = Operand(shape=program.input.shape, groups=groups) if as_it_is else None

    def turned(self, layer: str, x: Int8Array, programs: Sequence[UpdateProgram]) -> Turned | None:
        """X int8 [N, C, H, W] as all programs of the layer's update want it; None: the machine cannot.

        The channels of programs with a pixel alone are those of `pixel_order`.
        """
        operand = self._read.get(layer)
        if operand is None or (operand.images, *operand.shape) != x.shape:
            return None
        windows, numbers = _windows(x, programs)
        if not can_turn(self.machine, operand):
            return None
        program = turn_program(self.machine, layer, operand, windows)
        memory = program.memory()
        for number, image in enumerate(x):
            program.write_tensor(memory, GIVEN, image, number)
        wanted = [each.chunk.images for each in programs]

        def images(left: Bytes, first: int, count: int) -> Int8Array:
            found = [program.read_tensor(left, program.place(TURNED, first + n), first + n) for n in range(count)]
            return np.array(found, np.int8)

        def expected(left: Bytes) -> bool:
            pairs = zip(numbers, wanted, strict=True)
            return all(np.array_equal(images(left, number, len(each)), each) for number, each in pairs)

        run, left = run_memory(program, self.machine, memory, expected, self.rtl, cycle_model=self.cycle_model)
        assert left is not None, "a training runs on the RTL or the cycle model"
        return Turned(program, run, [images(left, *each) for each in zip(numbers, map(len, wanted), strict=True)])


def pixel_order(shape: tuple[int, ...]) -> Int64Array:
    """The channels [C * H * W] of X whose pixels are channels, pixel after pixel, as they lie in memory."""
    _, channels, height, width = shape
    return np.arange(channels * height * width).reshape(channels, -1).T.ravel()


def _windows(x: Int8Array, programs: Sequence[UpdateProgram]) -> tuple[list[Window], list[int]]:
    """The different windows of programs, and for each program the number of its first channel in these."""
    flat = programs[0].chunk.images.shape[0] != x.shape[1]
    windows, numbers, first = list[Window](), list[int](), 0
    every = [_window(each, flat=flat) for each in programs]
    for window, alike in groupby(every):
        windows.append(window)
        numbers += [first] * len(list(alike))
        first += sum(window.sides)
    return windows, numbers


def _window(each: UpdateProgram, *, flat: bool) -> Window:
    row, column = each.chunk.place
    height, width = each.chunk.images.shape[2:]
    places = [place for place in each.program.tensors if place.name == each.program.input.name]
    sides = tuple(place.images for place in places)
    return Window(row=row, column=column, height=height, width=width, sides=sides, flat=flat)
