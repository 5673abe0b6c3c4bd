"""The templates of the pages, with the filters that write numbers and names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from . import numbers

if TYPE_CHECKING:
    from jinja2 import Environment

#: A sorting key of the pages' script, which does not sort infinities.
_LARGEST = 1e300


@cache
def environment() -> Environment:
    """Everything that a template inserts is escaped; an undefined name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("skipbeat_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        numbers.count,
        numbers.ratio,
        numbers.percent,
        numbers.bits,
        numbers.quantity,
        numbers.printable,
        numbers.energy,
        sorting_key,
    )
    made.filters |= {function.__name__: function for function in filters}
    made.policies["json.dumps_kwargs"] = {"sort_keys": False}
    made.globals["duration"] = numbers.duration
    return made


def sorting_key(value: float | None) -> float:
    """A finite number that sorts as `value` does; nothing comes first."""
    return -1.0 if value is None else min(value, _LARGEST)
