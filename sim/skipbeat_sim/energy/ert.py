"""Accelergy's energy reference tables (ERT), versions 0.3 and 0.4, as a source of figures.

    ERT:
      version: 0.4
      tables:
      - name: system.SM.SMEM
        actions:
        - {name: read, arguments: {}, energy: 285.7}

Energies are in pJ. Components and actions have the names that the user's architecture gave them, so a mapping is
needed: our own table whose energies are texts `COMPONENT.ACTION`. A component is named in full or by the last part of
its name without the range of instances: `SMEM` is `system.SM.SMEM`, `MAC` is `system.PE[0..255].MAC[1..4]`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from skipbeat_arch.errors import InputError

from .table import LISTS, SINGLE

#: Keys of a figure that hold an energy.
ENERGIES = ("energy", "gated", "write")

Reference = Mapping[str, Mapping[str, float]]


def resolve(data: dict[str, Any], read: Callable[[str], dict[str, Any]], where: str) -> dict[str, Any]:
    """A table with every `COMPONENT.ACTION` replaced by the energy that the reference table has for it.

    Args:
        data: the table's file, with `ERT`, with `ert: FILE`, or with neither: then it is returned as it is.
        read: reads the file that `ert` names.
        where: names the table in messages.

    Raises:
        InputError: no mapping, a reference table that is not one, an entry that it lacks or has several times.
    """
    if "ERT" not in data and "ert" not in data:
        return data
    table = {key: value for key, value in data.items() if key not in {"ERT", "ert"}}
    if not table:
        raise InputError(
            f"{where}: an energy reference table needs a mapping to the sections {', '.join(SINGLE + LISTS)}; "
            "see docs/energy.md"
        )
    entries = _entries(data if "ERT" in data else read(str(data["ert"])), where)
    for key in SINGLE:
        if isinstance(table.get(key), dict):
            table[key] = _figure(table[key], entries, where)
    for key in LISTS:
        if isinstance(table.get(key), list):
            table[key] = [_figure(f, entries, where) if isinstance(f, dict) else f for f in table[key]]
    return table


def _figure(figure: dict[str, Any], entries: Reference, where: str) -> dict[str, Any]:
    return {
        key: look_up(value, entries, where) if key in ENERGIES and isinstance(value, str) else value
        for key, value in figure.items()
    }


def look_up(name: str, entries: Reference, where: str) -> float:
    """The energy in pJ of `COMPONENT.ACTION`."""
    component, dot, action = name.rpartition(".")
    if not dot:
        raise InputError(f"{where}: {name}: expected COMPONENT.ACTION, as in SMEM.read")
    found = [full for full in entries if component in {full, _short(full)}]
    if not found:
        known = ", ".join(sorted({_short(full) for full in entries}))
        raise InputError(f"{where}: {name}: the reference table has no component {component}; it has {known}")
    if len(found) > 1:
        raise InputError(f"{where}: {name}: expected one component {component}, found {', '.join(found)}")
    actions = entries[found[0]]
    if action not in actions:
        raise InputError(f"{where}: {name}: {found[0]} has no action {action}; it has {', '.join(actions)}")
    if math.isnan(actions[action]):
        raise InputError(f"{where}: {name}: the energy depends on arguments; expected one energy for the action")
    return actions[action]


def _short(name: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", name).rpartition(".")[2]


def _entries(data: dict[str, Any], where: str) -> Reference:
    """Energies by component and action; NaN where an action has several."""
    ert = data.get("ERT")
    tables = ert.get("tables") if isinstance(ert, dict) else None
    if not isinstance(tables, list):
        raise InputError(f"{where}: expected ERT: tables: a list, as Accelergy writes it")
    entries: dict[str, dict[str, float]] = {}
    for number, table in enumerate(tables):
        try:
            actions = entries.setdefault(str(table["name"]), {})
            for action in table["actions"]:
                name, energy = str(action["name"]), float(action["energy"])
                actions[name] = energy if actions.get(name, energy) == energy else math.nan
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{where}: ERT: tables[{number}]: expected a name and actions, each with a name and an energy"
            ) from None
    return entries
