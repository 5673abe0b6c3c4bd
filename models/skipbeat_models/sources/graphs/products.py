"""Matrix products of every form, as an Einstein sum of two operands: which of their axes are P, C, K or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from string import ascii_letters

import torch

from .graph import Operator, Value
from .operators import EINSUM, LINEARS, PRODUCTS


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How the axes of a tensor become those of matrices.

    Attributes:
        shape: of the tensor, without the axes that it has but that are stretched to the other operand's size.
        order: of these axes: those that repeat, those of a matrix's rows, those of its columns.
    """

    shape: tuple[int, ...]
    order: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Matrices:
    """How the operands of `repeats` matrix products [P, C] x [C, K] lie.

    Attributes:
        rows, columns, results: how the left and the right operand and the result become matrices.
    """

    repeats: int
    p: int
    c: int
    k: int
    rows: Arrangement
    columns: Arrangement
    results: Arrangement

    def left_matrices(self, left: torch.Tensor) -> torch.Tensor:
        """The values of `left` as [repeats, P, C]."""
        return left.reshape(self.rows.shape).permute(self.rows.order).reshape(self.repeats, self.p, self.c)

    def matrices(self, right: torch.Tensor) -> torch.Tensor:
        """The values of `right` as [repeats, C, K]."""
        return right.reshape(self.columns.shape).permute(self.columns.order).reshape(self.repeats, self.c, self.k)

    def result(self, matrices: torch.Tensor) -> torch.Tensor:
        """Matrices [repeats, P, K] as the result of the operator."""
        shape, order = self.results.shape, self.results.order
        ordered = matrices.reshape([shape[axis] for axis in order])
        return ordered.permute([order.index(axis) for axis in range(len(order))])


@dataclass(frozen=True, kw_only=True)
class Product(Matrices):
    """Matrix products of two values.

    Attributes:
        left, right: the operands; `right` gives C and K, and is the weight if one of them is.
    """

    left: Value
    right: Value

    @property
    def form(self) -> Matrices:
        """How its operands lie, whatever they are."""
        return Matrices(**{field.name: getattr(self, field.name) for field in fields(Matrices)})


def read_product(operator: Operator, is_weight: tuple[bool, bool]) -> Product | None:
    """The product that an operator computes; None: it is none of a form that is known.

    Args:
        is_weight: for each of its operands, whether it is a stored weight.
    """
    labelled = _labelled(operator)
    if labelled is None:
        return None
    (left, right), (first, second), out = labelled
    if is_weight[0] and not is_weight[1]:
        left, right, first, second = right, left, second, first
    return _split(left, right, first, second, out)


def operands(operator: Operator) -> tuple[Value, Value] | None:
    """The two operands of a product, in the operator's order."""
    if operator.base == EINSUM:
        tensors = operator.args.get("tensors")
        given = [item for item in tensors if isinstance(item, Value)] if isinstance(tensors, list) else []
        return (given[0], given[1]) if len(given) == 2 else None
    names = PRODUCTS[operator.base]
    return operator.value(names[0]), operator.value(names[1])


def _labelled(operator: Operator) -> tuple[tuple[Value, Value], tuple[str, str], str] | None:
    """Operands and a letter for each of their axes, and the letters of the result."""
    given = operands(operator)
    if given is None:
        return None
    left, right = given
    if operator.base == EINSUM:
        ranks = len(left.shape), len(right.shape)
        letters = simple_equation(str(operator.args.get("equation", "")), ranks)
        return None if letters is None else ((left, right), *letters)
    names = iter("abdefghijlmnopqrstuvwxyz")
    if operator.base in LINEARS:
        outer = "".join(next(names) for _ in left.shape[1:])
        return (left, right), (outer + "c", "kc" if len(right.shape) == 2 else "c"), outer + "k"
    rank = max(len(left.shape), len(right.shape)) - 2
    outer = "".join(next(names) for _ in range(max(rank, 0)))
    first = outer[len(outer) - max(len(left.shape) - 2, 0) :] + ("Pc" if len(left.shape) > 1 else "c")
    second = outer[len(outer) - max(len(right.shape) - 2, 0) :] + ("ck" if len(right.shape) > 1 else "c")
    return (left, right), (first, second), outer + "Pk"


