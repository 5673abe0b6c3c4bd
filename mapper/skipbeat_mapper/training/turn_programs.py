"""Programs that turn X for the gradient of a weight: from where a layer has read it to where the update's programs do.

X lies in memory in groups of images, [channel block][y][x][image][V], and an update's program wants rectangles of it in
groups of channels, [block of V images][y][x][channel][V]. Bands of X, a part of a line each, are loaded into regions of
the residual memory; TURNs write from there what each rectangle has of them. Zeros around X are those of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram, NodeRange, Place
from skipbeat_arch.tensor_layout import channel_blocks, tensor_bytes
from skipbeat_arch.turn_instruction import Turn

#: Regions of the residual memory: what is loaded into one must be turned and written before it is loaded again.
REGIONS = 4
#: Tensors begin at a multiple of so many bytes.
_ALIGNED = 4096
#: Names of the tensors.
GIVEN, TURNED = "x", "turned"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A rectangle of X that a program of the update reads; what X does not have of it is zeros.

    Attributes:
        row, column: of its first pixel in X, which may lie before that.
        height, width: in pixels.
        sides: channels of each of its groups of images, the layer's channels being its images.
        flat: its one pixel has all pixels of X as channels, pixel after pixel.
    """

    row: int
    column: int
    height: int
    width: int
    sides: tuple[int, ...]
    flat: bool = False


@dataclass(frozen=True, kw_only=True)
class Operand:
    """X as it lies in memory.

    Attributes:
        shape: channels, height, width of an image. groups: images of each group, in order.
    """

    shape: tuple[int, int, int]
    groups: tuple[int, ...]

    @property
    def images(self) -> int:
        """Of all groups."""
        return sum(self.groups)


@dataclass(frozen=True)
class _Target:
    """A group of channels of a window in memory: `first` counts the layer's channels; `at` is in vectors."""

    window: Window
    first: int
    side: int
    at: int


@dataclass(frozen=True)
class _Band:
    """Pixels `left` to `right` of line `row`, of some channel blocks and images; each is from-to."""

    row: int
    columns: tuple[int, int]
    blocks: tuple[int, int]
    images: tuple[int, int]

    def place(self, block: int, column: int, image: int) -> int:
        """Which vector of the band it is."""
        (left, right), (first, last) = self.columns, self.images
        return ((block - self.blocks[0]) * (right - left) + column - left) * (last - first) + image - first


def can_turn(machine: Machine, x: Operand) -> bool:
    """Whether the machine can do it: blocks of V images are whole."""
    return machine.hw.outputs.turn and x.images % machine.vector == 0


