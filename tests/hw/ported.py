"""A twin under the words of its component's ports: one translation for all of them, by the component's signature.

A twin has the RTL's names. `evaluate` (if there are wires) and `update` take input ports by name, a stream as its
payload (None while it is not valid) or as `NAME_valid` and `NAME_payload`, and `NAME_ready` of a stream that leaves.
Attributes are output ports, `NAME_ready` of a stream that enters, and a stream that leaves (None while it is not valid,
unless there is `NAME_valid`). A structure is an object whose attributes are its members; if it has no first member
(`valid`), the structure is None while that is 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

import numpy as np
from amaranth.hdl import Fragment, Shape, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Signature

from skipbeat_arch.arrays import Bundles
from skipbeat_arch.word import Word
from tests.hw.stimulus import Values


class NativeTwin(Protocol):
    """What every twin has; `evaluate` and `update` differ in what they take."""

    evaluate: Any
    update: Any

    def reset(self) -> None:
        """All registers."""


@dataclass(frozen=True)
class Hint:
    """What a twin takes at a port: its class (without None), or `Bundles`, whose rows lie as `bundle` does."""

    kind: Any
    bundle: data.Layout

    def native(self, shape: Any, word: int) -> Any:
        """The value of a word."""
        if self.kind is Bundles:
            return _array(data.ArrayLayout(self.bundle, shape.length), word, np.int32)
        return _native(shape, word, self.kind)


@dataclass(frozen=True)
class _Port:
    """A plain port."""

    name: str
    shape: Any
    is_input: bool

    def given(self, inputs: Mapping[str, int], hints: Mapping[str, Hint]) -> Iterator[tuple[str, Any]]:
        if self.is_input and self.name in hints:
            yield self.name, hints[self.name].native(self.shape, inputs[self.name])

    def shown(self, twin: NativeTwin) -> Iterator[tuple[str, int]]:
        if not self.is_input:
            yield self.name, _bits(self.shape, getattr(twin, self.name))


@dataclass(frozen=True)
class _Stream:
    """A stream, or a channel of AXI: `parts` are the ports of its payload; `prefix` begins the names of its ports."""

    name: str
    prefix: str
    parts: Mapping[str, Any]
    is_input: bool

    def given(self, inputs: Mapping[str, int], hints: Mapping[str, Hint]) -> Iterator[tuple[str, Any]]:
        if not self.is_input:
            if (ready := f"{self.name}_ready") in hints:
                yield ready, bool(inputs[f"{self.prefix}ready"])
            return
        valid = inputs[f"{self.prefix}valid"]
        if (name := f"{self.name}_valid") in hints:
            yield name, bool(valid)
        if (name := f"{self.name}_payload") in hints:
            yield name, self._payload(inputs, hints[name])
        if self.name in hints:
            yield self.name, self._payload(inputs, hints[self.name]) if valid else None

    def _payload(self, inputs: Mapping[str, int], hint: Hint) -> Any:
        if "payload" in self.parts:
            return hint.native(self.parts["payload"], inputs[f"{self.prefix}payload"])
        members = {name: inputs[f"{self.prefix}{name}"] for name in self.parts}
        return hint.kind(**members)

    def shown(self, twin: NativeTwin) -> Iterator[tuple[str, int]]:
        if self.is_input:
            yield f"{self.prefix}ready", int(getattr(twin, f"{self.name}_ready"))
            return
        value = getattr(twin, self.name)
        yield f"{self.prefix}valid", int(getattr(twin, f"{self.name}_valid", value is not None))
        for name, shape in self.parts.items():
            part = value
            if name != "payload":  # what is constant may be an attribute of the twin
                part = getattr(twin, f"{self.name}_{name}", None) if value is None else getattr(value, name)
            yield f"{self.prefix}{name}", _bits(shape, part)


#: Channels of AXI, and whether the master takes from them.
_CHANNELS = {"ar": False, "r": True, "aw": False, "w": False, "b": True}


def _ports(signature: Signature) -> Iterator[_Port | _Stream]:
    for name, member in signature.members.items():
        if member.is_port:
            yield _Port(name, member.shape, member.flow == In)
        elif isinstance(member.signature, stream.Signature):
            shape = member.signature.members["payload"].shape
            yield _Stream(name, f"{name}__", {"payload": shape}, member.flow == In)
        else:
            shapes = {port: each.shape for port, each in member.signature.members.items()}
            for channel, enters in _CHANNELS.items():
                if f"{channel}valid" in shapes:
                    length = len(channel)
                    parts = {
                        port[length:]: shape
                        for port, shape in shapes.items()
                        if port.startswith(channel) and port[length:] not in ("valid", "ready")
                    }
                    yield _Stream(channel, f"{name}__{channel}", parts, enters)


def twin_of(component: type[Component]) -> Any:
    """The twin of a component: it has the same name in the same file of the cycle model."""
    module = import_module(component.__module__.replace("skipbeat_hw", "skipbeat_sim"))
    return getattr(module, component.__name__)


class Ported:
    """A twin whose ports are words, as those of the RTL.

    Args:
        without: output ports that the twin does not have.

    Attributes:
        twin: the twin itself.
    """

    def __init__(
        self, component: type[Component], arguments: Mapping[str, object], without: Collection[str] = ()
    ) -> None:
        self.twin: Any = twin_of(component)(**arguments)
        made = component(**arguments)
        Fragment.get(made, None)  # Amaranth warns of components that nobody elaborates
        ports = _ports(made.signature)
        self._ports = [port for port in ports if port.name not in without]
        hw: Any = arguments.get("hw") or getattr(arguments.get("machine"), "hw", None)
        bundle = hw and data.ArrayLayout(signed(hw.numbers.activation_bits), hw.array.group)
        self._wires = getattr(self.twin, "evaluate", _no_wires)
        self._evaluate, self._update = (
            {name: Hint(_class_of(hint), bundle) for name, hint in _hints(method).items()}
            for method in (self._wires, self.twin.update)
        )

    def outputs(self, inputs: Mapping[str, int]) -> Values:
        """Values of the output ports in this clock."""
        self._wires(**self._given(inputs, self._evaluate))
        return {name: value for port in self._ports for name, value in port.shown(self.twin)}

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._wires(**self._given(inputs, self._evaluate))
        self.twin.update(**self._given(inputs, self._update))
        if inputs.get("rst", 0):
            self.twin.reset()

    def _given(self, inputs: Mapping[str, int], hints: Mapping[str, Hint]) -> dict[str, Any]:
        return {name: value for port in self._ports for name, value in port.given(inputs, hints)}


def _no_wires() -> None:
    """Every output is a register."""


def _hints(method: Any) -> dict[str, Any]:
    hints = get_type_hints(method, include_extras=True)
    return {name: hints[name] for name in inspect.signature(method).parameters}


def _class_of(hint: Any) -> Any:
    """A type without None."""
    if get_origin(hint) in (Union, UnionType):
        return next(each for each in get_args(hint) if each is not NoneType)
    return hint


def _native(shape: Any, word: int, kind: Any) -> Any:
    """The value of a word; None for a structure that is not valid."""
    if get_origin(kind) is np.ndarray:
        return _array(shape, word, get_args(get_args(kind)[1])[0])
    if get_origin(kind) is list:
        return _array(shape, word, np.object_).tolist()
    if kind in (int, bool):
        return kind(word)
    if issubclass(kind, Word):
        return kind.of_bits(word)
    members = dict(shape)
    fields = {name: hint for name, hint in get_type_hints(kind).items() if name in members}
    if next(iter(members)) not in fields and not word & 1:
        return None
    bits = {name: word >> members[name].offset & ((1 << members[name].width) - 1) for name in fields}
    return kind(**{name: _native(members[name].shape, bits[name], hint) for name, hint in fields.items()})


def _array(shape: Any, word: int, dtype: Any) -> Any:
    """An array of the innermost elements."""
    if isinstance(shape, data.StructLayout):
        (shape,) = (field.shape for _, field in shape)
    lengths = []
    if not isinstance(shape, data.ArrayLayout):  # a bit for each
        shape = data.ArrayLayout(1, Shape.cast(shape).width)
    while isinstance(shape, data.ArrayLayout):
        lengths.append(shape.length)
        shape = shape.elem_shape
    element = Shape.cast(shape)
    count, bits = int(np.prod(lengths)), element.width
    sign = 1 << (bits - 1) if element.signed else 0
    values = [((word >> (i * bits) & ((1 << bits) - 1)) ^ sign) - sign for i in range(count)]
    return np.array(values, dtype).reshape(lengths)


def _bits(shape: Any, value: Any) -> int:
    """The word of a value; 0 for None."""
    width = Shape.cast(shape).width
    mask = (1 << width) - 1
    if value is None:
        return 0
    if isinstance(value, int | np.integer):
        masked: int = int(value) & mask
        return masked
    if isinstance(value, np.ndarray | list):
        elements = value.ravel().tolist() if isinstance(value, np.ndarray) else value
        bits = width // len(elements)
        return sum((int(each) & ((1 << bits) - 1)) << (i * bits) for i, each in enumerate(elements))
    word = 0
    for number, (name, field) in enumerate(shape):
        part = getattr(value, name, 1) if number == 0 else getattr(value, name)
        word |= _bits(field.shape, part) << field.offset
    return word
