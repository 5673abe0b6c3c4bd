"""A model of the zoo: what builds it, and what it reads. Its architecture is imported when it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from skipbeat_arch.errors import InputError

from .recipes import Recipe

if TYPE_CHECKING:
    from torch import Tensor, nn

PREFIX = "zoo:"

Source = tuple["nn.Module", tuple["Tensor", ...], dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        name: without `zoo:`.
        network: the module of `networks` that builds it; options: what it is asked for.
        parameters: how many weights, biases and the like it has. macs: multiply-accumulates of its convolutions and
            matrix products for one image, one sequence of `tokens` tokens, or the last token of such a sequence.
        input_shape: channels, height, width of an image; None: it reads tokens.
        tokens: length of the sequence unless told otherwise; 0: it reads images.
        decode: it reads only the last token of the sequence, as one that is generated; a cache holds the keys and
            values of the others. Without it, all are read at once (prefill).
        shapes_only: its weights are many, and untrained ones say nothing: `source` leaves them on the meta device.
        recipe: how it is trained and fine-tuned on the digits; None: it keeps the weights that its seed gives.
    """

    name: str
    description: str
    network: str
    parameters: int
    macs: int
    options: Mapping[str, int | str] = field(default_factory=dict)
    input_shape: tuple[int, int, int] | None = None
    tokens: int = 0
    decode: bool = False
    shapes_only: bool = False
    recipe: Recipe | None = None

    @property
    def input(self) -> str:
        """What it reads, as a reader knows it: `3x224x224`, `128 tokens` or `token 512`."""
        if self.input_shape:
            return "x".join(map(str, self.input_shape))
        return f"token {self.tokens}" if self.decode else f"{self.tokens} tokens"

    def build(self, seed: int = 0) -> nn.Module:
        """The untrained network: image networks with weights from the seed, language models on the meta device.

        Raises:
            InputError: it needs the transformers package, which is not installed.
        """
        network: nn.Module = import_module(f".networks.{self.network}", __package__).build_network(seed, **self.options)
        return network

    def check_tokens(self, tokens: int | None) -> None:
        """Whether the network takes sequences of so many tokens; None is as long as it has them by itself.

        Raises:
            InputError: it does not.
        """
        least = 1 + self.decode
        if tokens is not None and (self.input_shape or tokens < least):
            wanted = "no number of tokens, it reads images" if self.input_shape else f"at least {least} token(s)"
            raise InputError(f"model {PREFIX}{self.name}: expected {wanted}, not {tokens}")

    def source(self, seed: int = 0, tokens: int | None = None) -> Source:
        """The network in evaluation mode with example inputs for one image or sequence: `(module, args, kwargs)`.

        With `shapes_only`, module and inputs lie on the meta device, and hold no numbers.

        Args:
            seed: of the weights.
            tokens: length of a language model's sequence, with the token that is generated; None: `self.tokens`.

        Raises:
            InputError: `tokens` for a model of images, or less than 1 (with a cache, 2); or the transformers package is
                missing.
        """
        self.check_tokens(tokens)
        import torch

        with torch.device("meta" if self.shapes_only else "cpu"):
            network = self.build(seed).eval()
            if self.input_shape:
                return network, (torch.zeros(1, *self.input_shape),), {}
            length = tokens or self.tokens
            if not self.decode:
                return network, (), {"input_ids": torch.zeros(1, length, dtype=torch.int64)}
            from .networks.language import Decoder

            decoder = Decoder(network).eval()
            ids = torch.zeros(1, 1, dtype=torch.int64)
            return decoder, (), {"input_ids": ids, "past": decoder.empty_past(length - 1)}
