"""The ports of a Verilog module, and tables of 32-bit words that hold their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import UInt32Array
from skipbeat_arch.errors import InputError

_DECLARATION = re.compile(r"^\s*(input|output)\s+(?:wire\s+|reg\s+)?(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*;", re.M)


@dataclass(frozen=True)
class Port:
    """A port of `width` bits; `is_input` as seen from the module."""

    name: str
    width: int
    is_input: bool

    @property
    def words(self) -> int:
        """32-bit words that hold a value."""
        return -(-self.width // 32)


def read_ports(verilog: str, top: str) -> dict[str, Port]:
    """Ports of module `top` in Verilog as Amaranth writes it (a declaration per line), in order of declaration.

    Raises:
        InputError: there is no such module.
    """
    module = re.search(rf"^\s*module\s+{re.escape(top)}\b.*?^\s*endmodule", verilog, re.M | re.S)
    if module is None:
        raise InputError(f"Verilog: there is no module {top!r}")
    found = _DECLARATION.findall(module.group())
    return {name: Port(name, int(high or 0) + 1, direction == "input") for direction, high, name in found}


def to_words(values: Sequence[int], port: Port) -> UInt32Array:
    """Values of a port as uint32 [values, words], little-endian; negative values as two's complement.

    Raises:
        InputError: a value that the port cannot hold.
    """
    low, high = -(1 << (port.width - 1)), (1 << port.width) - 1
    for clock, value in enumerate(values):
        if not low <= value <= high:
            raise InputError(f"port {port.name}: value {value} at {clock} does not fit in {port.width} bits")
    size = 4 * port.words
    packed = b"".join((int(value) & high).to_bytes(size, "little") for value in values)
    return np.frombuffer(packed, "<u4").reshape(len(values), port.words)


def from_words(words: UInt32Array) -> list[int]:
    """Inverse of `to_words`, unsigned: one int for each row."""
    if words.shape[1] == 1:
        flat: list[int] = words[:, 0].tolist()
        return flat
    size = 4 * words.shape[1]
    packed = np.ascontiguousarray(words).tobytes()
    return [int.from_bytes(packed[i : i + size], "little") for i in range(0, len(packed), size)]


def columns(ports: Sequence[Port]) -> dict[str, slice]:
    """Where each port's words are in a row that holds all of them in order."""
    table, start = {}, 0
    for port in ports:
        table[port.name] = slice(start, start + port.words)
        start += port.words
    return table
