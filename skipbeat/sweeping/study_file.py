"""What a study's YAML file says: models, schemes, hardware, how to search, and what for.

```yaml
name: edge
models: [zoo:resnet-18]                  # or {source: zoo:gpt-2, tokens: 128}
schemes: [dense, 2:4, mine.yaml]         # patterns, scheme files, or "as it is"
layers: {"layer1.*": [2:4, 1:4]}         # a pattern for some layers, searched too
hardware:
  base: [edge-16x16]                     # presets or files
  keys:
    array.rows: [8, 16]
    memory.bytes_per_clock: {from: 4, to: 32, times: 2}
  constraints: [array.rows * array.cols <= 256]
objectives: [clocks, energy]
effort: normal                           # of the search for mappings: quick, normal or best
search: {method: grid}                   # or random, nsga2, tpe, with trials and seed
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import read_text
from skipbeat_arch.yaml_file import first_error, parse_mapping

#: Objective -> whether more of it is better.
OBJECTIVES = {
    "clocks": False,
    "seconds": False,
    "energy": False,
    "lut": False,
    "dsp": False,
    "bram": False,
    "accuracy": True,
    "kept": True,
}
AS_IT_IS = "as it is"
#: Values of one key, and points of a grid.
_MOST_VALUES, MOST_POINTS = 10_000, 1_000_000

Value = bool | int | float | str
Method = Literal["grid", "random", "nsga2", "tpe"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Range(_Section):
    """From `start` to `stop`, which belongs to it, in steps that are added or multiplied."""

    start: Annotated[int | float, Field(alias="from")]
    stop: Annotated[int | float, Field(alias="to")]
    step: Annotated[float, Field(gt=0)] | Annotated[int, Field(gt=0)] | None = None
    times: Annotated[float, Field(gt=1)] | Annotated[int, Field(gt=1)] | None = None

    @model_validator(mode="after")
    def _ends(self) -> Range:
        if self.step is not None and self.times is not None:
            raise ValueError("expected step or times, not both")
        if self.stop < self.start or (self.times is not None and self.start <= 0):
            raise ValueError(f"{self.start} to {self.stop} has no values")
        if len(self.values) > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values")
        return self

    @property
    def values(self) -> list[int | float]:
        """All of them; whole numbers stay whole."""
        found: list[int | float] = []
        value: int | float = self.start
        while value <= self.stop and len(found) <= _MOST_VALUES:
            found.append(value)
            value = value * self.times if self.times is not None else value + (1 if self.step is None else self.step)
        return found


def _form(values: Any) -> str:
    return "range" if isinstance(values, dict | Range) else "list"


#: A list, or a mapping that is a range.
Values = Annotated[Annotated[list[Value], Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_form)]


def _mapped(model: Any) -> Any:
    return {"source": model} if isinstance(model, str) else model


class StudyModel(_Section):
    """A model, as `skipbeat estimate` takes it."""

    source: str
    tokens: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None
    checkpoint: str | None = None

    @property
    def label(self) -> str:
        """What tells it from the study's other models."""
        parts = [f"{name}={value}" for name, value in self if name != "source" and value is not None]
        return " ".join([self.source, *parts])


class StudyHardware(_Section):
    """Descriptions to begin with, and values of keys, all combined, as far as the constraints hold."""

    base: list[str] = Field(default=["edge-16x16"], min_length=1)
    keys: dict[str, Values] = {}
    constraints: list[str] = []


class Search(_Section):
    """How points are chosen. A grid takes all of them, in order; the others `trials`."""

    method: Method = "grid"
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


class StudyFile(_Section):
    """A study. `accuracy` is a module:function, or a .yaml file of numbers by model and scheme."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w][\w .+=-]*$")]
    models: list[Annotated[StudyModel, BeforeValidator(_mapped)]] = Field(min_length=1)
    schemes: list[str] = Field(default=[AS_IT_IS], min_length=1)
    layers: dict[str, list[str]] = {}
    hardware: StudyHardware = StudyHardware()
    objectives: list[str] = Field(default=["clocks", "energy"], min_length=1)
    accuracy: str | None = None
    table: str = "horowitz-45nm"
    effort: Literal["quick", "normal", "best"] = "normal"
    search: Search = Search()

    @model_validator(mode="after")
    def _consistent(self) -> StudyFile:
        if wrong := [name for name in self.objectives if name not in OBJECTIVES]:
            raise ValueError(f"objectives: {wrong[0]} is none of {', '.join(OBJECTIVES)}")
        for name, values in self.parameters.items():
            if not values or len(set(map(str, values))) < len(values):
                raise ValueError(f"{name}: expected values, each once")
        if "accuracy" in self.objectives and self.accuracy is None:
            raise ValueError("objectives: accuracy needs the key accuracy, a module:function or a .yaml file")
        if self.search.method in ("nsga2", "tpe") and len(self.models) > 1:
            raise ValueError(f"search: {self.search.method} expects one model; grid and random take several")
        if self.search.method == "grid" and self.size > MOST_POINTS:
            raise ValueError(f"search: a grid of {self.size:,} points is more than {MOST_POINTS:,}; try random")
        return self

    @property
    def parameters(self) -> dict[str, list[Value]]:
        """What is chosen for a point, by name, with all values. Keys of the hardware have their own names."""
        found: dict[str, list[Value]] = {
            "model": [model.label for model in self.models],
            "scheme": list(self.schemes),
            "base": list(self.hardware.base),
        }
        found |= {f"layer {glob}": list(patterns) for glob, patterns in self.layers.items()}
        keys = self.hardware.keys.items()
        return found | {key: list(values.values if isinstance(values, Range) else values) for key, values in keys}

    @property
    def size(self) -> int:
        """Points of the whole grid, before constraints."""
        size = 1
        for values in self.parameters.values():
            size *= len(values)
        return size


def read_study(path: Path) -> StudyFile:
    """Read a study.

    Raises:
        InputError: the file cannot be read, or says something else.
    """
    what = f"study {path}"
    try:
        return StudyFile.model_validate(parse_mapping(read_text(path, what), what))
    except ValidationError as error:
        raise InputError(f"{what}: {first_error(error)}") from None


def planned(study: StudyFile) -> Iterator[dict[str, Value]]:
    """Every choice of a grid, the last parameter quickest, or so many of them drawn from the seed, none twice."""
    numbers: Iterable[int] = range(study.size)
    if study.search.method == "random":
        numbers = sorted(Random(study.search.seed).sample(range(study.size), min(study.search.trials, study.size)))
    parameters = study.parameters
    for number in numbers:
        choice, rest = dict[str, Value](), number
        for name, values in reversed(parameters.items()):
            rest, place = divmod(rest, len(values))
            choice[name] = values[place]
        yield {name: choice[name] for name in parameters}
