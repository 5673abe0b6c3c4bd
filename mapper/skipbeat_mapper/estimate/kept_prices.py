"""Prices that were computed before: each run's program is priced once per process, and once per machine.

The key of a price is everything that it depends on: what is built, the run's nodes with their zeros, names that the
description of a schedule mentions, and all code between a graph and its clocks.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from threading import Lock

from pydantic import TypeAdapter, ValidationError

from skipbeat_arch.cache import content_key, content_text, read_value, source_fingerprint, write_value
from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelRun

from .kept_programs import KeptPrograms
from .phases import Phase

#: What the cache calls them.
KIND = "prices"
#: Packages whose code a price depends on.
CODE = ("skipbeat_arch", "skipbeat_sim", "skipbeat_mapper")
#: What a run has that its price does not depend on, or that `get` looks at by itself.
_NO_PRICE = {
    *("key", "structure", "graph", "counted", "convolutions", "products", "block", "further", "names", "layers"),
    *("repeats", "twin"),
}
#: Prices that are held in memory; the longest unused ones go first.
MOST = 4096


@dataclass(frozen=True, kw_only=True)
class RunPrice:
    """A run's program.

    Attributes:
        cycles: of one run. costs: of each node; their cycles add up to the run's.
        names: of the nodes. kinds: what they are where no layer of the model is behind them; shapes: as a reader knows
            them.
        phases: when the engines were at work.
        kept: whether the run finds weights, parameters and tables on the chip, from the run before.
    """

    cycles: int
    costs: tuple[LayerCost, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    shapes: tuple[str, ...]
    phases: tuple[Phase, ...]
    kept: bool = False


@cache
def shared_prices() -> KeptPrices:
    """Those of this process."""
    return KeptPrices()


class KeptPrices:
    """Prices of runs on any hardware, in memory and in the cache. Threads may share it."""

    def __init__(self) -> None:
        self._held: dict[str, RunPrice] = {}
        self._lock = Lock()
        self._format = TypeAdapter(RunPrice)
        #: What new prices are found with.
        self.programs = KeptPrograms()
        self._code = f"{source_fingerprint(*CODE)} numpy {version('numpy')}"

    def get(self, hw: Hardware, run: ModelRun, content: Hashable, price: Callable[[], RunPrice]) -> RunPrice:
        """What is known of a run, or what `price` finds.

        Args:
            hw: the hardware; its name, clock and host do not matter.
            run: has the nodes' names.
            content: of the run: its key, or that of another form of it. One that cannot be written down is not kept.
        """
        # A node that is alone is not mentioned by name.
        names = run.names if len(run.names) > 1 else ()
        rest = tuple(getattr(run, field.name) for field in dataclasses.fields(run) if field.name not in _NO_PRICE)
        text = content_text((content, rest, names))
        if text is None:
            return price()
        key = content_key(self._code, repr(hw.sizes), text)
        with self._lock:
            found = self._held.pop(key, None)
        found = found or self._read(key)
        if found is None:
            found = price()
            write_value(KIND, key, zlib.compress(self._format.dump_json(found), 1))
        with self._lock:
            self._held[key] = found
            if len(self._held) > MOST:
                del self._held[next(iter(self._held))]
        return dataclasses.replace(found, names=run.names)

    def _read(self, key: str) -> RunPrice | None:
        content = read_value(KIND, key)
        try:
            return None if content is None else self._format.validate_json(zlib.decompress(content))
        except (ValidationError, zlib.error):  # written under this key by something else: as good as nothing
            return None
