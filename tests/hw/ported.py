"""A twin under the words of its component's ports: one translation for all of them, by the component's signature.

A twin has the RTL's names. `evaluate` (if there are wires) and `update` take input ports by name, a stream as its
payload (None while it is not valid) or as `NAME_valid` and `NAME_payload`, and `NAME_ready` of a stream that leaves.
Attributes are output ports, `NAME_ready` of a stream that enters, and a stream that leaves (None while it is not valid,
unless there is `NAME_valid`). A structure is an object whose attributes are its members; if it has no first member
(`valid`), the structure is None while that is 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Protocol, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from amaranth.hdl import Fragment, Shape, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Signature
from numpy.typing import NDArray

from skipbeat_arch.arrays import Bundles
from skipbeat_arch.ports import pack_array
from skipbeat_arch.word import Word
from tests.hw.stimulus import Values


class NativeTwin(Protocol):
    """What every twin has; `evaluate` and `update` differ in what they take."""

    evaluate: Any
    update: Any

    def reset(self) -> None:
        """All registers."""


#: The value of a word, and the word of a value; made once for a port, used in every clock.
Decode = Callable[[int], Any]
Encode = Callable[[Any], int]
#: An argument of the twin from the input ports, and an output port from the twin.
Given = tuple[str, Callable[[Mapping[str, int]], Any]]
Shown = tuple[str, Callable[[NativeTwin], int]]


@dataclass(frozen=True)
class Hint:
    """What a twin takes at a port: its class (without None), or `Bundles`, whose rows lie as `bundle` does."""

    kind: Any
    bundle: data.Layout

    def decoder(self, shape: Any) -> Decode:
        """Makes the value of a word."""
        if self.kind is Bundles:
            return _array(data.ArrayLayout(self.bundle, shape.length), np.int32)
        return _decoder(shape, self.kind)


@dataclass(frozen=True)
class _Port:
    """A plain port."""

    name: str
    shape: Any
    is_input: bool

    def given(self, hints: Mapping[str, Hint]) -> Iterator[Given]:
        if self.is_input and self.name in hints:
            yield self.name, _at(self.name, hints[self.name].decoder(self.shape))

    def shown(self) -> Iterator[Shown]:
        if not self.is_input:
            encode = _encoder(self.shape)
            yield self.name, lambda twin: encode(getattr(twin, self.name))


@dataclass(frozen=True)
class _Stream:
    """A stream, or a channel of AXI: `parts` are the ports of its payload; `prefix` begins the names of its ports."""

    name: str
    prefix: str
    parts: Mapping[str, Any]
    is_input: bool

    def given(self, hints: Mapping[str, Hint]) -> Iterator[Given]:
        if not self.is_input:
            if (ready := f"{self.name}_ready") in hints:
                yield ready, _at(f"{self.prefix}ready", bool)
            return
        valid = f"{self.prefix}valid"
        if (name := f"{self.name}_valid") in hints:
            yield name, _at(valid, bool)
        if (name := f"{self.name}_payload") in hints:
            yield name, self._payload(hints[name])
        if self.name in hints:
            payload = self._payload(hints[self.name])
            yield self.name, lambda inputs: payload(inputs) if inputs[valid] else None

    def _payload(self, hint: Hint) -> Callable[[Mapping[str, int]], Any]:
        if "payload" in self.parts:
            return _at(f"{self.prefix}payload", hint.decoder(self.parts["payload"]))
        return lambda inputs: hint.kind(**{name: inputs[f"{self.prefix}{name}"] for name in self.parts})

    def shown(self) -> Iterator[Shown]:
        if self.is_input:
            yield f"{self.prefix}ready", lambda twin: int(getattr(twin, f"{self.name}_ready"))
            return
        yield f"{self.prefix}valid", self._valid
        for name, shape in self.parts.items():
            yield f"{self.prefix}{name}", self._part(name, _encoder(shape))

    def _valid(self, twin: NativeTwin) -> int:
        return int(getattr(twin, f"{self.name}_valid", getattr(twin, self.name) is not None))

    def _part(self, name: str, encode: Encode) -> Callable[[NativeTwin], int]:
        if name == "payload":
            return lambda twin: encode(getattr(twin, self.name))

        def part(twin: NativeTwin) -> int:
            value = getattr(twin, self.name)
            # what is constant may be an attribute of the twin
            return encode(getattr(twin, f"{self.name}_{name}", None) if value is None else getattr(value, name))

        return part


def _at(port: str, decode: Decode) -> Callable[[Mapping[str, int]], Any]:
    """The value of an input port."""
    return lambda inputs: decode(inputs[port])


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
        kept = [port for port in ports if port.name not in without]
        hw: Any = arguments.get("hw") or getattr(arguments.get("machine"), "hw", None)
        bundle = hw and data.ArrayLayout(signed(hw.numbers.activation_bits), hw.array.group)
        self._wires = getattr(self.twin, "evaluate", _no_wires)
        self._evaluate, self._update = (
            [given for port in kept for given in port.given(_hints(method, bundle))]
            for method in (self._wires, self.twin.update)
        )
        self._shown = [shown for port in kept for shown in port.shown()]

    def outputs(self, inputs: Mapping[str, int]) -> Values:
        """Values of the output ports in this clock."""
        self._wires(**{name: value(inputs) for name, value in self._evaluate})
        return {name: value(self.twin) for name, value in self._shown}

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._wires(**{name: value(inputs) for name, value in self._evaluate})
        self.twin.update(**{name: value(inputs) for name, value in self._update})
        if inputs.get("rst", 0):
            self.twin.reset()


def _no_wires() -> None:
    """Every output is a register."""


def _hints(method: Any, bundle: data.Layout) -> dict[str, Hint]:
    hints = get_type_hints(method, include_extras=True)
    return {name: Hint(_class_of(hints[name]), bundle) for name in inspect.signature(method).parameters}


def _class_of(hint: Any) -> Any:
    """A type without None."""
    if get_origin(hint) in (Union, UnionType):
        return next(each for each in get_args(hint) if each is not NoneType)
    return hint


def _decoder(shape: Any, kind: Any) -> Decode:
    """Makes the value of a word; None for a structure that is not valid."""
    if get_origin(kind) is np.ndarray:
        return _array(shape, get_args(get_args(kind)[1])[0])
    if get_origin(kind) is NDArray:  # an alias of its own from numpy 2.5 on
        return _array(shape, get_args(kind)[0])
    if get_origin(kind) is list:
        elements = _array(shape, np.object_)
        return lambda word: elements(word).tolist()
    if kind in (int, bool):
        return cast(Decode, kind)
    if issubclass(kind, Word):
        return cast(Decode, kind.of_bits)
    members = dict(shape)
    fields = [
        (name, members[name].offset, (1 << members[name].width) - 1, _decoder(members[name].shape, hint))
        for name, hint in get_type_hints(kind).items()
        if name in members
    ]
    always = next(iter(members)) in {name for name, *_ in fields}

    def decode(word: int) -> Any:
        if not always and not word & 1:
            return None
        return kind(**{name: inner(word >> offset & mask) for name, offset, mask, inner in fields})

    return decode


def _array(shape: Any, dtype: Any) -> Decode:
    """Makes an array of the innermost elements."""
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
    mask, sign = (1 << bits) - 1, 1 << (bits - 1) if element.signed else 0
    offsets = [bits * place for place in range(count)]

    def decode(word: int) -> Any:
        values = [((word >> offset & mask) ^ sign) - sign for offset in offsets]
        return np.array(values, dtype).reshape(lengths)

    return decode


def _encoder(shape: Any) -> Encode:
    """Makes the word of a value: of a number, of elements, or of an object with a structure's members; 0 of None."""
    width = Shape.cast(shape).width
    mask = (1 << width) - 1
    structure = isinstance(shape, data.Layout) and not isinstance(shape, data.ArrayLayout)
    members = [(name, field.offset, _encoder(field.shape)) for name, field in shape] if structure else []

    def encode(value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, int | np.integer):
            masked: int = int(value) & mask
            return masked
        if isinstance(value, np.ndarray | list):
            elements = value.ravel().tolist() if isinstance(value, np.ndarray) else value
            return pack_array(elements, width // len(elements))
        word = 0
        for number, (name, offset, inner) in enumerate(members):
            part = getattr(value, name, 1) if number == 0 else getattr(value, name)
            word |= inner(part) << offset
        return word

    return encode
