"""A model's description as bytes, and back: text for all but the zeros, then their bits. Nothing in it can be code."""

from __future__ import annotations

import json
import zlib
from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from enum import Enum
from math import prod
from typing import Any

import numpy as np

from skipbeat_arch.graph import Pool
from skipbeat_arch.model import (
    HostOperator,
    KeptMagnitude,
    LayerKind,
    LayerPart,
    ModelDescription,
    ModelLayer,
    ModelRun,
    Twin,
    Unpriced,
    WeightZeros,
)
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, Gemm

from .planned_run import PlannedGraph, PlannedNode
from .weight_zeros import DrawnZeros, NoZeros, PackedZeros, weight_zeros

_CLASSES: dict[str, Any] = {
    each.__name__: each
    for each in (
        *(ModelDescription, ModelLayer, LayerPart, LayerKind, KeptMagnitude, ModelRun, HostOperator, Unpriced),
        Twin,
        *(Pattern, Gemm, Convolution, Pool, PlannedGraph, PlannedNode, NoZeros, DrawnZeros),
    )
}
#: What follows from a run's graph.
_DERIVED = {"key", "structure", "names", "counted", "convolutions", "products", "block"}
#: Under which names a text has the class of an object, the number of a weight's zeros, and zeros whose bits follow.
_CLASS, _ZEROS, _BITS, _DIGEST = "is", "zeros", "bits", "digest"
#: Bytes of the length of the text, which comes first.
_LENGTH = 8


def to_bytes(description: ModelDescription) -> bytes | None:
    """All of a description; None if it has something that only its source can give, such as zeros of a checkpoint."""
    writer = _Writer()
    try:
        text = json.dumps([writer.plain(description), writer.zeros])
    except TypeError:
        return None
    packed = zlib.compress(text.encode(), 1)
    return b"".join([len(packed).to_bytes(_LENGTH, "little"), packed, *writer.bits])


def from_bytes(content: bytes) -> ModelDescription:
    """The description that `to_bytes` was given.

    Raises:
        ValueError: these bytes are none.
    """
    start = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    try:
        plain, zeros = json.loads(zlib.decompress(content[_LENGTH:start]))
        found = _Reader(zeros, content, start).value(plain)
    except (zlib.error, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"no description of a model: {error}") from error
    if not isinstance(found, ModelDescription):
        raise ValueError("no description of a model")
    return found


class _Writer:
    """Turns objects into what JSON has; zeros of weights are listed once, with their bits."""

    def __init__(self) -> None:
        self.zeros: list[Any] = []
        self.bits: list[bytes] = []
        self._numbers: dict[Hashable, int] = {}

    def plain(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | float) or type(value) is str:
            return value
        if isinstance(value, tuple):
            return [self.plain(each) for each in value]
        if isinstance(value, WeightZeros):
            return {_ZEROS: self._number(value)}
        name = type(value).__name__
        if _CLASSES.get(name) is not type(value):
            raise TypeError(f"{name} cannot be written down")
        if isinstance(value, Enum):
            return {_CLASS: name, "value": value.value}
        assert is_dataclass(value)
        left_out = _DERIVED if isinstance(value, ModelRun) else ()
        own = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in left_out}
        return {_CLASS: name} | {key: self.plain(each) for key, each in own.items()}

    def _number(self, zeros: WeightZeros) -> int:
        if zeros.key not in self._numbers:
            source = zeros.nonzero
            if isinstance(source, PackedZeros):
                self.bits.append(source.bits.tobytes())
                self.zeros.append({_BITS: source.shape, _DIGEST: source.digest})
            else:
                self.zeros.append(self.plain(source))
            self._numbers[zeros.key] = len(self._numbers)
        return self._numbers[zeros.key]


class _Reader:
    """Makes objects of what a text has; all lists in it were tuples."""

    def __init__(self, zeros: list[Any], content: bytes, start: int) -> None:
        self._zeros = list[WeightZeros]()
        for each in zeros:
            if _BITS in each:
                shape = tuple(each[_BITS])
                size = -(-prod(shape) // 8)
                bits = np.frombuffer(content, np.uint8, size, start)
                start += size
                self._zeros.append(weight_zeros(PackedZeros(shape, bits, each[_DIGEST])))
            else:
                self._zeros.append(weight_zeros(self.value(each)))

    def value(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return tuple(map(self.value, plain))
        if not isinstance(plain, dict):
            return plain
        if _ZEROS in plain:
            return self._zeros[plain[_ZEROS]]
        made = _CLASSES[plain[_CLASS]]
        if issubclass(made, Enum):
            return made(plain["value"])
        own = {key: self.value(each) for key, each in plain.items() if key != _CLASS}
        if made is ModelRun:
            own |= {name: getattr(own["graph"], name) for name in _DERIVED}
        return made(**own)
