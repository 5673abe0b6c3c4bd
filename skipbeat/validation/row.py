"""One published number and what stands beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """Cycles of one case, in clocks.

    Attributes:
        tool, case: who published the number, and of what.
        published: the number. formula: what the tool's published formula gives here; None if it has none.
        core: the timing model's cycles of the same work on the core with ideal ports, on `hardware`; None where that
            says nothing. machine: of the whole machine, with the memory of that hardware; None if it was not priced.
        hardware: preset, with what was changed.
        explanation: where the difference comes from.
        dense_published, dense_core: the dense cycles that each is compared with; None for a row that is dense itself.
    """

    tool: str
    case: str
    published: int
    formula: int | None
    core: int | None
    hardware: str
    explanation: str
    dense_published: int | None = None
    dense_core: int | None = None
    machine: int | None = None

    @property
    def formula_agrees(self) -> bool:
        """Whether the tool's formula, evaluated here, gives what the tool printed."""
        return self.formula in {None, self.published}

    @property
    def ratio(self) -> float | None:
        """Our cycles over the published ones: the core's, or the machine's where the core says nothing."""
        ours = self.machine if self.core is None else self.core
        return None if ours is None else ours / self.published

    @property
    def speedup_published(self) -> float | None:
        """The tool's own dense cycles over its cycles."""
        return None if self.dense_published is None else self.dense_published / self.published

    @property
    def speedup_core(self) -> float | None:
        """Our dense cycles over our cycles."""
        return None if self.dense_core is None or self.core is None else self.dense_core / self.core

    def to_json(self) -> dict[str, object]:
        """All fields, and the ratios."""
        return asdict(self) | {
            "formula_agrees": self.formula_agrees,
            "ratio": self.ratio,
            "speedup_published": self.speedup_published,
            "speedup_core": self.speedup_core,
        }
