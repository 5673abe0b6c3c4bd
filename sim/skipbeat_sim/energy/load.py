"""Reading energy tables: those that are shipped, YAML files, and Accelergy's energy reference tables."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from skipbeat_arch.errors import InputError

from .ert import resolve
from .table import EnergyTable

DEFAULT_TABLE = "horowitz-45nm"


def table_names() -> list[str]:
    """Names of the tables that are shipped, sorted."""
    folder = resources.files(__package__) / "tables"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_table(source: str | Path = DEFAULT_TABLE) -> EnergyTable:
    """Read a table by its name or from a YAML file.

    An energy may be a number or, where the file has an Accelergy energy reference table (`ERT`, or `ert: FILE` with a
    path relative to this file), the text `COMPONENT.ACTION` of an entry there; see `docs/energy.md`.

    Raises:
        InputError: unknown name, unreadable file, a missing or unknown key, a value out of range, figures of several
            technologies, or an entry that the energy reference table does not have.
    """
    where = f"energy table {source}"
    path = Path(source)
    if str(source) in table_names():
        data = _mapping((resources.files(__package__) / "tables" / f"{source}.yaml").read_text(), where)
    elif path.suffix in {".yaml", ".yml"}:
        data = resolve(_read(path, where), lambda name: _read(path.parent / name, where), where)
    else:
        raise InputError(f"{where}: no such table; expected one of {', '.join(table_names())} or a .yaml file")
    try:
        return EnergyTable.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{where}: {_first_error(error)}") from None


def _read(path: Path, where: str) -> dict[str, Any]:
    try:
        return _mapping(path.read_text(), where)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"{where}: {path} cannot be read: {reason}") from None


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(f"{where}: not valid YAML: {place}{reason}") from None
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a mapping of keys, found {type(data).__name__}")
    return data


def _first_error(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if first["type"] == "missing":
        return f"{path}: missing"
    if first["type"] == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path}: {message[0].lower()}{message[1:]}, not {str(first['input'])[:60]!r}"
