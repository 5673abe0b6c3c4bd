"""An estimate as people handle it in Python: its figures, a table, a plot, a line, and a view in notebooks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skipbeat_arch import estimate as priced
from skipbeat_arch.extras import require_packages

from ..environment import environment
from ..numbers import count, duration, printable, ratio
from ..table_file import flat, write_csv
from . import figures
from .data import layer_rows, to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate(priced.Estimate):
    """What a model costs on the machine, program after program: see `skipbeat_arch.estimate.Estimate`."""

    @classmethod
    def of(cls, found: priced.Estimate) -> Estimate:
        """The same estimate."""
        return cls(**{field.name: getattr(found, field.name) for field in fields(found)})

    @property
    def speedup(self) -> float | None:
        """Dense cycles over cycles; None without cycles."""
        return figures.speedup(self)

    @property
    def speedup_limit(self) -> float:
        """The speed-up if every layer reached its own limit (Amdahl); infinite if every weight is zero."""
        return figures.amdahl_limit(self)

    @property
    def work_limit(self) -> float:
        """Multiply-accumulates with every weight over those that are left."""
        return figures.work_limit(self)

    @property
    def latency_ms(self) -> float:
        """Time of the batch at the clock of the hardware description (see `clock_source`)."""
        return figures.latency_ms(self)

    @property
    def throughput_per_s(self) -> float | None:
        """Images or sequences per second, one batch after the other; None without cycles."""
        return figures.throughput_per_s(self)

    def to_json(self) -> dict[str, Any]:
        """What `skipbeat estimate --json` prints."""
        return to_json(self)

    def to_csv(self, path: str | Path) -> Path:
        """Write the layers as `skipbeat estimate --csv` does.

        Raises:
            InputError: the file cannot be written.
        """
        return write_csv(path, layer_rows(self), self.provenance)

    def to_dataframe(self) -> DataFrame:
        """The layers as a pandas table: a row each, in the columns of `to_csv`, by name.

        Raises:
            InputError: pandas is not installed.
        """
        require_packages("for a table in Python", "pandas")
        from pandas import DataFrame

        return DataFrame([flat(row) for row in layer_rows(self)]).set_index("name")

    def plot(self) -> Figure:
        """A figure of matplotlib: clocks of each layer by what the array did, and those of the dense model."""
        from .drawing import clocks_by_cause

        return clocks_by_cause(self)

    def __repr__(self) -> str:
        time = f"{duration(self.cycles, self.clock_mhz)} at {self.clock_mhz:g} MHz ({self.clock_source})"
        return printable(
            f"<Estimate of {self.model} on {self.hardware}, batch {self.batch}: {count(self.cycles)} cycles, "
            f"{ratio(self.speedup)} of at most {ratio(self.speedup_limit)}, {time}>"
        ).replace("\u00a0", " ")

    def _repr_html_(self) -> str:
        template = environment().get_template("estimate_cell.html.j2")
        return template.render(e=self, f=figures, headline=repr(self)[1:-1])
