"""Patterns that change while a network trains: shares of the steps, each with its patterns.

```yaml
steps:
  - {share: 0.1}                                              # dense warm-up
  - {share: 0.8, forward: 2:8, backward: 2:8, update: 1:2}
  - {share: 0.1, forward: 2:8, backward: 2:8}                 # what is left out is dense
```

A pattern of `forward` and `backward` may be the path of a scheme's .yaml file.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import read_text
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import Training
from skipbeat_arch.yaml_file import first_error, parse_mapping

from ..scheme import Scheme
from .build_step import StepPatterns

#: Products of a step: forward, backward and update.
_PRODUCTS = 3


class _Entry(BaseModel):
    """A part of a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    share: Annotated[float, Field(gt=0, le=1)]
    forward: str = "dense"
    backward: str = "dense"
    update: str = "dense"


class _ScheduleFile(BaseModel):
    """What a schedule's file may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    steps: Annotated[list[_Entry], Field(min_length=1, max_length=100)]


@dataclass(frozen=True, kw_only=True)
class ScheduledStep:
    """A share of a training's steps, 0..1, and their patterns."""

    share: float
    patterns: StepPatterns

    def limit(self, training: Training) -> float:
        """The speed-up if all products are equally large and nothing else takes time."""
        patterns = self.patterns
        forward = patterns.forward.default.density
        if training is Training.FORWARD_ONLY:
            return 1 / forward
        return _PRODUCTS / (forward + patterns.backward.default.density + patterns.update.density)


def one_step(forward: str, backward: str, update: str) -> tuple[ScheduledStep, ...]:
    """All steps with the same patterns.

    Raises:
        InputError: a pattern or a scheme's file that cannot be read, or an update that is not 1:Q.
    """
    return (ScheduledStep(share=1.0, patterns=_patterns(forward, backward, update)),)


def read_schedule(path: Path) -> tuple[ScheduledStep, ...]:
    """The schedule of a file.

    Raises:
        InputError: it cannot be read, has other keys or wrong patterns, or its shares do not add up to 1.
    """
    what = f"schedule {path}"
    try:
        file = _ScheduleFile.model_validate(parse_mapping(read_text(path, what), what))
    except ValidationError as error:
        raise InputError(f"{what}: {first_error(error)}") from None
    whole = sum(entry.share for entry in file.steps)
    if not isclose(whole, 1, abs_tol=1e-6):
        raise InputError(f"{what}: expected shares that add up to 1, not {whole:g}")
    return tuple(
        ScheduledStep(share=entry.share, patterns=_patterns(entry.forward, entry.backward, entry.update))
        for entry in file.steps
    )


def _patterns(forward: str, backward: str, update: str) -> StepPatterns:
    return StepPatterns(forward=Scheme.parse(forward), backward=Scheme.parse(backward), update=Pattern.parse(update))
