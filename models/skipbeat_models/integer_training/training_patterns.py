"""What is kept of each layer's operands while a network trains."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern

from ..gradients.build_step import StepPatterns
from ..scheme import Scheme
from .matrix_layer import LayerPatterns


@dataclass(frozen=True, kw_only=True)
class TrainingPatterns(StepPatterns):
    """Patterns of a step that is run: chosen by rank, or without bias.

    Raises:
        InputError: weights that are neither dense nor N:M by magnitude, or gradients neither dense nor 1:q, q a power
            of two.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, scheme in (("forward", self.forward), ("backward", self.backward)):
            if scheme.permute or scheme.method != "magnitude":
                raise InputError(f"{name} {scheme}: a training chooses by magnitude, and permutes no channels")
            for pattern in _all(scheme):
                if pattern.kind not in ("dense", "nm"):
                    raise InputError(f"{name} {pattern}: expected dense or N:M")
        q = self.update.m
        if self.update.kind != "dense" and q & (q - 1):
            raise InputError(f"update {self.update}: expected dense or 1:q, q a power of two")

    def check_group(self, group: int) -> None:
        """Whether hardware with groups of M can choose them.

        Raises:
            InputError: it cannot.
        """
        for name, scheme in (("forward", self.forward), ("backward", self.backward)):
            for pattern in _all(scheme):
                if pattern.kind == "nm" and pattern.m != group:
                    raise InputError(f"{name} {pattern}: the hardware's groups have {group}; expected N:{group}")
        if self.update.kind != "dense" and self.update.m > group:
            raise InputError(f"update {self.update}: expected 1:q with q of up to {group}, the hardware's groups")

    def of_layer(self, name: str, kind: LayerKind, *, first: bool, last: bool) -> LayerPatterns:
        """Those of one layer; `first`: it is the network's first convolution, `last`: its last layer."""
        ahead, back = self.of_weights(name, kind, first=first, last=last)
        return LayerPatterns(forward=ahead, backward=back, update=self.update)


def _all(scheme: Scheme) -> tuple[Pattern, ...]:
    return scheme.default, *(pattern for _, pattern in scheme.layers)
