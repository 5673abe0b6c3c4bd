"""Reading energy tables: those that are shipped, YAML files, and Accelergy's energy reference tables."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from skipbeat_arch.arguments import expect_path
from skipbeat_arch.errors import InputError
from skipbeat_arch.files import read_text
from skipbeat_arch.yaml_file import first_error, parse_mapping

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
    expect_path("energy table", source)
    where = f"energy table {source}"
    path = Path(source)
    if str(source) in table_names():
        return _shipped(str(source))
    if path.suffix in {".yaml", ".yml"}:
        data = resolve(_read(path, where), lambda name: _read(path.parent / name, where), where)
    else:
        raise InputError(f"{where}: no such table; expected one of {', '.join(table_names())} or a .yaml file")
    return _checked(data, where)


@cache
def _shipped(name: str) -> EnergyTable:
    """A table that comes with skipbeat; it is read once."""
    where = f"energy table {name}"
    return _checked(parse_mapping((resources.files(__package__) / "tables" / f"{name}.yaml").read_text(), where), where)


def _checked(data: dict[str, Any], where: str) -> EnergyTable:
    try:
        return EnergyTable.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{where}: {first_error(error)}") from None


def _read(path: Path, where: str) -> dict[str, Any]:
    return parse_mapping(read_text(path, where if where.endswith(f" {path}") else f"{where}: {path}"), where)
