"""One node of a run before it has numbers: a layer, an average, a maximum or an addition with what it takes over."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import inf

from skipbeat_arch.graph import Pool
from skipbeat_arch.workload import Convolution

from ..graphs.graph import Operator, Value
from ..layers.reading import Reading
from .maps import Form, Map


class Kind(Enum):
    """What a node computes."""

    LAYER = "a product with a stored weight"
    AVERAGE = "the mean of windows"
    COPY = "its operand, to pool it, to add to it or to normalise it"
    CONCATENATION = "nothing: its operands are ranges of its channels"


@dataclass(kw_only=True, eq=False)
class Operation:
    """What one node of a graph computes.

    Attributes:
        number: its place among the operations.
        name: of its layer, or of its module.
        workload: of one image; weights of an average and a copy are 1.
        source, residual: the tensors that it reads; a residual is added to its sums.
        result: the value that its tensor holds, after all that it takes over.
        ranged: the value whose largest magnitude sets the tensor's scale; None: it keeps the scale of its source.
        norm: the batch normalisation that its weights and bias take in; of a copy all that it does. biases: what is
            added to its bias.
        low, high: the clamp, in real numbers.
        pool: maximum over windows of its results. parts: of a concatenation, in order.
        absorbed: the operators that it takes over. form: how its result holds its tensor.
        read: whether another operation reads its tensor. outside: whether another operator does. returned: whether the
            model returns it.
    """

    number: int
    name: str
    kind: Kind
    reading: Reading
    workload: Convolution
    source: Map
    result: Value
    ranged: Value | None
    residual: Map | None = None
    norm: Operator | None = None
    biases: list[Value] = field(default_factory=list)
    low: float = -inf
    high: float = inf
    pool: Pool | None = None
    parts: tuple[Map, ...] = ()
    absorbed: list[Operator] = field(default_factory=list)
    form: Form = Form.IMAGE
    read: bool = False
    outside: bool = False
    returned: bool = False

    @property
    def plain(self) -> bool:
        """Whether its results are its sums, scaled."""
        return self.residual is None and self.pool is None and (self.low, self.high) == (-inf, inf)

    @property
    def weighted(self) -> bool:
        """Whether it has weights, so that it can take over what adds to its sums."""
        return self.kind is Kind.LAYER or self.norm is not None

    @property
    def raw(self) -> bool:
        """Whether its sums are the model's results."""
        return self.returned and not (self.read or self.outside) and self.plain and self.kind is Kind.LAYER

    @property
    def inputs(self) -> tuple[Map, ...]:
        """The tensors that it reads."""
        if self.parts:
            return self.parts
        return (self.source,) if self.residual is None else (self.source, self.residual)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of its tensor."""
        size = self.workload.out_size
        return (self.workload.c_out, *(self.pool.out_size(size) if self.pool else size))
