"""A network with patterns for its three products: the training step as it is priced."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from skipbeat_arch.budget import products_together
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import HostPass, Product, Role, TrainedLayer, TrainingModel, Update
from skipbeat_arch.workload import Convolution

from ..scheme import Scheme
from .drawn_zeros import matrix_zeros, product_zeros
from .gradient_products import input_gradient, ungrouped
from .trained_network import NetworkLayer, TrainedNetwork

_DENSE = Pattern("dense")


@dataclass(frozen=True, kw_only=True)
class StepPatterns:
    """What is kept of the stationary operands.

    The first convolution, the last layer and depthwise ones stay dense in both passes, unless a scheme names them: of
    few classes, N of M would leave little of the gradient.

    Attributes:
        forward, backward: of the weights, along input and along output channels.
        update: of the gradients dY, along the images: dense, or 1:q.

    Raises:
        InputError: an update pattern of another form.
    """

    forward: Scheme = field(default_factory=lambda: Scheme.of("dense"))
    backward: Scheme = field(default_factory=lambda: Scheme.of("dense"))
    update: Pattern = _DENSE

    def __post_init__(self) -> None:
        update = self.update
        if update.kind != "dense" and (update.kind != "nm" or update.n != 1):
            raise InputError(
                f"update {update}: expected dense or 1:Q, of which an unbiased choice is known, such as 1:2"
            )

    def of_weights(self, name: str, kind: LayerKind, *, first: bool, last: bool) -> tuple[Pattern, Pattern]:
        """Forward and backward of one layer; `first`: the network's first convolution, `last`: its last layer."""
        ahead, back = (
            (None if last and not scheme.names(name) else scheme.pattern(name, kind, first)) or _DENSE
            for scheme in (self.forward, self.backward)
        )
        return ahead, back


def training_model(network: TrainedNetwork, patterns: StepPatterns, columns: int, seed: int = 0) -> TrainingModel:
    """The training step of a network.

    Args:
        columns: outputs of a tile, which groups of a grouped convolution fill together.
        seed: of the zeros.

    Raises:
        InputError: a scheme names no layer.
    """
    for scheme in (patterns.forward, patterns.backward):
        scheme.check(each.layer.name for each in network.layers if each.layer.stored)
    last = next((each for each in reversed(network.layers) if each.layer.stored), None)
    layers = tuple(_layer(each, patterns, columns, seed, last=each is last) for each in network.layers)
    return TrainingModel(
        name=network.name,
        batch=network.batch,
        layers=layers,
        host=(*network.host, *_packed(network, patterns.update)),
        weights=network.weights,
        update=patterns.update,
        notes=_notes(network),
    )


def _layer(each: NetworkLayer, patterns: StepPatterns, columns: int, seed: int, *, last: bool) -> TrainedLayer:
    layer = each.layer
    if not layer.stored:
        return _of_activations(each)
    schemes = (patterns.forward, patterns.backward)
    chosen = patterns.of_weights(layer.name, layer.kind, first=each.first, last=last)

    def product(conv: Convolution, at: int) -> Product:
        zeros = product_zeros(conv, chosen[at], schemes[at].method, seed)
        masked = at == 1 and each.masked
        pool = each.pool if at == 0 else None
        return Product(workload=conv, weight=zeros, images=each.images, repeats=each.repeats, masked=masked, pool=pool)

    conv, times = ungrouped(each.workload, columns)
    update = Update(
        workload=conv,
        pattern=patterns.update,
        zeros=partial(matrix_zeros, pattern=patterns.update, method="magnitude", seed=seed),
        images=each.images,
        repeats=times * each.repeats,
    )
    gradients = input_gradient(layer.name, each.workload) if each.wanted else []
    return TrainedLayer(
        name=layer.name,
        kind=layer.kind,
        shape=layer.shape,
        stored=True,
        patterns=chosen,
        forward=(product(each.workload, 0),),
        backward=tuple(product(gradient.workload, 1) for gradient in gradients),
        update=update,
        weights=each.weights,
    )


def _of_activations(each: NetworkLayer) -> TrainedLayer:
    """A product [P, C] x [C, K] of two activations, with dY [P, K] x [K, C] and [C, P] x [P, K] for its gradients."""
    gemm = each.workload.gemm

    def product(p: int, c: int, k: int) -> Product:
        line = Convolution(batch=1, c_in=c, c_out=k, height=1, width=p, kernel=(1, 1))
        zeros = product_zeros(line, _DENSE, "magnitude", 0)
        together = products_together(line.gemm, each.repeats)
        return Product(workload=line, weight=zeros, images=together, repeats=each.repeats // together, operand=True)

    return TrainedLayer(
        name=each.layer.name,
        kind=each.layer.kind,
        shape=each.layer.shape,
        stored=False,
        patterns=(_DENSE, _DENSE),
        forward=(product(gemm.p, gemm.c, gemm.k),),
        backward=(product(gemm.p, gemm.k, gemm.c), product(gemm.c, gemm.p, gemm.k)),
        update=None,
        weights=0,
    )


def _packed(network: TrainedNetwork, update: Pattern) -> tuple[HostPass, ...]:
    """Gradients of which one in q is kept: they are stored once more, with a bit for each element."""
    if update.kind == "dense":
        return ()
    elements = sum(
        each.workload.gemm.p * each.workload.c_out * each.images * each.repeats
        for each in network.layers
        if each.layer.stored
    )
    written = -(-elements // update.m) + -(-elements // 8)
    return (HostPass(operator=f"gradients packed {update}", role=Role.BACKWARD, read=0, written=written),)


def _notes(network: TrainedNetwork) -> tuple[str, ...]:
    """What a reader has to know about the network."""
    found = ["masks change while a network trains: their zeros are drawn from the seed, in the pattern that is stated"]
    alone = [each.layer.name for each in network.layers if not each.wanted and each.layer.stored]
    if alone:
        found.append(f"{', '.join(alone)}: nobody needs the gradient of its input, so it has no backward product")
    products = [each.layer.name for each in network.layers if not each.layer.stored]
    if products:
        found.append(
            f"{len(products)} products of two activations ({products[0]}, ...) are dense in all passes: both operands "
            "are computed"
        )
    return tuple(found)
