"""Operators that machine and host do not run as they are, as their parts.

A recurrent layer is its steps: each a product with the weights of the state, and gates that the host computes. What
rounds activations (PT2E) is arithmetic, which the host does in float64 as all its work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

import torch
from torch._decomp import get_decompositions
from torch.export import ExportedProgram

from skipbeat_arch.errors import InputError

from .sources.graphs.dequantising import dequantiser
from .sources.graphs.operators import RECURRENT
from .sources.layers.recurrent import steps
from .sources.nodes.partition import Run
from .sources.tracing.exported import quiet
from .sources.tracing.program_graph import graph_of

#: Most steps of a layer that run: each has operators of its own in the program of the host, which takes PyTorch about a
#: thirtieth of a second to write.
MOST_STEPS = 4096

_OPERATORS = [getattr(torch.ops.aten, name).input for name in RECURRENT]


def runnable(program: ExportedProgram) -> tuple[ExportedProgram, frozenset[str]]:
    """A program without such operators, by PyTorch's own definition of them, and the modules with recurrent layers.

    Raises:
        InputError: a recurrent layer of too many steps.
    """
    called = [operator for operator in graph_of(program).operators if operator.base in RECURRENT]
    table = {**get_decompositions(_OPERATORS)} if called else {}
    for node in program.graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload) and (own := dequantiser(str(node.target))) is not None:
            table[node.target] = _by_name(node.target, own)
    if not table:
        return program, frozenset()
    for operator in called:
        count = max((product.repeats for product in steps(operator) or ()), default=0)
        if count > MOST_STEPS:
            raise InputError(
                f"layer {operator.module or operator.base}: {count} steps of a recurrent layer, each of which is a "
                f"program; expected at most {MOST_STEPS}; `estimate` prices any number"
            )
    with quiet(), torch.no_grad():
        program = program.run_decompositions(table)
    return program, frozenset(operator.module for operator in called)


def _by_name(overload: torch._ops.OpOverload, function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A function that takes its arguments by the names of a schema, called as PyTorch calls an operator."""
    names = [argument.name for argument in overload._schema.arguments]
    return lambda *given, **named: function(**dict(zip(names, given, strict=False)), **named)


def step_key(run: Run, modules: Collection[str]) -> Hashable:
    """What the steps of one layer have in common, and no other run has; None: the run is of no recurrent layer."""
    readings = [operation.reading for operation in run]
    if not all(reading.operator.module in modules and reading.constants for reading in readings):
        return None
    weights = tuple(constant.weights for reading in readings for constant in reading.constants if constant)
    source = run[0].source
    return readings[0].operator.module, weights, source.shape, source.images


def common_magnitudes(largest: Mapping[str, float], runs: Sequence[Run], modules: Collection[str]) -> dict[str, float]:
    """The largest magnitudes of values, for all steps of a layer the same, so that one program runs them all."""
    ranged = {each.number: (each.ranged or each.result).name for run in runs for each in run}
    groups: dict[Hashable, list[list[str]]] = {}
    for run in runs:
        key = step_key(run, modules)
        if key is not None:
            read = run[0].source.tensor
            made = [name for each in run for name in (each.result.name, ranged[each.number])]
            groups.setdefault(key, []).append([read if isinstance(read, str) else ranged[read], *made])
    alike = [values for group in groups.values() for values in zip(*group, strict=True)]
    before, found = dict[str, float](), dict(largest)
    while before != found:  # what one layer makes may be what another reads
        before = dict(found)
        for values in alike:
            found |= dict.fromkeys(values, max((found[value] for value in values if value in found), default=0.0))
    return found
