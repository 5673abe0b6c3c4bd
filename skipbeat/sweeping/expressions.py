"""Constraints of a study: comparisons of numbers and keys, read as a syntax tree and never evaluated by Python."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from skipbeat_arch.errors import InputError, one_line

_Operation = Callable[[Any, Any], Any]
_ARITHMETIC: dict[type[ast.operator], _Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], _Operation] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_MOST_CHARACTERS = 500


class Constraint:
    """Such as `array.rows * array.cols <= 512 and array.rows >= array.cols`.

    Raises:
        InputError: not a comparison of keys and numbers with + - * / // %, joined by and, or, not.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            if len(text) > _MOST_CHARACTERS:
                raise SyntaxError("too long")
            self._tree = ast.parse(text, mode="eval").body
            self._check(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(
                f"constraint {one_line(text, 100)}: expected a comparison of keys and numbers, as in "
                "array.rows * array.cols <= 512"
            ) from None

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of a description; `values` by dotted keys.

        Raises:
            InputError: a key that there is not, or a value that cannot be compared so.
        """
        try:
            return bool(self._value(self._tree, values))
        except KeyError as error:
            raise InputError(f"constraint {self.text}: there is no key {error.args[0]}") from None
        except (TypeError, ZeroDivisionError) as error:
            raise InputError(f"constraint {self.text}: {error}") from None

    def _check(self, node: ast.expr) -> None:
        """Only what `_value` knows."""
        if isinstance(node, ast.BoolOp):
            parts: list[ast.expr] = node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            parts = [node.operand]
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            parts = [node.left, node.right]
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            parts = []
        else:
            _key(node)
            parts = []
        for part in parts:
            self._check(part)

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.BoolOp):
            each = (self._value(part, values) for part in node.values)
            return all(each) if isinstance(node.op, ast.And) else any(each)
        if isinstance(node, ast.UnaryOp):
            found = self._value(node.operand, values)
            return not found if isinstance(node.op, ast.Not) else -found
        if isinstance(node, ast.BinOp):
            return _ARITHMETIC[type(node.op)](self._value(node.left, values), self._value(node.right, values))
        if isinstance(node, ast.Compare):
            sides = [self._value(side, values) for side in (node.left, *node.comparators)]
            return all(_COMPARISONS[type(op)](*pair) for op, pair in zip(node.ops, pairwise(sides), strict=True))
        return values[_key(node)]


def _key(node: ast.expr) -> str:
    """`array.rows` of an attribute of a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_key(node.value)}.{node.attr}"
    raise ValueError("no key")
