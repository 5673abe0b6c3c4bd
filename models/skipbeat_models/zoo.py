"""Models that come with skipbeat, named `zoo:NAME`: some classify scikit-learn's digits, others are not trained.

The list itself needs no torch: a model's architecture is imported when it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from skipbeat_arch.errors import InputError

from .recipes import DIGITS_CNN, TINY_RESNET, Recipe

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


_DIGIT, _CIFAR, _IMAGENET = (1, 8, 8), (3, 32, 32), (3, 224, 224)

_MODELS = {
    model.name: model
    for model in (
        ZooModel(
            name="digits-cnn",
            description="scikit-learn digits, three convolutions and a linear layer",
            network="digits_cnn",
            parameters=25_866,
            macs=601_600,
            input_shape=_DIGIT,
            recipe=DIGITS_CNN,
        ),
        ZooModel(
            name="tiny-resnet",
            description="scikit-learn digits, a residual network with strides, projection and depthwise",
            network="tiny_resnet",
            parameters=21_146,
            macs=554_816,
            input_shape=_DIGIT,
            recipe=TINY_RESNET,
        ),
        ZooModel(
            name="resnet-9",
            description="ResNet-9 for CIFAR-10",
            network="resnet9",
            parameters=6_573_130,
            macs=379_261_952,
            input_shape=_CIFAR,
        ),
        ZooModel(
            name="resnet-18",
            description="ResNet-18 for ImageNet",
            network="resnet18",
            parameters=11_689_512,
            macs=1_814_073_344,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="resnet-50",
            description="ResNet-50 for ImageNet",
            network="resnet50",
            parameters=25_557_032,
            macs=4_089_184_256,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="mobilenet-v2",
            description="MobileNet-V2 for ImageNet",
            network="mobilenet_v2",
            parameters=3_504_872,
            macs=300_774_272,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="vgg-16",
            description="VGG-16 for ImageNet",
            network="vgg",
            options={"depth": 16},
            parameters=138_357_544,
            macs=15_470_264_320,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="vgg-19",
            description="VGG-19 for ImageNet",
            network="vgg",
            options={"depth": 19},
            parameters=143_667_240,
            macs=19_632_062_464,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="vit-b-16",
            description="vision transformer ViT-B/16 for ImageNet",
            network="vision_transformer",
            parameters=86_567_656,
            macs=17_563_828_224,
            input_shape=_IMAGENET,
            shapes_only=True,
        ),
        ZooModel(
            name="deit-s",
            description="vision transformer DeiT-S for ImageNet",
            network="vision_transformer",
            options={"width": 384, "heads": 6},
            parameters=22_050_664,
            macs=4_598_882_304,
            input_shape=_IMAGENET,
        ),
        ZooModel(
            name="vit-tiny",
            description="a vision transformer of two blocks, small enough for the RTL",
            network="vision_transformer",
            options={"width": 32, "heads": 2, "blocks": 2, "image": 16, "patch": 4, "classes": 10},
            parameters=27_946,
            macs=479_680,
            input_shape=(3, 16, 16),
        ),
        ZooModel(
            name="llama-tiny",
            description="a language model of two blocks as Llama has them, small enough for the RTL",
            network="tiny_llama",
            parameters=24_736,
            macs=393_216,
            tokens=16,
        ),
        ZooModel(
            name="bert-base",
            description="BERT-base, the encoder and its pooler",
            network="language",
            options={"model": "bert-base"},
            parameters=109_482_240,
            macs=11_174_215_680,
            tokens=128,
            shapes_only=True,
        ),
        ZooModel(
            name="gpt-2",
            description="GPT-2 small with its language head",
            network="language",
            options={"model": "gpt-2"},
            parameters=124_439_808,
            macs=68_080_238_592,
            tokens=512,
            shapes_only=True,
        ),
        ZooModel(
            name="gpt-2-decode",
            description="GPT-2 small, one token with a cache of those before it",
            network="language",
            options={"model": "gpt-2"},
            parameters=124_439_808,
            macs=132_969_216,
            tokens=512,
            decode=True,
            shapes_only=True,
        ),
        ZooModel(
            name="llama-2-7b-decode",
            description="Llama-2-7B, one token with a cache of those before it",
            network="language",
            options={"model": "llama-2-7b"},
            parameters=6_738_415_616,
            macs=6_741_295_104,
            tokens=512,
            decode=True,
            shapes_only=True,
        ),
        ZooModel(
            name="llama-2-7b",
            description="Llama-2-7B with its language head",
            network="language",
            options={"model": "llama-2-7b"},
            parameters=6_738_415_616,
            macs=850_000_871_424,
            tokens=128,
            shapes_only=True,
        ),
    )
}


def names() -> list[str]:
    """The models' full names, `zoo:NAME`, sorted."""
    return sorted(PREFIX + name for name in _MODELS)


def find(source: str) -> ZooModel:
    """The model called `zoo:NAME`.

    Raises:
        InputError: there is none of that name; the message lists those that there are.
    """
    model = _MODELS.get(source.removeprefix(PREFIX)) if source.startswith(PREFIX) else None
    if model is None:
        raise InputError(f"model {source}: no such model; expected one of {', '.join(names())}")
    return model
