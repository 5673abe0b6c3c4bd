"""The products of a training step as programs of the machine, beside those of the integer oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training.noted import SPARE_SHIFT
from skipbeat_arch.training_model import Role
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.layer_graph import MASK, Nearest, layer_graph
from skipbeat_mapper.training.update_chunks import best_chunk
from skipbeat_mapper.training.update_programs import chunk_programs
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.integer_training.activation_store import ActivationStore, stored_activations
from skipbeat_models.integer_training.gradient_store import GradientStore, stored
from skipbeat_models.integer_training.stationary_products import (
    StationaryProduct,
    UpdateProduct,
    backward_products,
    forward_product,
    update_products,
)
from skipbeat_models.integer_training.stored_bytes import StoredBytes
from skipbeat_models.integer_training.training_products import ExactProducts, Geometry, Shape

from .gradient_programs import GradientProgram, GradientPrograms
from .host_tasks import SUM_BYTES, HostTask
from .machine_simulation import NOTHING, Noted, Output, ProgramRun, run_images
from .turned_operands import OperandTurner, UpdateProgram, pixel_order

Compared = TypeVar("Compared", Int8Array, Int64Array)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductRun:
    """A program of a step: of which layer's product, and what every level says of it."""

    layer: str
    role: Role
    run: ProgramRun


