"""Networks of which programs compute a part and the host the rest: transformers, for one.

Runs of nodes and products of two activations are computed in int8 on the machine. Between them the host computes in
float64: it multiplies what a program wrote by its scale, runs PyTorch's own operators (softmax, norms, additions), and
rounds what the next program reads to int8. This is the definition of the network's results: as programs are exact, so
are they, bit for bit, whoever runs the programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind

from skipbeat_arch.arrays import FloatArray, Int8Array, Int32Array
from skipbeat_arch.errors import InputError

from .calibration import attention_operands, exact_inputs, in_float64, is_check, repeatable, value_names
from .mixed_steps import ProductStep, Role, RunStep, Step
from .quantise_layer import round_half_up
from .sources.layers.convolutions import Depth

Integers = Int8Array | Int32Array
#: Runs the program of a step on maps int8 [N, C, H, W] and returns its outputs; products are given int8 [N, C, 1, P]
#: and [N, C, K], and of anything else N is 1.
Execute = Callable[[Step, Int8Array, Int8Array | None], Integers]


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedNetwork:
    """A network that is ready to run.

    Attributes:
        program: what the host computes, and in which order.
        steps: what the machine computes, in order.
    """

    program: ExportedProgram
    steps: tuple[Step, ...]

    def check(self, what: str) -> None:
        """Whether the program has the values that the steps name; `what` names the network in messages.

        Raises:
            InputError: it has not.
        """
        nodes = value_names(self.program.graph_module)
        for step in self.steps:
            reads = [step.reads] if isinstance(step, RunStep) else list(step.operands)
            if missing := [name for name in (step.makes, *reads) if name not in nodes]:
                raise InputError(f"{what}: layer {step.name}: the host's program has no value {missing[0]}")

    def run(self, inputs: Sequence[object], execute: Execute) -> FloatArray:
        """The network's first result.

        Args:
            inputs: all arguments of the network, one after the other, of the shapes that it was quantised for.
            execute: runs the machine's steps.

        Raises:
            InputError: numbers that are not finite where the machine reads them.
        """
        walk = _Walk(self, execute)
        with repeatable():
            results = walk.run(*exact_inputs(self.program, inputs))
        kinds = [spec.kind for spec in self.program.graph_signature.output_specs]
        result: FloatArray = results[kinds.index(OutputKind.USER_OUTPUT)].numpy()
        return result


class _Inside:
    """Stands for a value inside a run, which is never seen."""


_INSIDE = _Inside()


class _Walk(fx.Interpreter):
    """Runs the program node by node; where a run or a product ends, its value comes from the machine."""

    def __init__(self, network: MixedNetwork, execute: Execute) -> None:
        super().__init__(network.program.graph_module, garbage_collect_values=False)
        self.extra_traceback = False  # errors are for the user, who has no graph
        self._execute = execute
        self._nodes = nodes = value_names(network.program.graph_module)
        self._runs: dict[fx.Node, list[RunStep]] = {}
        for step in network.steps:
            if isinstance(step, RunStep):
                self._runs.setdefault(nodes[step.makes], []).append(step)
        runs = [run for steps in self._runs.values() for run in steps]
        self._inside = {nodes[name] for run in runs for name in run.inside if name in nodes}
        self._products = {
            (nodes[step.makes], step.role): step for step in network.steps if isinstance(step, ProductStep)
        }

    def run_node(self, n: fx.Node) -> Any:  # the signature is torch's
        if is_check(n):
            return None
        if n in self._runs:
            return self._made(self._runs[n])
        if n in self._inside or any(isinstance(self.env.get(node), _Inside) for node in n.all_input_nodes):
            return _INSIDE
        if (n, "product") in self._products:
            return self._product(self._products[n, "product"])
        if (n, "scores") in self._products:
            return self._attention(n)
        return in_float64(super().run_node(n))

    def _made(self, steps: Sequence[RunStep]) -> torch.Tensor:
        """The value that a run makes, or that several make together."""
        maps, first = [self._maps(step) for step in steps], steps[0]
        if first.form is not None:
            return first.form.result(torch.stack([found[0, :, 0].t() for found in maps]))
        if first.rows_out:
            return maps[0][0, :, 0].t().reshape(first.out_shape)
        whole = maps[0] if len(steps) == 1 else _together(steps, maps)
        if (depth := first.depth) is None:
            return whole.reshape(first.out_shape)
        slices = whole.reshape(-1, depth.size if depth.transposed else depth.out_size, *whole.shape[1:]).transpose(1, 2)
        if depth.transposed:
            slices = _summed(slices, depth)
            if first.bias is not None:
                slices = slices + self.env[self._nodes[first.bias]].reshape(-1, 1, 1, 1)
        return slices.reshape(first.out_shape)

    def _maps(self, step: RunStep) -> torch.Tensor:
        """What a run gives, in real numbers [images, K, height, width]."""
        value: torch.Tensor = self.env[self._nodes[step.reads]]
        channels, height, width = step.shape
        above, below, left, right = step.pads
        if step.depth is not None:
            value = _slices(value, step.depth)
        if step.form is not None:
            value = step.form.left_matrices(value)[step.number].t()
        if step.rows:
            value = value.reshape(-1, channels).t()
        value = value.reshape(step.images, channels, height - above - below, width - left - right)
        value = torch.nn.functional.pad(value, (left, right, above, below))
        x = _integers(step.name, value, step.scale)
        outputs = np.concatenate([self._execute(step, image[None], None) for image in x])
        return torch.from_numpy(outputs.astype(np.float64) * step.out_scale)

    def _product(self, step: ProductStep) -> torch.Tensor:
        form = step.form
        assert form is not None
        left, right = (self.env[self._nodes[name]] for name in step.operands)
        return form.result(self._products_of(step, form.left_matrices(left), form.matrices(right)))

    def _attention(self, n: fx.Node) -> torch.Tensor:
        given = attention_operands(*self.fetch_args_kwargs_from_env(n))
        query, key, value = given.query, given.key, given.value
        outer, rows, depth = query.shape[:-2], query.shape[-2], query.shape[-1]

        def products(role: Role, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            right = right.expand(*outer, *right.shape[-2:])
            matrices = (each.reshape(-1, *each.shape[-2:]) for each in (left, right))
            return self._products_of(self._products[n, role], *matrices).reshape(*outer, rows, -1)

        scores = products("scores", query, key.transpose(-1, -2)) * (given.scale or 1 / math.sqrt(depth))
        if given.mask is not None:
            hidden = given.mask.dtype == torch.bool
            scores = scores.masked_fill(~given.mask, -math.inf) if hidden else scores + given.mask
        nothing = torch.isneginf(scores).all(dim=-1, keepdim=True)  # PyTorch's attention gives zeros there
        return products("values", scores.softmax(dim=-1).masked_fill(nothing, 0), value)

    def _products_of(self, step: ProductStep, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Products [..., P, C] x [..., C, K]; all neighbours with the same [C, K] are the rows of one."""
        times, count = len(left), step.repeats * step.products
        left, right = left.reshape(count, step.p, step.c).transpose(1, 2), right[:: times // count]
        x, w = _integers(step.name, left, step.scale), _integers(step.name, right, step.weight_scale)
        found = np.concatenate(
            [
                self._execute(step, rows[:, :, None], weights)
                for rows, weights in zip(np.split(x, step.repeats), np.split(w, step.repeats), strict=True)
            ]
        )
        results = torch.from_numpy(found[:, :, 0].astype(np.float64) * step.out_scale)
        return results.transpose(1, 2).reshape(times, -1, step.k)


def _together(steps: Sequence[RunStep], maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """What several runs make together, each in its own places."""
    parts = [(part, *step.places) for step, part in zip(steps, maps, strict=True)]
    height = max(row + down * (part.shape[2] - 1) for part, row, _, down, _ in parts) + 1
    width = max(column + across * (part.shape[3] - 1) for part, _, column, _, across in parts) + 1
    whole = torch.zeros(*maps[0].shape[:2], height, width, dtype=torch.float64)
    for part, row, column, down, across in parts:
        whole[:, :, row::down, column::across] = part
    return whole


def _slices(value: torch.Tensor, depth: Depth) -> torch.Tensor:
    """Values [..., C, D, height, width] as maps [maps, channels, height, width]: their slices, or windows of these."""
    value = value.reshape(-1, *value.shape[-4:])
    if depth.transposed:
        return value.transpose(1, 2).flatten(0, 1)
    value = torch.nn.functional.pad(value, (0, 0, 0, 0, depth.low, depth.high))
    first, within = torch.arange(depth.out_size) * depth.stride, torch.arange(depth.kernel) * depth.dilation
    windows = value[:, :, first[:, None] + within]
    return windows.transpose(1, 2).flatten(0, 1).flatten(1, 2)


def _summed(slices: torch.Tensor, depth: Depth) -> torch.Tensor:
    """Slices [images, K * kernel, D, height, width] added up to results [images, K, out_size, height, width]."""
    images, channels, size, *rest = slices.shape
    parts = slices.reshape(images, channels // depth.kernel, depth.kernel, size, *rest)
    whole = torch.zeros(images, channels // depth.kernel, depth.out_size, *rest, dtype=slices.dtype)
    for tap, start in enumerate(range(-depth.low, depth.kernel * depth.dilation - depth.low, depth.dilation)):
        places = torch.arange(size) * depth.stride + start
        inside = (places >= 0) & (places < depth.out_size)
        whole[:, :, places[inside]] += parts[:, :, tap, inside]
    return whole


def _integers(name: str, values: torch.Tensor, scale: float) -> Int8Array:
    if not bool(torch.isfinite(values).all()):
        raise InputError(f"layer {name}: expected finite numbers; the host's operators before it gave others")
    rounded: Int8Array = round_half_up(values.numpy() / scale, -128, 127).astype(np.int8)
    return np.ascontiguousarray(rounded)
