"""Post-training quantisation of what the machine computes of a network that a host runs with it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from torch import fx, nn
from torch.export import ExportedProgram
from torch.utils._pytree import tree_leaves

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.budget import products_together
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.workload import Gemm

from .calibration import SCORES, SLICES, largest_magnitudes, value_names
from .graph_oracle import run_graph, run_products
from .mixed import Integers, MixedNetwork
from .mixed_steps import ALL_PLACES, ProductStep, RunStep, Step
from .quantise_graph import quantise_run
from .quantise_layer import activation_scale
from .quantise_phases import quantise_phases, quantise_stacked
from .runnable import common_magnitudes, runnable, step_key
from .sources.graphs.constants import Constants
from .sources.graphs.operators import ATTENTION, EINSUM
from .sources.layers.heads import SharedHeads
from .sources.layers.multiplying import UNKNOWN
from .sources.layers.reading import Reading, bias_of, has_stored_bias, read_operators
from .sources.nodes.maps import Form
from .sources.nodes.partition import Partition, Run, partition
from .sources.nodes.runs import computed
from .sources.tracing.exported import export_program
from .sources.tracing.program_graph import FLEXIBLE, graph_of

#: Operators that are nothing but a product.
_PRODUCTS = frozenset({"matmul", "mm", "bmm", "mv", EINSUM})


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedMixed:
    """A mixed network with the numbers of its steps.

    Attributes:
        graphs: of the steps, by their names. Those of products have weights of 1.
        inputs: all arguments of the network, one after the other: those that it was quantised for.
    """

    network: MixedNetwork
    graphs: Mapping[str, Graph]
    inputs: tuple[object, ...]

    def on_oracle(self, step: Step, x: Int8Array, weight: Int8Array | None) -> Integers:
        """What the program of a step must give for maps int8 [N, C, H, W]; products have second operands [N, C, K]."""
        graph = self.graphs[step.name]
        if weight is None:
            return run_graph(graph, x)[graph.output]
        return run_products(graph, x, weight)


def quantise_mixed(
    model: nn.Module, inputs: Sequence[object], kwargs: Mapping[str, object] | None = None
) -> QuantisedMixed:
    """Quantise the parts of a network that the machine runs; the inputs calibrate the scales.

    Raises:
        InputError: a network that does not export, a product that is not yet run on the machine (a mixture of experts),
            a recurrent layer of too many steps, or numbers that are not finite.
    """
    named = kwargs or {}
    program, recurrent = runnable(export_program(model, tuple(inputs), named))
    graph = graph_of(program)
    readings, constants = read_operators(graph)
    parts = partition(graph, readings, constants)
    given = tuple(tree_leaves((tuple(inputs), dict(named))))
    heads = SharedHeads(graph.operators)
    largest = common_magnitudes(largest_magnitudes(program, given), parts.runs, recurrent)
    maker = _Steps(program, constants, largest, heads, recurrent)
    found = maker.runs(parts) + maker.products(readings, parts)
    if not found:
        raise InputError(f"model {type(model).__name__}: it has no layer that the machine runs")
    nodes = value_names(program.graph_module)
    order = {node: number for number, node in enumerate(program.graph_module.graph.nodes)}
    steps = tuple(sorted(found, key=lambda step: order[nodes[step.makes]]))
    return QuantisedMixed(network=MixedNetwork(program=program, steps=steps), graphs=maker.graphs, inputs=given)


class _Steps:
    """Makes the steps of a program; `graphs` are their numbers."""

    def __init__(
        self,
        program: ExportedProgram,
        constants: Constants,
        largest: Mapping[str, float],
        heads: SharedHeads,
        recurrent: frozenset[str],
    ) -> None:
        self.graphs: dict[str, Graph] = {}
        self._constants, self._largest, self._heads, self._recurrent = constants, largest, heads, recurrent
        self._known: dict[tuple[Hashable, float], Run] = {}
        self._nodes = value_names(program.graph_module)

    def runs(self, parts: Partition) -> list[Step]:
        """The runs of nodes with stored weights."""
        made = {operation.number: operation.result.name for run in parts.runs for operation in run}
        scales: dict[int | str, float] = {}
        steps: list[Step] = []
        for run in parts.runs:
            source, last = run[0].source, run[-1]
            reads = source.tensor if isinstance(source.tensor, str) else made[source.tensor]
            for value in (reads, *((each.ranged or each.result).name for each in run)):
                self._node(run[0].name, value)
            if isinstance(source.tensor, str):
                scales.setdefault(source.tensor, self._scale(source.tensor))
            scale = scales[source.tensor]
            same = self._same(run, scale)
            quantised = quantise_run(same, self._constants, self._largest, scale)
            made_by = zip(run, same, strict=True)
            scales |= {operation.number: quantised.scales[like.name] for operation, like in made_by}
            self.graphs[same[0].name] = quantised.graph
            steps.append(
                RunStep(
                    name=same[0].name,
                    nodes=tuple(operation.name for operation in computed(same)),
                    reads=reads,
                    makes=last.result.name,
                    inside=_inside(run),
                    images=source.images,
                    shape=source.shape,
                    pads=source.pads,
                    places=ALL_PLACES,
                    rows=source.form is Form.ROWS,
                    rows_out=last.form is Form.ROWS,
                    out_shape=last.result.shape,
                    scale=scale,
                    out_scale=quantised.logit_scale,
                )
            )
        return steps

    def _same(self, run: Run, scale: float) -> Run:
        """The first run with the same program: the first step of a recurrent layer."""
        key = step_key(run, self._recurrent)
        return run if key is None else self._known.setdefault((key, scale), run)

    def products(self, readings: Sequence[Reading], parts: Partition) -> list[Step]:
        """The products of two activations."""
        in_runs = {operation.reading for run in parts.runs for operation in run}
        steps: list[Step] = []
        for reading in readings:
            operator = reading.operator
            if reading.left.startswith(UNKNOWN):
                continue  # the host computes what nobody knows better
            if reading.left:
                raise InputError(
                    f"layer {operator.module or operator.base}: {operator.title} does not run: {reading.left}"
                )
            if not reading.names or reading in in_runs:
                continue
            call = reading.convolution
            stored, stacked = reading.constants[0] is not None, reading.product and operator.base in _PRODUCTS
            if stored and (stacked or (call and has_stored_bias(operator, self._constants))):
                steps += self._phases(reading)
                continue
            if any(reading.constants) or operator.target == FLEXIBLE or operator.base not in _PRODUCTS | {ATTENTION}:
                empty = any(0 in value.shape for value in operator.values())
                why = "has an operand without elements" if empty else "of this form is priced, but not yet run"
                raise InputError(f"layer {reading.names[0]}: {operator.title} {why}")
            self._node(reading.names[0], operator.results[0].name)
            steps += self._attention(reading) if operator.base == ATTENTION else [self._product(reading)]
        self.graphs |= {step.name: step.graph for step in steps if isinstance(step, ProductStep)}
        return steps

    def _phases(self, reading: Reading) -> list[Step]:
        """A run for each phase of a transposed convolution, or each weight of a product; of a Conv3d, one run."""
        operator, result = reading.operator, reading.operator.results[0]
        call, product = reading.convolution, reading.product
        depth, several = call.depth if call else None, product is not None or (call is not None and call.transposed)
        reads = product.left.name if product else operator.value("input").name
        for value in (reads, result.name):
            self._node(reading.names[0], value)
        summed, bias = depth is not None and depth.transposed, bias_of(operator)
        scale, out_scale = self._scale(reads), self._scale(result.name + SLICES if summed else result.name)
        steps: list[Step] = []
        quantise = quantise_stacked if product else quantise_phases
        for number, phase in enumerate(quantise(reading, self._constants, scale, out_scale)):
            name = f"{reading.names[0]} phase {number}" if several else reading.names[0]
            self.graphs[name] = phase.graph
            steps.append(
                RunStep(
                    name=name,
                    nodes=reading.names,
                    reads=reads,
                    makes=result.name,
                    inside=(),
                    images=phase.images,
                    shape=phase.graph.tensor(phase.graph.input).shape,
                    pads=phase.pads,
                    places=phase.places,
                    rows=False,
                    rows_out=False,
                    out_shape=result.shape,
                    scale=scale,
                    out_scale=phase.out_scale,
                    depth=depth,
                    bias=bias.name if summed and bias is not None else None,
                    form=product.form if product else None,
                    number=number,
                )
            )
        return steps

    def _product(self, reading: Reading) -> ProductStep:
        form, result = reading.product, reading.operator.results[0].name
        assert form is not None
        scales = self._scale(form.left.name), self._scale(form.right.name)
        einsum = reading.operator.base == EINSUM
        shared = 1 if einsum else self._heads.rows_of_one(form.right, [form.repeats])
        step = ProductStep(
            name=reading.names[0],
            makes=result,
            role="product",
            repeats=form.repeats // shared,
            p=form.p * shared,
            c=form.c,
            k=form.k,
            scale=scales[0],
            weight_scale=scales[1],
            out_scale=max(self._scale(result), scales[0] * scales[1]),
            form=form.form,
            operands=(form.left.name, form.right.name),
        )
        return _together(step)

    def _attention(self, reading: Reading) -> list[ProductStep]:
        operator = reading.operator
        query, key, value = (operator.value(name) for name in ("query", "key", "value"))
        *outer, rows, depth = query.shape
        result, times, keys = operator.results[0].name, prod(outer), key.shape[-2]
        shared = [self._heads.rows_of_one(each, outer) for each in (key, value)]
        scales = [self._scale(each.name) for each in (query, key, value)]
        scores = ProductStep(
            name=reading.names[0],
            makes=result,
            role="scores",
            repeats=times // shared[0],
            p=rows * shared[0],
            c=depth,
            k=keys,
            scale=scales[0],
            weight_scale=scales[1],
            out_scale=max(self._scale(result + SCORES), scales[0] * scales[1]),
        )
        share = 1 / 127  # a softmax is at most 1
        values = replace(
            scores,
            name=reading.names[1],
            role="values",
            repeats=times // shared[1],
            p=rows * shared[1],
            c=keys,
            k=value.shape[-1],
            scale=share,
            weight_scale=scales[2],
            out_scale=max(self._scale(result), share * scales[2]),
        )
        return [_together(scores), _together(values)]

    def _scale(self, value: str) -> float:
        if value not in self._largest:
            raise InputError(f"value {value}: expected floating-point numbers where the machine reads them")
        return activation_scale(self._largest[value])

    def _node(self, layer: str, value: str) -> fx.Node:
        if value not in self._nodes:
            raise InputError(f"layer {layer}: a part of the model under no_grad or autocast is priced, but not yet run")
        return self._nodes[value]


def _together(step: ProductStep) -> ProductStep:
    """The step with as many of its products in a program as follow one another."""
    count = step.repeats * step.products
    together = products_together(Gemm(p=step.p, c=step.c, k=step.k), count)
    return replace(step, repeats=count // together, products=together)


def _inside(run: Run) -> tuple[str, ...]:
    """Names of the values that a run computes, but for its last one."""
    operators = [operator for each in run for operator in (each.reading.operator, *each.absorbed)]
    names = [value.name for operator in operators for value in operator.results]
    return tuple(name for name in names if name != run[-1].result.name)
