"""Programs in files.

Layout, little-endian: 8 bytes magic, 4 bytes version of the file, 4 bytes fingerprint of the hardware, 4 bytes size of
the header, SHA-256 of everything else in the file (32 bytes), the header in JSON, and the image. Of a program with an
operand its addresses follow, 4 bytes each, row by row.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Bytes, UInt32Array
from .errors import InputError
from .files import write_bytes
from .fold import Fold
from .instruction import INSTRUCTION_BYTES, VERSION
from .machine import Machine
from .machine_program import MachineProgram, NodeRange, Place

MAGIC = b"skipbeat"
FILE_VERSION = 4
_HEAD = struct.Struct("<8sIII")
_DIGEST_BYTES = 32


def save_program(program: MachineProgram, path: str | Path) -> None:
    """Writes a program to a file, under a temporary name first.

    Raises:
        InputError: the file cannot be written.
    """
    header = json.dumps(_header(program), sort_keys=True).encode()
    head = _HEAD.pack(MAGIC, FILE_VERSION, program.fingerprint, len(header))
    image = program.image.tobytes()
    if program.operand is not None:
        image += program.operand.astype("<u4").tobytes()
    try:
        write_bytes(path, head + _digest(head, header, image) + header + image)
    except InputError as error:
        raise InputError(f"program {error}") from None


def load_program(path: str | Path, machine: Machine | None = None) -> MachineProgram:
    """Reads a program; with `machine`, only one that was compiled for it.

    Raises:
        InputError: the file cannot be read, is no program, of another version, truncated, altered or for other
            hardware.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"program {path}: cannot be read: {error.strerror}") from None
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
    program = _program(json.loads(header), fingerprint, np.frombuffer(image, np.uint8), path)
    if machine is not None and fingerprint != machine.fingerprint:
        raise InputError(
            f"program {path}: compiled for other hardware ({program.hardware}, {fingerprint:08x}) than "
            f"{machine.hw.name} ({machine.fingerprint:08x})"
        )
    return program


def _digest(head: bytes, header: bytes, image: bytes) -> bytes:
    return hashlib.sha256(head + header + image).digest()


def _header(program: MachineProgram) -> dict[str, Any]:
    return {
        "instruction_version": VERSION,
        "hardware": program.hardware,
        "vector": program.vector,
        "memory_bytes": program.memory_bytes,
        "address": program.address,
        "count": program.count,
        "tensors": [_place(t) for t in program.tensors],
        "fold": None if program.fold is None else dataclasses.asdict(program.fold),
        "nodes": [[s.name, s.start, s.stop, list(s.early)] for s in program.nodes],
        "operand": None if program.operand is None else list(program.operand.shape),
    }


def _place(place: Place) -> list[Any]:
    return [
        place.name,
        place.address,
        list(place.shape),
        place.raw,
        place.first,
        place.images,
        place.order,
        place.scale,
    ]


def _fold(fields: dict[str, Any] | None) -> Fold | None:
    if fields is None:
        return None
    channels, height, width = fields.pop("shape")
    numbers = {name: int(value) for name, value in fields.items()}
    return Fold(shape=(int(channels), int(height), int(width)), **numbers)


def _operand(shape: list[int] | None, data: Bytes) -> tuple[UInt32Array | None, Bytes]:
    """The addresses of the operand, and the image before them."""
    if shape is None:
        return None, data
    rows, columns = map(int, shape)
    start = data.size - 4 * rows * columns
    if rows < 1 or columns < 1 or start < 0:
        raise ValueError("operand")
    return data[start:].view("<u4").astype(np.uint32).reshape(rows, columns), data[:start]


def _program(header: dict[str, Any], fingerprint: int, image: Bytes, path: str | Path) -> MachineProgram:
    """The program of a header whose checksum was right; it is checked against the image all the same."""
    try:
        if header["instruction_version"] != VERSION:
            raise InputError(
                f"program {path}: version {header['instruction_version']} of the instructions, expected {VERSION}"
            )
        operand, image = _operand(header["operand"], image)
        program = MachineProgram(
            hardware=str(header["hardware"]),
            fingerprint=fingerprint,
            vector=int(header["vector"]),
            image=image,
            memory_bytes=int(header["memory_bytes"]),
            address=int(header["address"]),
            count=int(header["count"]),
            tensors=tuple(
                Place(
                    name=str(name),
                    address=int(address),
                    shape=(int(c), int(h), int(w)),
                    raw=bool(raw),
                    first=int(first),
                    images=int(images),
                    order=None if order is None else tuple(map(int, order)),
                    scale=None if scale is None else float(scale),
                )
                for name, address, (c, h, w), raw, first, images, order, scale in header["tensors"]
            ),
            nodes=tuple(
                NodeRange(name=str(name), start=int(start), stop=int(stop), early=tuple(map(int, early)))
                for name, start, stop, early in header["nodes"]
            ),
            fold=_fold(header["fold"]),
            operand=operand,
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"program {path}: its header is not that of a program") from None
    outside = program.operand is not None and program.operand.max() >= image.size
    if outside or program.address + program.count * INSTRUCTION_BYTES > image.size or not program.tensors:
        raise InputError(f"program {path}: its header does not fit its image")
    return program
