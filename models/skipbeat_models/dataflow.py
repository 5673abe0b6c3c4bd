"""A traced network as the accelerator's operations: each with the addition, ReLU and pooling that it absorbs."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import torch
from torch import fx, nn

from skipbeat_arch.errors import InputError

from .network import MaxPool
from .pruners.layers import Prunable
from .quantise import max_pool_stage

#: Name of the graph's input; no operation has it.
INPUT = "input"

Average = nn.AvgPool2d | nn.AdaptiveAvgPool2d

_ADD = (operator.add, torch.add, "add")
_RELU = (torch.relu, nn.functional.relu, "relu", "relu_")
_FLATTEN = (torch.flatten, "flatten")


@dataclass(kw_only=True)
class Operation:
    """One step of the accelerator.

    Attributes:
        name: of its module, or of the addition.
        module: what computes it; None copies its source (to pool it or to add the residual to it).
        source, residual: what it reads.
        result: whose value it gives, after all that it absorbed.
        ranged: whose largest magnitude sets its output's scale; None keeps the scale of the source.
    """

    name: str
    module: Prunable | Average | None
    source: fx.Node
    result: fx.Node
    ranged: fx.Node | None
    residual: fx.Node | None = None
    relu: bool = False
    pool: MaxPool | None = None


def operations(traced: fx.GraphModule) -> tuple[fx.Node, list[Operation]]:
    """The input of a traced network and its operations, in the order in which they can run.

    An addition joins the convolution or linear layer that is computed last of its operands and used by nothing else;
    a ReLU joins what is before it, and so does a max pooling whose windows neither overlap nor need padding.

    Raises:
        InputError: a module, function or option that is not supported, or a network without one input and one output.
    """
    flow = _Flow(traced)
    for node in traced.graph.nodes:
        flow.add(node)
    if flow.input is None or flow.output is None or not flow.operations:
        raise InputError("network to quantise: expected one input, one output and at least one layer")
    if flow.output is not flow.operations[-1].result:
        raise InputError("network to quantise: expected its last layer to be its output")
    return flow.input, flow.operations


class _Flow:
    """Operations so far; nodes that change nothing stand for what they are given."""

    def __init__(self, traced: fx.GraphModule) -> None:
        self.input: fx.Node | None = None
        self.output: fx.Node | None = None
        self.operations: list[Operation] = []
        self._modules = dict(traced.named_modules())
        self._same: dict[fx.Node, fx.Node] = {}
        self._made_by: dict[fx.Node, int] = {}
        self._names = {INPUT}

    def add(self, node: fx.Node) -> None:
        """Takes the next node."""
        module = self._modules.get(str(node.target)) if node.op == "call_module" else None
        function = node.target if node.op in ("call_function", "call_method") else None
        if node.op == "placeholder":
            if self.input is not None:
                raise InputError(f"network to quantise: expected one input, but there is also {node.name}")
            self.input, self._made_by[node] = node, -1
        elif node.op == "output":
            self.output = self._operand(node, 0)
        elif isinstance(module, nn.Identity | nn.Dropout) or _flattens(node, module):
            self._same[node] = self._operand(node, 0)
        elif isinstance(module, Prunable | Average):
            self._append(
                Operation(name=self._name(node), module=module, source=self._operand(node, 0), result=node, ranged=node)
            )
        elif isinstance(module, nn.MaxPool2d):
            self._add_pool(node, max_pool_stage(str(node.target), module))
        elif isinstance(module, nn.ReLU) or function in _RELU:
            self._add_relu(node)
        elif function in _ADD:
            self._add_addition(node)
        else:
            what = node.target if module is None else type(module).__name__
            raise InputError(
                f"layer {node.target if module else node.name}: {what} is not supported here; expected Conv2d, Linear, "
                "ReLU, addition, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1) or flattening before a Linear"
            )

    def _append(self, operation: Operation) -> None:
        self._made_by[operation.result] = len(self.operations)
        self.operations.append(operation)

    def _operand(self, node: fx.Node, index: int) -> fx.Node:
        given = node.args[index] if index < len(node.args) else None
        if not isinstance(given, fx.Node):
            raise InputError(f"layer {node.name}: expected a tensor, not {given}")
        return self._same.get(given, given)

    def _only_use(self, node: fx.Node, index: int) -> bool:
        """Whether nothing but `node` uses its operand, nor what the operand stands for."""
        given = node.args[index]
        while isinstance(given, fx.Node) and len(given.users) == 1:
            if given not in self._same:
                return True
            given = given.args[0]
        return False

    def _absorb(self, operation: Operation, node: fx.Node) -> None:
        self._made_by[node] = self._made_by[operation.result]
        operation.result = node

    def _name(self, node: fx.Node) -> str:
        """The module's name; a module that is called again gets the call's."""
        name = str(node.target) if node.op == "call_module" else node.name
        if name in self._names:
            name = node.name
        self._names.add(name)
        return name

    def _add_relu(self, node: fx.Node) -> None:
        index = self._made_by.get(self._operand(node, 0), -1)
        if index < 0 or not self._only_use(node, 0):
            raise InputError(
                f"layer {node.target if node.op == 'call_module' else node.name}: expected a ReLU after a "
                "layer or an addition whose output only it uses"
            )
        operation = self.operations[index]
        operation.relu = True
        if operation.ranged is not None:
            operation.ranged = node
        self._absorb(operation, node)

    def _add_pool(self, node: fx.Node, pool: MaxPool) -> None:
        source = self._operand(node, 0)
        index = self._made_by[source]
        if index >= 0 and self._only_use(node, 0) and pool.kernel == pool.stride and pool.padding == (0, 0):
            operation = self.operations[index]
            if operation.pool is None and operation.residual is None:
                operation.pool = pool
                self._absorb(operation, node)
                return
        self._append(Operation(name=self._name(node), module=None, source=source, result=node, ranged=None, pool=pool))

    def _add_addition(self, node: fx.Node) -> None:
        if len(node.args) != 2 or node.kwargs:
            raise InputError(f"layer {node.name}: expected an addition of two tensors")
        operands = self._operand(node, 0), self._operand(node, 1)
        for which, (layer, other) in enumerate((operands, operands[::-1])):
            index = self._made_by[layer]
            if index <= self._made_by[other] or not self._only_use(node, which):
                continue
            operation = self.operations[index]
            plain = not operation.relu and operation.pool is None and operation.residual is None
            if isinstance(operation.module, Prunable) and plain:
                operation.residual, operation.ranged = other, node
                self._absorb(operation, node)
                return
        self._append(
            Operation(
                name=self._name(node), module=None, source=operands[0], residual=operands[1], result=node, ranged=node
            )
        )


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether a node flattens each image and only linear layers read it."""
    if isinstance(module, nn.Flatten):
        whole = (module.start_dim, module.end_dim) == (1, -1)
    else:
        function = node.target if node.op in ("call_function", "call_method") else None
        whole = function in _FLATTEN and node.args[1:] == (1,) and not node.kwargs
    readers = dict(node.graph.owning_module.named_modules()) if whole and node.graph.owning_module else {}
    return whole and all(isinstance(readers.get(str(user.target)), nn.Linear | nn.Dropout) for user in node.users)
