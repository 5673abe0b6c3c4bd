"""Networks that become programs: of the zoo, or the user's own."""

from __future__ import annotations

from skipbeat_arch.errors import HostOperatorError
from skipbeat_arch.pattern import Pattern
from skipbeat_models import zoo
from skipbeat_models.alone import output_on_standard_error
from skipbeat_models.prepare import prepare
from skipbeat_models.prepared import PreparedMixed, PreparedNetwork

from .progress import step

#: What the zoo's networks are pruned to unless told otherwise; the user's own are taken as they are.
ZOO_PATTERN = Pattern("nm", 2, 4, 0.5)


def pattern_of(source: str, pattern: Pattern | None) -> str:
    """What `prepare_network` prunes a network to, for a report."""
    if pattern is None and not source.startswith(zoo.PREFIX):
        return "as it is"
    return str(pattern or ZOO_PATTERN)


def prepare_network(
    source: str, pattern: Pattern | None, seed: int, inputs: int = 1
) -> PreparedNetwork | PreparedMixed:
    """A network, pruned and quantised, with inputs to run it on.

    What the user's own code prints goes to standard error: standard output belongs to the report.

    Args:
        source: `zoo:NAME` or `module:function`.
        pattern: None: 2:4 for the zoo, the user's own network as it is.
        seed: of the weights, inputs and training.
        inputs: how many are drawn for a network of the zoo that is not one program.

    Raises:
        InputError: no such network, or one that cannot be quantised.
    """
    if not source.startswith(zoo.PREFIX):
        from skipbeat_models.prepare_module import prepare_module  # it imports export, a second

        with output_on_standard_error():
            return prepare_module(source, pattern, seed, progress=step)
    plan = pattern or ZOO_PATTERN
    try:
        return prepare(source, plan, seed, progress=step)
    except HostOperatorError:
        from skipbeat_models.prepare_mixed import prepare_mixed

        return prepare_mixed(source, plan, seed, count=inputs, progress=step)
