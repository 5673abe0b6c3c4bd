"""What every result has, whatever command made it: the name and version of its format, and its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skipbeat_arch.provenance import Provenance

#: Of all formats; `skipbeat schema` prints them. A key that is added does not change it, one that goes or changes does.
VERSION = 1


def schema_name(kind: str) -> str:
    """What a result of a kind says of its format."""
    return f"skipbeat/{kind}/{VERSION}"


def as_result(kind: str, body: Mapping[str, Any], provenance: Provenance | None) -> dict[str, Any]:
    """The JSON object of a result: its format and provenance, and then what was found."""
    made = None if provenance is None else provenance.to_json()
    return {"schema": schema_name(kind), "provenance": made, **body}