def simple_equation(equation: str, ranks: Sequence[int]) -> tuple[tuple[str, str], str] | None:
    """A letter for each axis of two operands and of the result; None for others, and for sums along a diagonal.

    Args:
        equation: perhaps with an ellipsis, or without the result.
        ranks: how many axes the operands have.
    """
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    names = inputs.split(",")
    if len(names) != 2 or len(ranks) != 2 or not all(_is_letters(name) for name in (*names, out)):
        return None
    free = [letter for letter in ascii_letters if letter not in equation]
    wide = [rank - len(name.replace("...", "")) for name, rank in zip(names, ranks, strict=True)]
    most = max((size for name, size in zip(names, wide, strict=True) if "..." in name), default=0)
    if min(wide) < 0 or most > len(free):
        return None
    outer = "".join(free[:most])
    named = [name.replace("...", outer[most - size :]) for name, size in zip(names, wide, strict=True)]
    if not arrow:
        both = "".join(names).replace(".", "")
        out = "..." + "".join(sorted(letter for letter in both if both.count(letter) == 1))
    out = out.replace("...", outer)
    return None if any(len(set(name)) != len(name) for name in (*named, out)) else ((named[0], named[1]), out)


def _is_letters(name: str) -> bool:
    bare = name.replace("...", "", 1)
    return not bare or (bare.isascii() and bare.isalpha())


def contracts(operator: Operator) -> bool:
    """Whether a product whose form is not known sums up anything that two operands have in common."""
    if operator.base != EINSUM:
        return True
    inputs, arrow, out = str(operator.args.get("equation", "")).replace(" ", "").partition("->")
    names = inputs.split(",")
    shared = {letter for letter in inputs if letter.isalpha() and sum(letter in name for name in names) > 1}
    return any(letter not in out for letter in shared) or not arrow


def _split(left: Value, right: Value, first: str, second: str, out: str) -> Product | None:
    if len(first) != len(left.shape) or len(second) != len(right.shape):
        return None
    sizes = dict(zip(first, left.shape, strict=True))
    theirs = dict(zip(second, right.shape, strict=True))
    # An axis of size 1 against a larger one is stretched: it is as if only the other operand had it.
    mine = [axis for axis in first if not (sizes[axis] == 1 and theirs.get(axis, 1) > 1)]
    yours = [axis for axis in second if not (theirs[axis] == 1 and sizes.get(axis, 1) > 1)]
    both = [axis for axis in yours if axis in mine]
    summed = [axis for axis in both if axis not in out]
    repeated = [axis for axis in both if axis in out]
    outputs = [axis for axis in yours if axis not in mine]
    rows = [axis for axis in mine if axis not in yours]
    if not summed or any(axis not in out for axis in outputs + rows):
        return None
    every = {axis: sizes[axis] for axis in mine} | {axis: theirs[axis] for axis in yours}

    def arranged(axes: Sequence[str], order: Sequence[str]) -> Arrangement:
        places = tuple(axes.index(axis) for axis in order)
        return Arrangement(shape=tuple(every[axis] for axis in axes), order=places)

    return Product(
        left=left,
        right=right,
        repeats=prod(every[axis] for axis in repeated),
        p=prod(every[axis] for axis in rows),
        c=prod(every[axis] for axis in summed),
        k=prod(every[axis] for axis in outputs),
        rows=arranged(mine, repeated + rows + summed),
        columns=arranged(yours, repeated + summed + outputs),
        results=arranged([axis for axis in out if axis in every], repeated + rows + outputs),
    )
