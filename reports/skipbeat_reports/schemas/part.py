"""What the models of all results share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from skipbeat_arch.hardware import Hardware


class Part(BaseModel):
    """An object with just these keys, all of them there: what was not run or does not apply is null."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DescribedHardware(Part):
    """A whole hardware description, with the fingerprint that tells it from others."""

    fingerprint: str
    description: Hardware


class NamedSource(Part):
    """The model that was priced or run, and a digest of it."""

    name: str
    digest: str


class ProvenanceRecord(Part):
    """`skipbeat_arch.provenance.Provenance`."""

    version: str
    command: str | None
    seed: int | None
    hardware: DescribedHardware | None
    scheme: dict[str, Any] | None
    source: NamedSource | None


class Result(Part):
    """What every command prints with --json."""

    schema_: str
    provenance: ProvenanceRecord | None

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))
