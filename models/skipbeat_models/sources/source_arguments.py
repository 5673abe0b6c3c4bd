"""What a source is read with, in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.pattern import Pattern

from ..scheme import Scheme
from .data_rules import DataRules


@dataclass(frozen=True, kw_only=True)
class SourceArguments:
    """What a source is read with; see `load_source`. It needs no torch, so that a kept description does not either."""

    source: str
    scheme: Scheme | None = None
    seed: int = 0
    tokens: int | None = None
    batch: int | None = None
    checkpoint: Path | None = None
    stated: Pattern | None = None
    rules: DataRules | None = None
    sizes: Mapping[str, tuple[int, ...]] | None = None
