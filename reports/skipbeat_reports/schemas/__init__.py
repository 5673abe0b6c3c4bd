"""The formats of all results as JSON Schema, which the models here make."""

from __future__ import annotations

from typing import Any

from ..result import schema_name
from .compared import CompareResult, SweepResult
from .described import (
    ArchiveResult,
    CacheResult,
    CellsResult,
    HardwareResult,
    PresetsResult,
    ProgramResult,
    SynthResult,
    ValidateResult,
    ZooResult,
)
from .estimated import EstimateResult
from .part import Result
from .simulated_runs import CosimResult, DemoResult, RegressResult, SimulateResult
from .trained import TrainEstimateResult
from .training_run import TrainResult

#: Kind of a result -> its model.
RESULTS: dict[str, type[Result]] = {
    "archive": ArchiveResult,
    "cache": CacheResult,
    "cells": CellsResult,
    "compare": CompareResult,
    "cosim": CosimResult,
    "demo": DemoResult,
    "estimate": EstimateResult,
    "hardware": HardwareResult,
    "presets": PresetsResult,
    "program": ProgramResult,
    "regress": RegressResult,
    "simulate": SimulateResult,
    "sweep": SweepResult,
    "synth": SynthResult,
    "train-estimate": TrainEstimateResult,
    "train": TrainResult,
    "validate": ValidateResult,
    "zoo": ZooResult,
}


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of result, with its name and version as `$id`."""
    found = RESULTS[kind].model_json_schema(mode="serialization")
    found["properties"]["schema"] = {"const": schema_name(kind)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_name(kind)} | found
