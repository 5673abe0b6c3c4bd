"""Programs in files.

Layout, little-endian: 8 bytes magic, 4 bytes version of the file, 4 bytes fingerprint of the hardware, 4 bytes size of
the header, SHA-256 of everything else in the file (32 bytes), the header in JSON, and the image. Of a program with an
operand the addresses of the first one follow, 4 bytes each, row by row.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .arguments import expect
from .arrays import Bytes
from .errors import InputError
from .files import parse_json, read_bytes, write_bytes
from .fold import Fold
from .instruction import INSTRUCTION_BYTES, VERSION
from .machine import Machine
from .machine_program import Code, MachineProgram, NodeRange, Place
from .tensor_layout import tensor_bytes
from .yaml_file import first_error

MAGIC = b"skipbeat"
FILE_VERSION = 7
#: A program addresses 32 bits of memory.
MOST_FILE_BYTES = 1 << 33
_HEAD = struct.Struct("<8sIII")
_DIGEST_BYTES = 32


def save_program(program: MachineProgram, path: str | Path) -> None:
    """Writes a program to a file, under a temporary name first.

    Raises:
        InputError: the file cannot be written.
        OSError: the disk is full.
    """
    expect("program", program, MachineProgram, "a MachineProgram, as `compile` makes it")
    try:
        write_bytes(path, pack_program(program))
    except InputError as error:
        raise InputError(f"program {error}") from None


def pack_program(program: MachineProgram) -> bytes:
    """The content of a program's file."""
    header = json.dumps(_header(program), sort_keys=True).encode()
    head = _HEAD.pack(MAGIC, FILE_VERSION, program.fingerprint, len(header))
    image = program.image.tobytes()
    if program.operand is not None:
        image += program.operand.astype("<u4").tobytes()
    return head + _digest(head, header, image) + header + image


def load_program(path: str | Path, machine: Machine | None = None) -> MachineProgram:
    """Reads a program; with `machine`, only one that was compiled for it.

    Raises:
        InputError: the file cannot be read, is no program, of another version, truncated, altered or for other
            hardware.
    """
    program = unpack_program(read_bytes(path, f"program {path}", MOST_FILE_BYTES), path)
    if machine is not None and program.fingerprint != machine.fingerprint:
        raise InputError(
            f"program {path}: compiled for other hardware ({program.hardware}, {program.fingerprint:08x}) than "
            f"{machine.hw.name} ({machine.fingerprint:08x})"
        )
    return program


def unpack_program(data: bytes, path: str | Path) -> MachineProgram:
    """The program in the content of a file; `path` is for messages.

    Raises:
        InputError: it is no program, of another version, truncated or altered.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise InputError(f"program {path}: not a skipbeat program")
    if len(data) < _HEAD.size + _DIGEST_BYTES:
        raise InputError(f"program {path}: truncated after {len(data)} bytes")
    _, version, fingerprint, size = _HEAD.unpack(data[: _HEAD.size])
    if version != FILE_VERSION:
        raise InputError(f"program {path}: version {version} of the file, expected {FILE_VERSION}")
    start = _HEAD.size + _DIGEST_BYTES
    header, image = data[start : start + size], data[start + size :]
    if _digest(data[: _HEAD.size], header, image) != data[_HEAD.size : start]:
        raise InputError(f"program {path}: checksum is wrong: the file was truncated or altered")
    return _program(header, fingerprint, np.frombuffer(image, np.uint8), path)


def _digest(head: bytes, header: bytes, image: bytes) -> bytes:
    return hashlib.sha256(head + header + image).digest()


class _Header(BaseModel):
    """The header: what a `MachineProgram` says of itself, but for its image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruction_version: int
    hardware: str
    vector: Annotated[int, Field(ge=1, le=64)]
    memory_bytes: Annotated[int, Field(ge=1, le=1 << 32)]
    address: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=1)]
    tensors: Annotated[tuple[Place, ...], Field(min_length=1)]
    nodes: tuple[NodeRange, ...]
    again: Code | None
    fold: Fold | None
    operand: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None
    operand_pitch: Annotated[int, Field(ge=0)]

    @property
    def operand_bytes(self) -> int:
        """Of the operand's addresses."""
        return 0 if self.operand is None else 4 * self.operand[0] * self.operand[1]


def describe(program: MachineProgram) -> dict[str, Any]:
    """All but the image of a program, as JSON has it: what the header of its file says, and the fingerprint."""
    return {"fingerprint": program.fingerprint, "image_bytes": program.image.size} | _header(program)


def _header(program: MachineProgram) -> dict[str, Any]:
    return {
        "instruction_version": VERSION,
        "hardware": program.hardware,
        "vector": program.vector,
        "memory_bytes": program.memory_bytes,
        "address": program.address,
        "count": program.count,
        "tensors": [dataclasses.asdict(place) for place in program.tensors],
        "nodes": [dataclasses.asdict(node) for node in program.nodes],
        "again": None if program.again is None else dataclasses.asdict(program.again),
        "fold": None if program.fold is None else dataclasses.asdict(program.fold),
        "operand": None if program.operand is None else program.operand.shape,
        "operand_pitch": program.operand_pitch,
    }


def _program(text: bytes, fingerprint: int, data: Bytes, path: str | Path) -> MachineProgram:
    """The program of a header whose checksum was right; it is checked against the image all the same."""
    fields = parse_json(text, f"program {path}")
    version = fields.get("instruction_version") if isinstance(fields, dict) else None
    if version != VERSION:
        raise InputError(f"program {path}: version {version} of the instructions, expected {VERSION}")
    try:
        header = _Header.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"program {path}: its header is not that of a program: {first_error(error)}") from None
    begins = [header.address, *([header.again.address] if header.again else [])]
    if wrong := [each for each in begins if each % header.vector]:
        raise InputError(f"program {path}: it begins at {wrong[0]}, expected a multiple of {header.vector}")
    size = data.size - header.operand_bytes
    image, operand = data[: max(size, 0)], None
    if header.operand is not None and size >= 0:
        operand = data[size:].view("<u4").astype(np.uint32).reshape(header.operand)
    program = MachineProgram(
        hardware=header.hardware,
        fingerprint=fingerprint,
        vector=header.vector,
        image=image,
        memory_bytes=header.memory_bytes,
        address=header.address,
        count=header.count,
        tensors=header.tensors,
        nodes=header.nodes,
        fold=header.fold,
        operand=operand,
        operand_pitch=header.operand_pitch,
        again=header.again,
    )
    if size < 0 or not _fits(program):
        raise InputError(f"program {path}: its header does not fit its image")
    return program


def _fits(program: MachineProgram) -> bool:
    """Whether all that a header names lies where it can lie."""
    places = [
        0
        <= place.address
        <= program.memory_bytes - place.images * tensor_bytes(place.shape, program.vector, place.vectors)
        and min(place.shape) > 0
        and min(place.images, 1 + place.first) > 0
        for place in program.tensors
    ]
    codes = [program.code(), *([program.again] if program.again else [])]
    ranges = [
        0 <= min(node.start, *node.early, node.stop) <= max(node.start, *node.early, node.stop - 1) < code.count
        for code in codes
        for node in code.nodes
    ]
    folded = program.fold is None or program.fold.folded_shape == program.input.shape
    last = (program.images - 1) * program.operand_pitch
    written = program.operand is None or int(program.operand.max()) + last < program.image.size
    inside = [0 <= code.address <= program.image.size - code.count * INSTRUCTION_BYTES for code in codes]
    inside.append(program.image.size <= program.memory_bytes)
    return all(places) and all(ranges) and folded and written and all(inside)
