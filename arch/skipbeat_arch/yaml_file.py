"""YAML files that a user writes, read strictly: no key twice, and one line for whatever is wrong.

Numbers and truth values are those of YAML 1.2's core schema. PyYAML's own are of YAML 1.1, which reads `1:30` as 90,
`1_000` as 1000 and `no` as false. Tags and all but a few aliases are refused: they are not needed to describe anything
here, and a file of a few lines could ask for gigabytes with them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from typing import Any

import yaml
from pydantic import ValidationError

from .errors import InputError, one_line

_MOST_LEVELS = 32
_MOST_ALIASES = 32
_LARGEST_INTEGER = 2**63 - 1


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema in which no key stands twice: PyYAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise _problem(f"the key {one_line(key.value, 100)} stands twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _problem(text: str, where: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, text, where.start_mark)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value
    number = int(text, 0 if text.startswith(("0x", "0o")) else 10) if len(text) < 40 else _LARGEST_INTEGER + 1
    if abs(number) > _LARGEST_INTEGER:
        raise _problem(f"{one_line(text, 60)} is too large a number", node)
    return number


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = node.value.lower()
    number = math.nan if text.endswith(("inf", "nan")) else float(text)
    if not math.isfinite(number):
        raise _problem(f"{one_line(node.value, 60)} is not a finite number", node)
    return number


def _unknown(loader: _Loader, node: yaml.Node) -> None:
    raise _problem(f"the tag {one_line(node.tag, 60)} is not known here", node)


_CORE = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _CORE.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag in {f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "str", "seq", "map")}
}
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor(None, _unknown)


def _load(text: str) -> Any:
    """The value of a YAML text; its shape is looked at before anything is built."""
    aliases = 0
    around: list[str | None] = []
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            around.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            around.pop()
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if event.anchor in around:
                raise yaml.YAMLError("an alias stands inside of what it stands for")
        if len(around) > _MOST_LEVELS:
            raise yaml.YAMLError(f"nested deeper than {_MOST_LEVELS} levels")
        if aliases > _MOST_ALIASES:
            raise yaml.YAMLError(f"more than {_MOST_ALIASES} aliases")
    return yaml.load(text, _Loader)


def parse_value(text: str) -> Any:
    """A single YAML value.

    Raises:
        ValueError: it is none.
    """
    try:
        return _load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def parse_mapping(text: str, what: str) -> dict[str, Any]:
    """The mapping that a YAML text holds; `what` names the thing in the message.

    Raises:
        InputError: not valid YAML, a key that stands twice, nested too deeply, or not a mapping.
    """
    try:
        data = _load(text)
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{what}: not valid YAML: {where}{error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{what}: not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict):
        raise InputError(f"{what}: expected a mapping of keys, found {type(data).__name__}")
    return data


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong with a mapping, in one line that names its key."""
    first = error.errors()[0]
    path = one_line(".".join(str(part) for part in first["loc"]), 200)
    message = first["msg"].removeprefix("Value error, ")
    given = one_line(repr(first["input"]), 100)
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if first["type"] == "missing":
        return f"{path}: missing"
    if first["type"] == "model_type":
        return f"{path}: must be a section with keys of its own, not {given}"
    if first["type"] == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path}: {message[0].lower()}{message[1:]}, not {given}"
