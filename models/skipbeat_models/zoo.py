"""Models that come with skipbeat, named `zoo:NAME`: some classify scikit-learn's digits, others are not trained.

The list itself needs no torch: a model's architecture is imported when it is built.
"""

from __future__ import annotations

from skipbeat_arch.errors import InputError

from .recipes import DIGITS_CNN, TINY_RESNET
from .zoo_model import PREFIX, ZooModel

__all__ = ["PREFIX", "ZooModel", "find", "names"]

_DIGIT, _CIFAR, _TINY, _IMAGENET = (1, 8, 8), (3, 32, 32), (3, 64, 64), (3, 224, 224)

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
            name="resnet-18-tiny",
            description="ResNet-18 for Tiny-ImageNet, recalled and not verified",
            network="resnet18",
            options={"small_classes": 200},
            parameters=11_271_432,
            macs=2_221_772_800,
            input_shape=_TINY,
        ),
        ZooModel(
            name="vgg-19-cifar",
            description="VGG-19 with batch norm for CIFAR-100, recalled and not verified",
            network="vgg",
            options={"depth": 19, "small_classes": 100},
            parameters=20_081_188,
            macs=398_182_400,
            input_shape=_CIFAR,
        ),
        ZooModel(
            name="vit-cifar",
            description="a vision transformer of six blocks for CIFAR-100, recalled and not verified",
            network="vision_transformer",
            options={"width": 512, "heads": 8, "blocks": 6, "image": 32, "patch": 4, "classes": 100},
            parameters=19_025_508,
            macs=1_254_416_384,
            input_shape=_CIFAR,
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
