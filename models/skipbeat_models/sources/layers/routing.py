"""How the tokens of a mixture of experts are spread over its experts: evenly, or as a histogram says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json, read_text

#: The word for an even routing where a file is expected.
UNIFORM = "uniform"


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Shares of the experts.

    Attributes:
        name: of the file, or `uniform`.
        everywhere: how often each expert is chosen, for layers that have no histogram of their own; empty: evenly.
        layers: histograms of single layers, by a part of their names.
    """

    name: str = UNIFORM
    everywhere: tuple[float, ...] = ()
    layers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, given: str) -> Routing:
        """`uniform`, or a JSON file: a list with a count for each expert, or an object of lists by layers' names.

        Raises:
            InputError: the file cannot be read, or is something else.
        """
        if given == UNIFORM:
            return cls()
        content = parse_json(read_text(Path(given), f"routing {given}"), f"routing {given}")
        if isinstance(content, dict):
            return cls(name=given, layers={str(name): _counts(given, counts) for name, counts in content.items()})
        return cls(name=given, everywhere=_counts(given, content))

    def rows(self, layer: str, experts: int, rows: int) -> tuple[int, ...]:
        """How many of `rows` rows each expert of a layer computes; they add up to `rows`.

        Fractions are rounded so that the largest remainders get one more; of equal ones the first expert.

        Raises:
            InputError: the histogram has another number of experts.
        """
        known = max((name for name in self.layers if name in layer), key=len, default=None)
        counts: Sequence[float] = self.everywhere if known is None else self.layers[known]
        if not counts:
            counts = (1.0,) * experts
        if len(counts) != experts:
            raise InputError(f"routing {self.name}: expected {experts} experts for layer {layer}, found {len(counts)}")
        total = sum(counts)
        exact = [rows * count / total for count in counts]
        whole = [int(share) for share in exact]
        first = sorted(range(experts), key=lambda i: (whole[i] - exact[i], i))[: rows - sum(whole)]
        return tuple(count + (i in first) for i, count in enumerate(whole))


def _counts(given: str, counts: object) -> tuple[float, ...]:
    numbers = counts if isinstance(counts, list) else []
    good = all(isinstance(x, int | float) and not isinstance(x, bool) and 0 <= x < 1e15 for x in numbers)
    if not numbers or not good or sum(numbers) <= 0:
        raise InputError(f"routing {given}: expected a count for each expert, as a list or as lists by layers' names")
    return tuple(map(float, numbers))
