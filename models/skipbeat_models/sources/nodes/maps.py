"""How the values of a graph lie as the machine's tensors, one map [channels, height, width] for each image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import prod

from ..graphs.graph import Operator, Value

Shape = tuple[int, int, int]

#: Operators that change nothing.
_SAME = frozenset(
    {"alias", "clone", "contiguous", "detach", "dropout", "dropout2d", "feature_dropout", "lift_fresh_copy", "to"}
    | {"_to_copy", "type_as"}
)
#: Operators that keep the order of the elements.
_RESHAPES = frozenset(
    {"_reshape_alias", "_unsafe_view", "flatten", "reshape", "squeeze", "unflatten", "unsqueeze", "view"}
)


class Form(Enum):
    """How a value of several dimensions holds the elements of maps."""

    IMAGE = "[images, channels, height, width]"
    FLAT = "[images, channels * height * width]"
    LINE = "[images, channels, height * width]"
    ROWS = "[..., channels], pixels in their order"


@dataclass(frozen=True, kw_only=True)
class Map:
    """A value as a tensor of the machine.

    Attributes:
        tensor: the number of the operation that makes it, or the name of the value that a run is given.
        shape: channels, height, width.
        pads: zeros above, below, left and right that are part of it, and not of the value.
    """

    tensor: int | str
    shape: Shape
    images: int
    form: Form
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def given(self) -> bool:
        """Whether no operation makes it."""
        return isinstance(self.tensor, str)


def is_view(operator: Operator) -> bool:
    """Whether an operator's result holds the elements of its operand in their order."""
    return operator.base in _SAME or operator.base in _RESHAPES


def image_of(value: Value, tensor: int | str, spatial: int = 2) -> Map | None:
    """A value of 3 or 4 dimensions (one less where there is one spatial dimension) as images."""
    shape = value.shape
    if spatial > 2 or len(shape) not in (spatial + 1, spatial + 2) or 0 in shape:
        return None
    height, width = shape[-2:] if spatial == 2 else (1, shape[-1])
    channels, images = shape[-spatial - 1], shape[0] if len(shape) == spatial + 2 else 1
    return Map(tensor=tensor, shape=(channels, height, width), images=images, form=Form.IMAGE)


def rows_of(value: Value, tensor: int | str) -> Map:
    """A value [..., channels] as one line of pixels."""
    shape = (value.shape[-1], 1, prod(value.shape[:-1]))
    return Map(tensor=tensor, shape=shape, images=1, form=Form.ROWS)


class Maps:
    """The maps of the values so far, and who uses which value."""

    def __init__(self, operators: Sequence[Operator], outputs: frozenset[str]) -> None:
        self._known: dict[str, Map] = {}
        self._origin: dict[str, Value] = {}
        self._users = Counter(value.name for op in operators if op.results for value in op.values())
        self._users.update(outputs)
        self._last = {value.name: index for index, op in enumerate(operators) for value in op.values()}
        self._last |= dict.fromkeys(outputs, len(operators))

    def find(self, value: Value) -> Map | None:
        """The map that a value is; None: none is known."""
        return self._known.get(value.name)

    def put(self, value: Value, found: Map) -> None:
        """Notes the map that a value is."""
        self._known[value.name] = found

    def view(self, operator: Operator) -> bool:
        """Takes a view; whether its result is the map that its operand is, or is no map's."""
        source, result = operator.values()[0], operator.results[0]
        self._origin[result.name] = source
        at = self.find(source)
        if at is None and len(source.shape) == 4 and len(result.shape) in (2, 3):
            at = image_of(source, self.root(source))  # an image that is flattened lies as an image
            if at is not None:
                self.put(source, at)
        if at is None:
            return True
        form = at.form if operator.base in _SAME else form_of(at, result.shape)
        if form is None:
            return False
        self.put(result, replace(at, form=form))
        return True

    def root(self, value: Value) -> str:
        """The name of the value that a value is a view of."""
        while value.name in self._origin:
            value = self._origin[value.name]
        return value.name

    def used(self, values: Sequence[Value]) -> bool:
        """Whether one of some values is used."""
        return any(self._users[value.name] for value in values)

    def alone(self, value: Value) -> bool:
        """Whether a value is used once, and so is what it is a view of."""
        while self._users[value.name] == 1:
            if value.name not in self._origin:
                return True
            value = self._origin[value.name]
        return False

    def read_later(self, value: Value, index: int) -> bool:
        """Whether an operator behind number `index` reads a value, or what it is a view of."""
        while self._last.get(value.name, -1) <= index:
            if value.name not in self._origin:
                return False
            value = self._origin[value.name]
        return True


def axes_of(at: Map, shape: tuple[int, ...]) -> str:
    """What each axis of a value that holds a map is: "n", "c", "h", "w", or "l", all pixels; empty: none of these."""
    sizes = {"n": at.images, "c": at.shape[0], "h": at.shape[1], "w": at.shape[2], "l": at.shape[1] * at.shape[2]}
    wanted = ["nchw", *(["ncw"] if at.shape[1] == 1 else []), "ncl"]
    wanted += [axes[1:] for axes in wanted] if at.images == 1 else []
    if at.form not in (Form.IMAGE, Form.LINE):
        return ""
    return next((axes for axes in wanted if shape == tuple(sizes[axis] for axis in axes)), "")


def form_of(at: Map, shape: tuple[int, ...]) -> Form | None:
    """How a value of a shape holds the elements of a map; None: its elements are no longer told apart."""
    if at.form is Form.ROWS:
        return Form.ROWS if shape[-1:] == at.shape[:1] else None
    size = prod(at.shape)
    if shape == (at.images, size) or (at.images == 1 and shape == (size,)):
        return Form.FLAT
    axes = axes_of(replace(at, form=Form.IMAGE), shape)
    return (Form.LINE if "l" in axes else Form.IMAGE) if axes else None