@dataclass(kw_only=True, eq=False)
class MachineProducts:
    """The three products of a step as programs: what the RTL, or else the cycle model, leaves of them.

    Update products leave int32 sums, and so do forward and backward ones, which the host rounds. A machine with
    `outputs.gradients` stores Y and dX itself, as bytes, but for a Y whose sums a max pooling of the host compares.

    Attributes:
        oracle: what must come out.
        programs: in which the machine stores dX, if it does; the oracle draws as they do.
        pattern: what is kept of dY along the images.
        rtl: the machine's RTL; None: only the cycle model runs.
        runs: of all programs so far. exact: whether all sums were the oracle's.
        host: bytes that the host read and wrote so far for want of a module in the machine, by what it did.
    """

    hardware: Hardware
    pattern: Pattern
    oracle: ExactProducts
    programs: GradientPrograms | None
    rtl: VerilatedMachine | None
    cycle_model: bool
    effort: Effort = Effort.NORMAL
    runs: list[ProductRun] = field(default_factory=list)
    exact: bool = True
    host: Counter[HostTask] = field(default_factory=Counter)
    _turner: OperandTurner = field(init=False, repr=False)

    def __post_init__(self) -> None:
        machine = Machine.of(self.hardware)
        self._turner = OperandTurner(machine=machine, rtl=self.rtl, cycle_model=self.cycle_model)

    def forward(self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry) -> Int64Array:
        """Y = X · W + bias, one program.

        Raises:
            InputError: it does not fit the hardware, or its sums do not fit 32 bits.
        """
        _check_biases(layer, bias)
        expected = self.oracle.forward(layer, x, weight, bias, geometry)
        parts = [forward_product(x, weight, geometry)]
        return self._compared(self._stationary(layer, Role.FORWARD, parts, bias, expected.shape), expected)

    def activations(
        self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry, store: ActivationStore
    ) -> StoredBytes:
        """Y as it is stored, one program; twice if there is no shift yet.

        Raises:
            InputError: as for `forward`.
        """
        if self.programs is None:
            sums = self.forward(layer, x, weight, bias, geometry)
            made = stored_activations(sums, store)
            self.host[HostTask.ROUND] += SUM_BYTES * sums.size + made.mantissas.size
            return made
        _check_biases(layer, bias)
        expected = self.oracle.activations(layer, x, weight, bias, geometry, store)
        part = forward_product(x, weight, geometry)
        found = self._store_activations(layer, part, bias, store)
        if store.shift is None:
            found = self._store_activations(layer, part, bias, store.within(found.bits))
        self.host[HostTask.SPLIT] += 0 if found.places is None else 2 * found.mantissas.size
        self._compare_stored(found, expected)
        return found

    def backward(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> StoredBytes:
        """dX = dY · W^T as it is stored, a program for each phase of the stride.

        Raises:
            InputError: as for `forward`.
        """
        expected = self.oracle.backward(layer, gradient, weight, geometry, shape, store)
        if self.programs is None:
            parts = backward_products(layer, gradient, weight, geometry, shape)
            sums = self._stationary(layer, Role.BACKWARD, parts, None, shape)
            draws = partial(self.oracle.draws.gradient_draws, layer, gradient, weight, geometry, shape)
            found = stored(sums, store, draws)
            self.host[HostTask.ROUND] += (SUM_BYTES + 1) * sums.size
        else:
            programs = partial(self.programs.programs, layer, gradient, weight, geometry, shape)
            found = self._store_gradient(layer, programs, shape, store)
            if store.shift is None:
                found = self._store_gradient(layer, programs, shape, store.within(found.bits))
        self._compare_stored(found, expected)
        return found

    def update(self, layer: str, x: Int8Array, gradient: Int8Array, geometry: Geometry, shape: Shape) -> Int64Array:
        """dW = X^T · dY, a program for each chunk of pixels, whose sums are added up here.

        Raises:
            InputError: as for `forward`.
        """
        expected, found = self.oracle.update(layer, x, gradient, geometry, shape), list[Int64Array]()
        self.host[HostTask.TURN] += 2 * gradient.size
        for part in update_products(x, gradient, geometry, shape, self.hardware.array.cols):
            found.append(part.kept(self._updated(layer, x, part)))
        return self._compared(np.concatenate(found).reshape(shape), expected)

    def _updated(self, layer: str, x: Int8Array, part: UpdateProduct) -> Int64Array:
        """The sums int64 [K, C, kh, kw] of a part of an update of X int8 [N, C, H, W]."""
        conv, chunk = part.workload, best_chunk(part.workload, len(x), self.pattern, self._turner.machine)
        pixels = conv.c_in == x[0].size and self.hardware.outputs.turn
        order = pixel_order(x.shape) if pixels else np.arange(conv.c_in)
        programs = [
            UpdateProgram(each, self._compiled(each.graph, len(each.images)))
            for each in chunk_programs(layer, chunk, conv, part.x[:, order], part.gradient)
        ]
        total = np.zeros((conv.c_out, conv.c_in, *conv.kernel), np.int64)
        for (each, program), images in zip(programs, self._turned(layer, x, part, programs), strict=True):
            sums = self._sums(layer, Role.UPDATE, each.graph, program, images).swapaxes(0, 1)
            total[each.outputs] += sums[: each.outputs.stop - each.outputs.start]
            self.host[HostTask.ADD] += SUM_BYTES * sums.size
        return total[:, np.argsort(order)]

    def _turned(
        self, layer: str, x: Int8Array, part: UpdateProduct, programs: Sequence[UpdateProgram]
    ) -> Sequence[Int8Array]:
        """What each program of an update reads of X: turned by the machine if it can, or else by the host."""
        turned = self._turner.turned(layer, x, programs) if part.x.size == x.size else None
        if turned is None:
            self.host[HostTask.TURN] += 2 * part.x.size
            return [each.chunk.images for each in programs]
        self.runs.append(ProductRun(layer=layer, role=Role.UPDATE, run=turned.run))
        self.host[HostTask.PACK] += turned.program.image.size
        return turned.images

    def _stationary(
        self, layer: str, role: Role, parts: Iterable[StationaryProduct], bias: Int64Array | None, shape: Shape
    ) -> Int64Array:
        whole = np.zeros(shape, np.int64)
        added = None if bias is None else bias.astype(np.int32)
        for part in parts:
            graph = layer_graph(part.workload, part.weight, layer, raw=True, bias=added)
            part.put(whole, self._sums(layer, role, graph, self._compiled(graph, len(part.x)), part.x))
        return whole

    def _compiled(self, graph: Graph, images: int) -> MachineProgram:
        return compile_network(graph, self.hardware, images, effort=self.effort)

    def _sums(self, layer: str, role: Role, graph: Graph, program: MachineProgram, images: Int8Array) -> Int64Array:
        """The sums int64 [N, K, H, W] that a graph's program leaves."""
        images = np.ascontiguousarray(images)
        outputs, _ = self._left(layer, role, program, images, run_graph(graph, images)[graph.output])
        return outputs.astype(np.int64)

    def _store_activations(
        self, layer: str, part: StationaryProduct, bias: Int64Array, store: ActivationStore
    ) -> StoredBytes:
        """What the program of a Y leaves and says."""
        images = np.ascontiguousarray(part.x)
        nearest = Nearest(multiplier=store.multiplier, shift=store.stored_shift, low=store.low, pool=store.pool)
        graph = layer_graph(part.workload, part.weight, layer, bias=bias.astype(np.int32), nearest=nearest)
        program = self._compiled(graph, len(images))
        summing = layer_graph(part.workload, part.weight, layer, raw=True, bias=bias.astype(np.int32))
        sums = run_graph(summing, images)[summing.output].astype(np.int64)
        wanted = stored_activations(sums, replace(store, shift=store.stored_shift - SPARE_SHIFT))
        noted = Noted(wanted.bits and wanted.bits + SPARE_SHIFT, wanted.clips)
        expected, pooled = wanted.mantissas, wanted.places is not None
        if wanted.places is not None:
            expected = np.stack([expected, wanted.places], axis=1)
        outputs, said = self._left(layer, Role.FORWARD, program, images, expected, noted=noted)
        bits, found = max(said.bits - SPARE_SHIFT, 0), outputs.astype(np.int8)
        mantissas, places = (found[:, 0], found[:, 1]) if pooled else (found, None)
        return StoredBytes(mantissas, wanted.shift, bits, said.clips, mantissas != 0, places)

    def _store_gradient(
        self,
        layer: str,
        programs: Callable[[GradientStore], Iterator[GradientProgram]],
        shape: Shape,
        store: GradientStore,
    ) -> StoredBytes:
        """What the programs of a dX leave and say together."""
        whole, bits, clips = np.zeros(shape, np.int8), 0, 0
        for each in programs(store):
            made, noted = self._run_gradient(layer, each, store)
            each.part.put(whole, made)
            bits, clips = max(bits, noted.bits), clips + noted.clips
        return StoredBytes(whole, store.known_shift, bits, clips, whole != 0)

    def _run_gradient(self, layer: str, gradient: GradientProgram, store: GradientStore) -> tuple[Int8Array, Noted]:
        """The bytes int8 [N, K, H, W] that a program leaves, and what it says of them."""
        part = gradient.part
        passed = None if store.passed is None else part.taken(store.passed)
        images = np.ascontiguousarray(part.x)
        graph = layer_graph(part.workload, part.weight, layer, raw=True)
        sums = run_graph(graph, images)[graph.output].astype(np.int64)
        told = replace(store, passed=passed, shift=store.known_shift)
        wanted = stored(sums, told, lambda _: gradient.draws)
        given = {} if passed is None else {MASK: np.ascontiguousarray(passed)}
        if passed is not None and store.passed is not None and passed.shape != store.passed.shape:
            self.host[HostTask.MASK] += passed.size
        noted, expected = Noted(wanted.bits, wanted.clips), wanted.mantissas
        outputs, said = self._left(layer, Role.BACKWARD, gradient.program, images, expected, given, noted)
        return outputs.astype(np.int8), said

    def _left(
        self,
        layer: str,
        role: Role,
        program: MachineProgram,
        images: Int8Array,
        expected: Output,
        given: Mapping[str, Int8Array] | None = None,
        noted: Noted = NOTHING,
    ) -> tuple[Output, Noted]:
        """What a run leaves [N, K, H, W], and says of stochastic bytes; it is compared with what is expected."""
        outputs: list[Any] = []
        run = run_images(
            program,
            Machine.of(self.hardware),
            images,
            expected,
            self.rtl,
            given=given,
            noted=noted,
            cycle_model=self.cycle_model,
            outputs=outputs,
        )
        if role is Role.FORWARD:
            self._turner.read(layer, program)
        self.runs.append(ProductRun(layer=layer, role=role, run=run))
        self.host[HostTask.PACK] += program.image.size
        return np.stack(outputs), run.noted or NOTHING

    def _compare_stored(self, found: StoredBytes, expected: StoredBytes) -> None:
        numbers = (found.shift, found.bits, found.clips)
        self.exact &= numbers == (expected.shift, expected.bits, expected.clips)
        self._compared(found.mantissas, expected.mantissas)
        if found.places is not None and expected.places is not None:
            self._compared(found.places, expected.places)

    def _compared(self, found: Compared, expected: Compared) -> Compared:
        self.exact &= bool(np.array_equal(found, expected))
        return found


def _check_biases(layer: str, bias: Int64Array) -> None:
    if int(np.abs(bias).max(initial=0)) >= 1 << 31:
        raise InputError(f"layer {layer}: its biases do not fit 32 bits, as the machine takes them")
