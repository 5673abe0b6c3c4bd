"""Points of a study: all that a price depends on, made of a choice of its parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.provenance import content_digest
from skipbeat_models.scheme import Scheme
from skipbeat_reports.table_file import flat

from .expressions import Constraint
from .study_file import AS_IT_IS, StudyFile, StudyModel, Value


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is priced. A worker on another machine needs nothing of the study but the model's own files.

    Attributes:
        scheme: None: the weights as they are.
        table: of energies. effort: of the search for mappings. seed: of weights without values.
        objectives, accuracy: what is measured, and where the accuracy comes from.
    """

    model: StudyModel
    hardware: Hardware
    scheme: Scheme | None
    table: str
    effort: Effort
    seed: int
    objectives: tuple[str, ...]
    accuracy: str | None

    @cached_property
    def key(self) -> str:
        """Equal of equal points, whatever they are called."""
        content = {
            "model": self.model.model_dump(),
            "hardware": self.hardware.model_dump(mode="json", exclude={"name"}),
            "scheme": None if self.scheme is None else self.scheme.to_json(),
            "rest": [self.table, self.effort, self.seed, *self.objectives, self.accuracy],
        }
        return content_digest([json.dumps(content, sort_keys=True).encode()])


class Points:
    """Makes the points of a study.

    Raises:
        InputError: a constraint that is none, a hardware description or a scheme that cannot be read, a key that there
            is not.
    """

    def __init__(self, study: StudyFile) -> None:
        self._study = study
        self._constraints = [Constraint(text) for text in study.hardware.constraints]
        self._schemes = {text: None if text == AS_IT_IS else Scheme.parse(text) for text in study.schemes}
        if study.layers and None in self._schemes.values():
            raise InputError(f"study {study.name}: layers: expected with schemes, not {AS_IT_IS!r}")
        for glob, patterns in study.layers.items():
            for pattern in patterns:
                Scheme.parse(pattern)
                if pattern.endswith((".yaml", ".yml")):
                    raise InputError(f"study {study.name}: layer {glob}: expected a pattern, not {pattern}")
        known = flat(load_hardware(study.hardware.base[0]).model_dump()) | {"host.elements_per_clock": None}
        for key in study.hardware.keys:
            if key not in known:
                raise InputError(f"study {study.name}: there is no key {key} in a hardware description")

    def point(self, choice: Mapping[str, Value]) -> Point:
        """The point of a choice.

        Raises:
            InputError: it is no hardware, has no accelerator, or breaks a constraint.
        """
        study = self._study
        overrides = [f"{key}={_text(choice[key])}" for key in study.hardware.keys]
        hardware = Machine.of(load_hardware(str(choice["base"]), overrides)).hw
        values = flat(hardware.model_dump())
        for constraint in self._constraints:
            if not constraint.holds(values):
                raise InputError(f"constraint {constraint.text}")
        return Point(
            model=next(model for model in study.models if model.label == choice["model"]),
            hardware=hardware,
            scheme=self._scheme(choice),
            table=study.table,
            effort=Effort(study.effort),
            seed=study.search.seed,
            objectives=tuple(study.objectives),
            accuracy=study.accuracy,
        )

    def _scheme(self, choice: Mapping[str, Value]) -> Scheme | None:
        scheme = self._schemes[str(choice["scheme"])]
        if scheme is None or not self._study.layers:
            return scheme
        own = tuple((glob, Scheme.parse(str(choice[f"layer {glob}"])).default) for glob in self._study.layers)
        return Scheme(scheme.default, (*scheme.layers, *own), scheme.method, scheme.permute)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
