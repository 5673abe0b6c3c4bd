"""Which colour stands for what in an estimate's plots."""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch.estimate import Bound
from skipbeat_arch.registers import Cause

CAUSE_ROLES = {
    Cause.COMPUTE: "accent",
    Cause.TILE_WAIT: "warm",
    Cause.HAZARD: "alarm",
    Cause.ACTIVATION_WAIT: "cool",
    Cause.OUTPUT_WAIT: "violet",
    Cause.IDLE: "quiet",
}
BOUND_ROLES = {Bound.COMPUTE: "accent", Bound.MEMORY: "warm", Bound.DECODER: "alarm", Bound.OUTPUT: "violet"}

_COMPONENT_ROLES = ("accent", "warm", "cool", "violet", "alarm", "quiet")


def component_roles(components: Sequence[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """(role, label, components) for components that stand with the largest first; the smallest share the last role."""
    if len(components) <= len(_COMPONENT_ROLES):
        return [(role, name, (name,)) for role, name in zip(_COMPONENT_ROLES, components, strict=False)]
    own = len(_COMPONENT_ROLES) - 1
    shown = [(role, name, (name,)) for role, name in zip(_COMPONENT_ROLES, components[:own], strict=False)]
    return [*shown, (_COMPONENT_ROLES[own], "other", tuple(components[own:]))]
