"""YAML files that a user writes, read strictly: no key twice, and one line for whatever is wrong."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from .errors import InputError


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: PyYAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_text(path: Path, what: str) -> str:
    """The file's text; `what` names the thing in the message.

    Raises:
        InputError: it cannot be read, or is not text.
    """
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"{what}: cannot be read: {reason}") from None


def parse_value(text: str) -> Any:
    """A single YAML value.

    Raises:
        ValueError: it is none.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def parse_mapping(text: str, what: str) -> dict[str, Any]:
    """The mapping that a YAML text holds; `what` names the thing in the message.

    Raises:
        InputError: not valid YAML, a key that stands twice, or not a mapping.
    """
    try:
        data = yaml.load(text, _Loader)
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
    path = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if first["type"] == "missing":
        return f"{path}: missing"
    if first["type"] == "model_type":
        return f"{path}: must be a section with keys of its own, not {first['input']!r}"
    if first["type"] == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path}: {message[0].lower()}{message[1:]}, not {first['input']!r}"