def turn_program(machine: Machine, name: str, x: Operand, windows: Sequence[Window]) -> MachineProgram:
    """The program that turns X into all windows.

    Its tensors are `GIVEN`, a `Place` for each group of images, and `TURNED`, one for each group of channels of each
    window: of channels by images, numbered on from window to window.

    Args:
        machine: the hardware.
        name: of the layer.
        x: the operand. windows: what is read of it.

    Raises:
        InputError: the machine cannot, see `can_turn`.
    """
    if not can_turn(machine, x):
        raise InputError(f"layer {name}: hardware {machine.hw.name} cannot turn its input")
    sources, targets, end = _places(machine, x, windows)
    code = _code(machine, x, targets)
    start = -(-len(code) * INSTRUCTION_BYTES // _ALIGNED) * _ALIGNED
    words = b"".join(_moved(each, start).to_word().to_bytes(INSTRUCTION_BYTES, "little") for each in code)
    return MachineProgram(
        hardware=machine.hw.name,
        fingerprint=machine.fingerprint,
        vector=machine.vector,
        image=np.frombuffer(words, np.uint8),
        memory_bytes=start + end,
        address=0,
        count=len(code),
        tensors=tuple(replace(each, address=each.address + start) for each in sources),
        nodes=(NodeRange(name=name, start=1, stop=len(code) - 1),),
    )


def turn_instructions(machine: Machine, x: Operand, windows: Sequence[Window]) -> list[Instruction]:
    """The instructions of `turn_program`, but for where tensors begin, which is at multiples of as much."""
    return _code(machine, x, _places(machine, x, windows)[1])


def _code(machine: Machine, x: Operand, targets: Sequence[_Target]) -> list[Instruction]:
    return [isa.Header(version=VERSION, fingerprint=machine.fingerprint), *_body(machine, x, targets), isa.End()]


def _moved(each: Instruction, start: int) -> Instruction:
    """The instruction where tensors begin at a byte address."""
    if isinstance(each, isa.Load):
        return replace(each, source=each.source + start)
    return replace(each, address=each.address + start) if isinstance(each, Turn) else each


def _places(machine: Machine, x: Operand, windows: Sequence[Window]) -> tuple[list[Place], list[_Target], int]:
    """All tensors, counted from 0 on, those to be written again as targets, and the bytes of all."""
    found, targets, at, number = list[Place](), list[_Target](), 0, 0

    def put(name: str, shape: tuple[int, int, int], first: int, images: int) -> None:
        nonlocal at
        found.append(Place(name=name, address=at, shape=shape, first=first, images=images))
        size = tensor_bytes(shape, machine.vector) * images
        at += -(-size // _ALIGNED) * _ALIGNED

    for first, images in zip(accumulate(x.groups, initial=0), x.groups, strict=False):
        put(GIVEN, x.shape, first, images)
    for window in windows:
        for first, side in zip(accumulate(window.sides, initial=0), window.sides, strict=False):
            targets.append(_Target(window, first, side, at // machine.vector))
            put(TURNED, (x.images, window.height, window.width), number + first, side)
        number += sum(window.sides)
    return found, targets, at


def _body(machine: Machine, x: Operand, targets: Sequence[_Target]) -> Iterator[Instruction]:
    """LOADs and TURNs of band after band; the one that comes `REGIONS` bands later waits for its region."""
    region, number = machine.residual_depth // REGIONS, 0
    for band in _bands(machine, x, region):
        at = number % REGIONS * region
        turns = [turn for target in targets for turn in _turns(machine, x, target, band, at)]
        if not turns:
            continue
        loads = list(_loads(machine, x, band, at))
        loads[0] = replace(loads[0], wait=(Engine.STORE,) if number >= REGIONS else ())
        loads[-1] = replace(loads[-1], signal=(Engine.STORE,))
        turns[0] = replace(turns[0], wait=(Engine.LOAD,))
        turns[-1] = replace(turns[-1], signal=(Engine.LOAD,))
        yield from loads
        yield from turns
        number += 1


def _bands(machine: Machine, x: Operand, region: int) -> Iterator[_Band]:
    """As many images, channel blocks and pixels of a line as a region holds, in this order."""
    vector, (channels, height, width) = machine.vector, x.shape
    every = channel_blocks(channels, vector)
    blocks = min(every, region // vector, Turn.largest("n0"))
    most = max(vector, region // blocks // vector * vector)
    whole = all(images % vector == 0 for images in x.groups)
    runs = x.groups if whole else (x.images,)
    for row in range(height):
        for first, images in zip(accumulate(runs, initial=0), runs, strict=False):
            for image in range(first, first + images, most):
                last = min(image + most, first + images)
                columns = max(1, region // (blocks * (last - image)))
                for left in range(0, width, columns):
                    for block in range(0, every, blocks):
                        yield _Band(
                            row=row,
                            columns=(left, min(left + columns, width)),
                            blocks=(block, min(block + blocks, every)),
                            images=(image, last),
                        )


def _loads(machine: Machine, x: Operand, band: _Band, at: int) -> Iterator[isa.Load]:
    """What of each group of images belongs to a band: all images of a group in a run of pixels, or pixel by pixel."""
    vector, (_, height, width) = machine.vector, x.shape
    (left, right), (begin, end), address = band.columns, band.images, 0
    for first, images in zip(accumulate(x.groups, initial=0), x.groups, strict=False):
        start, stop = max(begin, first), min(end, first + images)
        for block in range(*band.blocks) if start < stop else ():
            together = (start, stop) == (begin, end) == (first, first + images)
            for column in (left,) if together else range(left, right):
                pixel = (block * height + band.row) * width + column
                yield isa.Load(
                    to=at + band.place(block, column, start),
                    kind=Kind.RESIDUAL,
                    count=(stop - start) * (right - left if together else 1),
                    source=address + (pixel * images + start - first) * vector,
                )
        address += -(-tensor_bytes(x.shape, vector) * images // _ALIGNED) * _ALIGNED


def _turns(machine: Machine, x: Operand, target: _Target, band: _Band, at: int) -> Iterator[Turn]:
    """What a window's group of channels has of a band."""
    vector, window = machine.vector, target.window
    pixels = window.height * window.width * target.side
    for run in _runs(machine, x, target, band):
        begin, end = run.blocks
        for image in range(*band.images, vector):
            yield Turn(
                address=(target.at + image // vector * pixels + run.vector) * vector,
                step0=band.place(begin + 1, run.column, image) - band.place(begin, run.column, image),
                n0=end - begin,
                residual_at=at + band.place(begin, run.column, image),
                count=(end - begin) * run.columns,
                step1=band.images[1] - band.images[0],
                lane=run.lanes[0],
                lanes=run.lanes[1] - run.lanes[0],
            )


@dataclass
class _Run:
    """Pixels whose vectors follow one another: from `column` on, blocks and lanes from-to, and where they begin."""

    column: int
    blocks: tuple[int, int]
    lanes: tuple[int, int]
    vector: int
    columns: int = 1

    @property
    def vectors(self) -> int:
        """Of a pixel."""
        return (self.blocks[1] - self.blocks[0]) * (self.lanes[1] - self.lanes[0])


def _runs(machine: Machine, x: Operand, target: _Target, band: _Band) -> list[_Run]:
    """The pixels of a band that belong to a target: those of whole groups together, of others part by part."""
    found, window, (channels, _, width), vector = list[_Run](), target.window, x.shape, machine.vector
    last: dict[tuple[tuple[int, int], tuple[int, int]], _Run] = {}
    for column in range(*band.columns):
        first, begins = target.first, 0
        if window.flat:
            first -= (band.row * width + column) * channels
        else:
            row, place = band.row - window.row, column - window.column
            if not (0 <= row < window.height and 0 <= place < window.width):
                continue
            begins = (row * window.width + place) * target.side
        for blocks, lanes in _parts(max(first, 0), min(first + target.side, channels), vector):
            blocks = max(blocks[0], band.blocks[0]), min(blocks[1], band.blocks[1])
            if blocks[0] >= blocks[1]:
                continue
            run = _Run(column, blocks, lanes, begins + blocks[0] * vector + lanes[0] - first)
            before = last.get((blocks, lanes))
            if before is not None and before.vector + before.columns * before.vectors == run.vector:
                before.columns += 1
                continue
            last[blocks, lanes] = run
            found.append(run)
    return found


def _parts(first: int, stop: int, vector: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Blocks and lanes, each from-to, of channels from-to: a part of a block, whole ones, a part of a block."""
    while first < stop:
        block, lane = divmod(first, vector)
        if lane or stop - first < vector:
            end = min(stop, (block + 1) * vector)
            yield (block, block + 1), (lane, end - block * vector)
        else:
            end = stop // vector * vector
            yield (block, end // vector), (0, vector)
        first = end
