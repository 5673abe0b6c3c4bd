"""Which operators of a graph are layers, with their names and sizes: what is the same for zeros and for numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from ..graphs.constants import Constant, Constants
from ..graphs.folding import MULTIPLYING
from ..graphs.graph import Graph, Operator, Value
from ..graphs.operators import ATTENTIONS, BILINEAR, CONVOLUTIONS, EINSUM, PRODUCTS, RECURRENT, TRANSPOSED
from ..graphs.products import Product, contracts, operands, read_product
from .bilinear import BilinearCall, read_bilinear
from .convolutions import ConvolutionCall, read_call
from .experts import ExpertProduct, read_experts
from .multiplying import may_multiply
from .recurrent import StepProduct, steps
from .summed import Sums

#: What is left of a weight's name after its module's, for a weight that is the module's own.
_OWN = re.compile(r"(^|(?<=\.))(parametrizations\.weight\..*|weight(_orig|_v|_g|_bar)?)$")


_COMPLEX = (torch.complex32, torch.complex64, torch.complex128)


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """An operator that does not follow from the weights alone.

    Attributes:
        names: of its layers; none: it is none.
        constants: the weight of each layer; None: it is computed from activations.
        convolution, product, bilinear, experts, steps: the layers' sizes; attention has none of them.
        left: why it is not priced although it is, or may be, a product.
    """

    operator: Operator
    names: tuple[str, ...] = ()
    constants: tuple[Constant | None, ...] = ()
    convolution: ConvolutionCall | None = None
    product: Product | None = None
    bilinear: BilinearCall | None = None
    experts: ExpertProduct | None = None
    steps: tuple[StepProduct, ...] = ()
    left: str = ""


def read_operators(graph: Graph) -> tuple[list[Reading], Constants]:
    """The operators in their order, without those whose results follow from the weights, and these results."""
    reader = _Reader(graph)
    found = [reader.read(operator) for operator in graph.operators]
    return [reading for reading in found if reading is not None], reader.constants


def bias_of(operator: Operator) -> Value | None:
    """What a layer adds to its sums."""
    added = operator.base in ("addmm", "addmv", "_addmm_activation", "_sparse_addmm")
    bias = operator.args.get("self" if added else "bias")
    return bias if isinstance(bias, Value) else None


def has_stored_bias(operator: Operator, constants: Constants) -> bool:
    """Whether what a layer adds to its sums, if anything, is stored and not scaled."""
    bias, scaled = bias_of(operator), operator.args.get("alpha", 1) != 1 or operator.args.get("beta", 1) != 1
    return not scaled and (bias is None or constants.find(bias) is not None)


class Names:
    """Names that are unique in a model: what comes again is numbered."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._count = Counter(taken)

    def unique(self, name: str) -> str:
        """The name, or with a number."""
        self._count[name] += 1
        return name if self._count[name] == 1 else f"{name}#{self._count[name]}"


class _Reader:
    def __init__(self, graph: Graph) -> None:
        self.constants = Constants(graph)
        self._names = Names()
        self._sums = Sums(graph, self._is_stored)

    def read(self, operator: Operator) -> Reading | None:
        base = operator.base
        if self.constants.has(operator):
            return None
        if operator.left:
            return Reading(operator=operator, left=operator.left)
        if base in MULTIPLYING and any(value.dtype in _COMPLEX for value in operator.values()):
            return Reading(operator=operator, left="a product of complex numbers")
        if base in CONVOLUTIONS | TRANSPOSED:
            return self._convolution(operator)
        if base in PRODUCTS or base == EINSUM:
            return self._product(operator)
        if base in BILINEAR:
            return self._bilinear(operator)
        if base in ATTENTIONS:
            names = (self._name(operator, None, "query-key"), self._name(operator, None, "score-value"))
            return Reading(operator=operator, names=names, constants=(None, None))
        if self._sums.is_product(operator):
            return Reading(operator=operator, left="a product written as a multiplication and a sum")
        return self._recurrent(operator) if base in RECURRENT else self._experts(operator)

    def _experts(self, operator: Operator) -> Reading:
        experts = read_experts(operator)
        constant = None if experts is None else self.constants.find(experts.weight)
        if constant is None:
            return Reading(operator=operator, left=may_multiply(operator, self._is_stored))
        names = (self._name(operator, constant),)
        return Reading(operator=operator, names=names, constants=(constant,), experts=experts)

    def _convolution(self, operator: Operator) -> Reading:
        call, constant = read_call(operator), self.constants.find(operator.value("weight"))
        if call is None:
            return Reading(operator=operator, left="more than three dimensions")
        names = (self._name(operator, constant),)
        return Reading(operator=operator, names=names, constants=(constant,), convolution=call)

    def _product(self, operator: Operator) -> Reading:
        given = operands(operator)
        stored = (False, False) if given is None else (self._is_stored(given[0]), self._is_stored(given[1]))
        product = read_product(operator, (False, True) if all(stored) else stored)
        if product is None and contracts(operator):
            return Reading(operator=operator, left="a product of a form that is not known")
        if product is None:
            return Reading(operator=operator)  # an outer product, or one of elements: nothing is summed up
        constant = self.constants.find(product.right)
        if product.repeats > 1 and (once := self.constants.once(product.right)) is not None:
            right, constant = once
            args = {name: right if item is product.right else item for name, item in operator.args.items()}
            narrow = read_product(replace(operator, args=args), (False, True) if all(stored) else stored)
            product = narrow or product
        names = (self._name(operator, constant),)
        return Reading(operator=operator, names=names, constants=(constant,), product=product)

    def _bilinear(self, operator: Operator) -> Reading:
        call = read_bilinear(operator)
        constant = None if call is None else self.constants.find(call.weight)
        if constant is None:
            return Reading(operator=operator, left="a product of three tensors")
        names = (self._name(operator, constant), self._name(operator, None, "second"))
        return Reading(operator=operator, names=names, constants=(constant, None), bilinear=call)

    def _recurrent(self, operator: Operator) -> Reading:
        products = steps(operator) if operator.target.endswith(".input") else None
        constants = [self.constants.find(product.weight) for product in products or ()]
        if products is None or None in constants:
            return Reading(operator=operator, left="its steps or weights are not those of a plain layer")
        names = tuple(self._name(operator, constant) for constant in constants)
        return Reading(operator=operator, names=names, constants=tuple(constants), steps=tuple(products))

    def _is_stored(self, value: Value) -> bool:
        return self.constants.find(value) is not None

    def _name(self, operator: Operator, constant: Constant | None, suffix: str = "") -> str:
        """The module's name, with what tells its products apart; a second call is numbered."""
        name = operator.module
        weight = next((weight for weight in constant.weights), "") if constant else ""
        if weight.startswith(f"{name}." if name else ""):
            leaf = weight[len(name) + 1 :] if name else weight
            suffix = _OWN.sub("", leaf).rstrip(".") or suffix
        elif not constant:
            suffix = suffix or operator.base
        return self._names.unique(f"{name}.{suffix}".strip(".") or operator.base)
