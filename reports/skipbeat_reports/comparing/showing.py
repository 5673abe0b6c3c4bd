"""A comparison as rows of a table, as JSON, and as a page."""

from __future__ import annotations

from typing import Any

from skipbeat_arch.provenance import Provenance

from ..environment import environment
from .comparison import Change, Comparison
from .reasons import reason, signed
from .telling import verdict


def to_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A row for each layer of each further result: clocks, differences by cause, bytes, and why."""
    return [
        {
            "layer": change.layer,
            "result": change.label,
            "cycles": change.cycles,
            "cycles_first": change.was,
            "difference": change.difference,
            "quicker": change.ratio,
            "causes": dict(change.causes),
            "read_bytes": change.read,
            "written_bytes": change.written,
            "energy_pj": change.energy_pj,
            "why": reason(change),
        }
        for changes in comparison.changes
        for change in changes
    ]


def to_body(comparison: Comparison) -> dict[str, Any]:
    """What `skipbeat schema compare` describes."""
    first = comparison.entries[0].cycles
    return {
        "results": [
            {
                "label": entry.label,
                "model": entry.model,
                "hardware": entry.hardware,
                "cycles": entry.cycles,
                "quicker": first / entry.cycles if entry.cycles else None,
                "latency_ms": entry.latency_ms,
                "clock_source": entry.clock_source,
                "energy_uj": entry.energy_pj / 1e6,
                "settings": [
                    {"what": what, "first": before, "here": now}
                    for what, before, now in ((), *comparison.settings)[number]
                ],
            }
            for number, entry in enumerate(comparison.entries)
        ],
        "layers": to_rows(comparison),
    }


def render_comparison(comparison: Comparison, made: Provenance | None) -> str:
    """The page as text: totals, clocks side by side, and each result's changes with their reasons."""
    most = max((abs(change.difference) for found in comparison.changes for change in found), default=0)

    def share(change: Change) -> float:
        return 100 * abs(change.difference) / most if most else 0.0

    template = environment().get_template("compare.html.j2")
    return template.render(
        c=comparison,
        reason=reason,
        signed=signed,
        verdict=verdict,
        share=share,
        made=None if made is None else made.to_json(),
        notes=(),
    )
