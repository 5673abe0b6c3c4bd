"""The price of a run of nodes: its program's clocks, and those of the same run with every weight."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable

import numpy as np

from skipbeat_arch.cache import content_text
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelRun

from ..balancing.channel_orders import uneven_classes
from ..layer_graph import weight_shape
from ..rearranging.placements import placements
from ..search.stages import MappingSearch, network_key
from ..search.timed_network import TimedNetwork, no_collection, quickest_program
from .kept_prices import KeptPrices, RunPrice
from .kept_programs import KnownRun
from .node_costs import node_costs
from .phases import phases


class RunPricer:
    """Prices runs on one machine: equal ones once, and of runs that differ in their zeros the dense one once.

    Args:
        hw: the hardware.
        kept: prices from before, which also keeps new ones; None: nothing is kept beyond this pricer.
        effort: of the search for mappings.

    Raises:
        InputError: hardware that has no accelerator.
    """

    def __init__(self, hw: Hardware, kept: KeptPrices | None = None, effort: Effort = Effort.NORMAL) -> None:
        self._machine, self._search, self._kept = Machine.of(hw), MappingSearch(effort), kept
        self._runs: dict[Hashable, RunPrice] = {}
        self._dense: dict[Hashable, RunPrice] = {}
        self._last: tuple[Hashable, Graph] | None = None
        self._networks: dict[Hashable, RunPrice] = {}

    def as_it_is(self, run: ModelRun) -> RunPrice:
        """A run with its zeros.

        Raises:
            InputError: it does not fit the hardware, or its zeros have another shape than its layers.
        """
        key = run.key, run.images, run.side, run.again
        if key not in self._runs:
            self._runs[key] = self._known(run, run.key, lambda: self._graph(run))
        return self._runs[key]

    def dense(self, run: ModelRun) -> RunPrice:
        """A run with every weight.

        Raises:
            InputError: it does not fit the hardware.
        """
        key = run.structure, run.images, run.side, run.again
        if key not in self._dense:
            content = "with every weight", run.structure
            self._dense[key] = self._known(run, content, lambda: _full(self._graph(run)))
        return self._dense[key]

    def _known(self, run: ModelRun, content: Hashable, graph: Callable[[], Graph]) -> RunPrice:
        """The price of this content, kept from before or found now."""
        hw, effort = self._machine.hw, str(self._search.effort)
        if self._kept is None:
            return self._price(run, graph, KnownRun())
        text = content_text((content, run.names, run.images, run.side))
        known = KnownRun() if text is None else self._kept.programs.of(hw, text)
        return self._kept.get(hw, run, (effort, content), lambda: self._price(run, graph, known))

    def _graph(self, run: ModelRun) -> Graph:
        """The run's graph; the last one is kept, so that its zeros are read once."""
        if self._last is None or self._last[0] != run.key:
            graph = self._counted(run) or run.graph()
            _check(graph)
            self._last = run.key, graph
        return self._last[1]

    def _counted(self, run: ModelRun) -> Graph | None:
        """A graph of the same price, whose zeros need not be found: of them it depends on groups' counts alone.

        None: there is none, or groups are so uneven that channels are looked at one by one.
        """
        graph = run.counted(self._machine.hw.array.group)
        return None if graph is None or uneven_classes(graph, self._machine) else graph

    @no_collection()
    def _price(self, run: ModelRun, graph: Callable[[], Graph], known: KnownRun) -> RunPrice:
        machine, names = self._machine, run.names
        found = known.placements(machine, lambda: placements(graph(), machine, run.images, side=run.side))
        # Nodes of one program mention each other by name.
        key = names if len(names) > 1 else (), tuple(network_key(each.memory) for each in found), run.again
        if key not in self._networks:
            name = f"layer {names[0]}" + (" and those after it" if len(names) > 1 else "")
            network = quickest_program(found, self._search, name, known.programs)
            self._networks[key] = _again_price(network) if run.again else _run_price(network)
        return self._networks[key]


def _again_price(network: TimedNetwork) -> RunPrice:
    """The price of a run right after another one; its weights are stored once, with the first."""
    again = network.again()
    found = without_weights(_run_price(again or network))
    return dataclasses.replace(found, kept=again is not None)


def without_weights(price: RunPrice) -> RunPrice:
    """The price of a run whose weights are stored with those of another one."""
    costs = tuple(dataclasses.replace(cost, value_bits=0, metadata_bits=0) for cost in price.costs)
    return dataclasses.replace(price, costs=costs)


def _run_price(network: TimedNetwork) -> RunPrice:
    timing, nodes = network.timing, network.memory.graph.nodes
    return RunPrice(
        cycles=timing.cycles,
        costs=tuple(node_costs(network)),
        names=tuple(node.layer.name for node in nodes),
        kinds=tuple(map(_kind, nodes)),
        shapes=tuple("x".join(map(str, node.tensor_shape(node.out_shape))) for node in nodes),
        phases=phases(network.lowered.columns, timing.begin, timing.finish, timing.cycles, timing.repeats),
    )


def _kind(node: Node) -> str:
    if node.residual is not None:
        return "addition"
    if node.pool is not None:
        return "max pooling"
    return "average pooling" if node.taps > 1 else "normalisation"


def _full(graph: Graph) -> Graph:
    """The same graph with every weight 1; they take no memory."""
    nodes = tuple(
        dataclasses.replace(
            node,
            layer=dataclasses.replace(node.layer, weight=np.broadcast_to(np.int8(1), weight_shape(node.convolution))),
        )
        for node in graph.nodes
    )
    return dataclasses.replace(graph, nodes=nodes)


def _check(graph: Graph) -> None:
    for node in graph.nodes:
        weight, conv = node.layer.weight, node.convolution
        if weight.dtype != np.int8 or weight.shape not in (weight_shape(conv), (conv.groups, conv.gemm.c, conv.gemm.k)):
            raise InputError(
                f"layer {node.layer.name}: expected zeros int8 {list(weight_shape(conv))}, not {weight.dtype} "
                f"{list(weight.shape)}"
            )
