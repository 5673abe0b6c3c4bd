"""Where a result comes from, so that it can be made again and two results can be told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .hardware import Hardware
from .model import ModelDescription

#: Hexadecimal digits of a digest: 64 bits tell apart what anybody compares.
_DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model that a result is of.

    Attributes:
        name: as it was given, or of a module its class.
        digest: of what was priced (`source_of`), or of the programs that ran (`content_digest` of their images).
    """

    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made a result. What it did not depend on is None.

    Attributes:
        version: of skipbeat. command: that repeats it, as a shell reads it; None: it was made in Python.
        seed: of all random choices.
        hardware: the whole description.
        scheme: what was pruned to, as JSON has it; None: the weights as they are.
    """

    version: str
    command: str | None = None
    seed: int | None = None
    hardware: Hardware | None = None
    scheme: Mapping[str, Any] | None = None
    source: Source | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, numbers and text."""
        hardware, source = self.hardware, self.source
        return {
            "version": self.version,
            "command": self.command,
            "seed": self.seed,
            "hardware": None
            if hardware is None
            else {"fingerprint": description_fingerprint(hardware), "description": hardware.model_dump(mode="json")},
            "scheme": None if self.scheme is None else dict(self.scheme),
            "source": None if source is None else {"name": source.name, "digest": source.digest},
        }


def description_fingerprint(hw: Hardware) -> str:
    """Tells descriptions apart that differ in any key but their name: 16 hexadecimal digits."""
    return content_digest([json.dumps(hw.model_dump(mode="json", exclude={"name"}), sort_keys=True).encode()])


def source_of(name: str, model: ModelDescription) -> Source:
    """A model that is priced; the digest is of nodes, sizes, zeros and repeats of all its runs, in order."""
    runs = (repr((run.key, run.images, run.repeats)).encode() for run in model.runs)
    return Source(name=name, digest=content_digest(runs))


def content_digest(parts: Iterable[bytes | memoryview]) -> str:
    """SHA-256 of the parts with their lengths, cut to 16 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(memoryview(part).nbytes.to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()[:_DIGITS]
